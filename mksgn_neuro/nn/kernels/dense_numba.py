"""numba kernels of the teacher, tensors (V, T, B, C) contiguous: joints in parallel, channels innermost.

Pairs of joints come as CSR by receiving joint: the pairs `starts[i] : starts[i + 1]` bring `pre[p]` to joint i.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange


@njit(parallel=True, cache=True, fastmath={"contract"})
def neighbours(x, weights, starts, pre, out):  # noqa: ANN001, ANN201
    """out[i] = Σ_p weights[p]·x[pre[p]]; weights (P, C)."""
    joints, steps, batch, channels = out.shape
    for i in prange(joints):
        for t in range(steps):
            for b in range(batch):
                for c in range(channels):
                    out[i, t, b, c] = 0
                for p in range(starts[i], starts[i + 1]):
                    j = pre[p]
                    for c in range(channels):
                        out[i, t, b, c] += weights[p, c] * x[j, t, b, c]


@njit(parallel=True, cache=True, fastmath={"contract", "reassoc"})
def pair_products(grad, x, post, pre, out):  # noqa: ANN001, ANN201
    """out[p] = Σ_(t, b) grad[post[p]]·x[pre[p]]: the gradient of `neighbours` for its weights, float64 (P, C)."""
    _, steps, batch, channels = x.shape
    for p in prange(len(post)):
        i, j = post[p], pre[p]
        row = np.zeros(channels, dtype=x.dtype)
        for t in range(steps):
            row[:] = 0
            for b in range(batch):
                for c in range(channels):
                    row[c] += grad[i, t, b, c] * x[j, t, b, c]
            out[p] += row


@njit(parallel=True, cache=True, fastmath={"contract"})
def window_forward(x, kernel, stride, out):  # noqa: ANN001, ANN201
    """Centred depthwise convolution: out[t] = Σ_k kernel[k]·x[t·stride + k − K//2], zeros outside; kernel (K, C)."""
    joints, steps, batch, channels = out.shape
    taps, length = kernel.shape[0], x.shape[1]
    for j in prange(joints):
        for t in range(steps):
            for b in range(batch):
                for c in range(channels):
                    out[j, t, b, c] = 0
                for k in range(taps):
                    s = t * stride + k - taps // 2
                    if 0 <= s < length:
                        for c in range(channels):
                            out[j, t, b, c] += kernel[k, c] * x[j, s, b, c]


@njit(parallel=True, cache=True, fastmath={"contract", "reassoc"})
def window_backward(grad, x, kernel, stride, grad_x, grad_kernel):  # noqa: ANN001, ANN201
    """Gradients of `window_forward`: grad_x is added to, grad_kernel is (V, K, C) float64, per joint."""
    joints, steps, batch, channels = grad.shape
    taps, length = kernel.shape[0], x.shape[1]
    for j in prange(joints):
        row = np.zeros((taps, channels), dtype=x.dtype)
        for t in range(steps):
            row[:] = 0
            for k in range(taps):
                s = t * stride + k - taps // 2
                if 0 <= s < length:
                    for b in range(batch):
                        for c in range(channels):
                            g = grad[j, t, b, c]
                            grad_x[j, s, b, c] += kernel[k, c] * g
                            row[k, c] += g * x[j, s, b, c]
            grad_kernel[j] += row


@njit(parallel=True, cache=True, fastmath={"contract"})
def affine_relu(x, scale, shift, out):  # noqa: ANN001, ANN201
    """out = max(0, scale·x + shift + out): `out` comes in with what is added, zeros or a shortcut."""
    joints, steps, batch, channels = x.shape
    for j in prange(joints):
        for t in range(steps):
            for b in range(batch):
                for c in range(channels):
                    out[j, t, b, c] = max(scale[c] * x[j, t, b, c] + shift[c] + out[j, t, b, c], 0)


@njit(parallel=True, cache=True, fastmath={"contract", "reassoc"})
def relu_backward(grad, out, x, passed, sums, sums_x):  # noqa: ANN001, ANN201
    """passed = grad where out > 0; per joint its sums over (T, B) alone and times x, float64 (V, C)."""
    joints, steps, batch, channels = x.shape
    for j in prange(joints):
        row = np.zeros(channels, dtype=x.dtype)
        row_x = np.zeros(channels, dtype=x.dtype)
        for t in range(steps):
            row[:] = 0
            row_x[:] = 0
            for b in range(batch):
                for c in range(channels):
                    g = grad[j, t, b, c] if out[j, t, b, c] > 0 else 0 * grad[j, t, b, c]
                    passed[j, t, b, c] = g
                    row[c] += g
                    row_x[c] += g * x[j, t, b, c]
            sums[j] += row
            sums_x[j] += row_x
