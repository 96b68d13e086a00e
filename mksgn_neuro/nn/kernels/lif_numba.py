"""Scans over time on CPU: numba kernels on contiguous tensors (V, T, B, C), float32 or float64, joints in parallel.

`lif_triton` is their like on CUDA. `v` is the voltage in thresholds before the reset. Equations:
docs/design.md#the-neuron with i_decay = 4096 (no current memory).
"""

from __future__ import annotations

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor

from mksgn_neuro.processes.compiled import COMPILING

COMPILING.watch()

VOLTAGE_LIMIT = 2**23 - 1
DECAY_ONE = 4096


@njit(parallel=True, cache=True, fastmath={"contract"})
def _lif_forward(x, scale, shift, decay_factor, spikes, v):  # noqa: ANN001
    """v = keep·v + scale·x + shift, spike where v > 1, then v = 0."""
    joints, steps, batch, channels = x.shape
    for j in prange(joints):
        state = np.zeros((batch, channels), dtype=x.dtype)
        for t in range(steps):
            for b in range(batch):
                for c in range(channels):
                    voltage = decay_factor * state[b, c] + scale[c] * x[j, t, b, c] + shift[c]
                    fired = voltage > np.float32(1)
                    v[j, t, b, c] = voltage
                    spikes[j, t, b, c] = np.float32(1) if fired else np.float32(0)
                    state[b, c] = np.float32(0) if fired else voltage


@njit(parallel=True, cache=True)
def _integer_forward(x, bias, vth, v_decay, spikes, v):  # noqa: ANN001
    """The integer neuron on synaptic sums `x` (exact integers in float32); `v` in thresholds, for the gradient."""
    joints, steps, batch, channels = x.shape
    decay_factor = np.int64(DECAY_ONE - v_decay)
    threshold = np.int64(64) * vth
    per_threshold = np.float32(1) / np.float32(max(threshold, 1))
    for j in prange(joints):
        state = np.zeros((batch, channels), dtype=np.int64)
        for t in range(steps):
            for b in range(batch):
                for c in range(channels):
                    product = state[b, c] * decay_factor
                    decayed = (product + ((product >> 63) & 4095)) >> 12
                    voltage = decayed + 64 * (np.int64(x[j, t, b, c]) + bias[c])
                    voltage = min(max(voltage, -VOLTAGE_LIMIT), VOLTAGE_LIMIT)
                    fired = voltage > threshold
                    v[j, t, b, c] = np.float32(voltage) * per_threshold
                    spikes[j, t, b, c] = np.float32(1) if fired else np.float32(0)
                    state[b, c] = 0 if fired else voltage


@njit(parallel=True, cache=True, fastmath={"contract", "reassoc", "arcp"})
def _lif_backward(grad_spikes, v, x, decay_factor, width, grad_z, sum_z, sum_zx):  # noqa: ANN001
    """Reverse scan: gradient of the drive, and per joint its sums over (T, B) alone and times x, (V, C).

    Surrogate: 1 / (1 + (π·(v − 1)/width)²); the reset passes no gradient.
    """
    joints, steps, batch, channels = v.shape
    slope = x.dtype.type(np.pi) / width
    for j in prange(joints):
        carried = np.zeros((batch, channels), dtype=x.dtype)
        total = np.zeros(channels, dtype=np.float64)
        total_x = np.zeros(channels, dtype=np.float64)
        row = np.zeros(channels, dtype=x.dtype)
        row_x = np.zeros(channels, dtype=x.dtype)
        for step in range(steps):
            t = steps - 1 - step
            row[:] = 0
            row_x[:] = 0
            for b in range(batch):
                for c in range(channels):
                    over = v[j, t, b, c] - np.float32(1)
                    steep = slope * over
                    surrogate = np.float32(1) / (np.float32(1) + steep * steep)
                    kept = np.float32(0) if over > np.float32(0) else decay_factor * carried[b, c]
                    g = grad_spikes[j, t, b, c] * surrogate + kept
                    carried[b, c] = g
                    grad_z[j, t, b, c] = g
                    row[c] += g
                    row_x[c] += g * x[j, t, b, c]
            total += row
            total_x += row_x
        sum_z[j] = total
        sum_zx[j] = total_x


@njit(parallel=True, cache=True, fastmath={"contract"})
def _affine(g, x, a, b, c0, out):  # noqa: ANN001
    """out = a·g + b·x + c0, per channel."""
    joints, steps, batch, channels = g.shape
    for j in prange(joints):
        for t in range(steps):
            for n in range(batch):
                for c in range(channels):
                    out[j, t, n, c] = a[c] * g[j, t, n, c] + b[c] * x[j, t, n, c] + c0[c]


@njit(parallel=True, cache=True, fastmath={"contract", "reassoc"})
def _channel_sums(x, sums, squares):  # noqa: ANN001
    """Per joint, sums of x and x² over (T, B): float64 (V, C)."""
    joints, steps, batch, channels = x.shape
    for j in prange(joints):
        row = np.zeros(channels, dtype=x.dtype)
        row2 = np.zeros(channels, dtype=x.dtype)
        for t in range(steps):
            row[:] = 0
            row2[:] = 0
            for b in range(batch):
                for c in range(channels):
                    value = x[j, t, b, c]
                    row[c] += value
                    row2[c] += value * value
            sums[j] += row
            squares[j] += row2


@njit(parallel=True, cache=True, fastmath={"contract"})
def _taps_forward(x, kernel, dilation, out):  # noqa: ANN001
    """Causal depthwise convolution: out[t] = Σ_k kernel[k]·x[t − k·dilation]; kernel (K, C)."""
    joints, steps, batch, channels = x.shape
    for j in prange(joints):
        for t in range(steps):
            for b in range(batch):
                for c in range(channels):
                    out[j, t, b, c] = kernel[0, c] * x[j, t, b, c]
                for k in range(1, kernel.shape[0]):
                    if t >= k * dilation:
                        for c in range(channels):
                            out[j, t, b, c] += kernel[k, c] * x[j, t - k * dilation, b, c]


@njit(parallel=True, cache=True, fastmath={"contract", "reassoc"})
def _taps_backward(grad, x, kernel, dilation, grad_x, grad_kernel):  # noqa: ANN001
    """Gradients of `_taps_forward`: grad_x like x, grad_kernel (V, K, C) float64, per joint."""
    joints, steps, batch, channels = x.shape
    taps = kernel.shape[0]
    for j in prange(joints):
        row = np.zeros((taps, channels), dtype=x.dtype)
        grad_kernel[j] = 0
        for t in range(steps):
            row[:] = 0
            for b in range(batch):
                for c in range(channels):
                    g = grad[j, t, b, c]
                    grad_x[j, t, b, c] = kernel[0, c] * g
                    row[0, c] += g * x[j, t, b, c]
                for k in range(1, taps):
                    if t + k * dilation < steps:
                        for c in range(channels):
                            g = grad[j, t + k * dilation, b, c]
                            grad_x[j, t, b, c] += kernel[k, c] * g
                            row[k, c] += g * x[j, t, b, c]
            grad_kernel[j] += row


@njit(parallel=True, cache=True, fastmath={"contract"})
def gated_forward(x, gates, out):  # noqa: ANN001, ANN201
    """out = x where its head's gate is open, else 0; x (V, T, B, C), gates (V, T, B, H) of 0 and 1."""
    joints, steps, batch, channels = x.shape
    heads = gates.shape[3]
    width = channels // heads
    for j in prange(joints):
        for t in range(steps):
            for b in range(batch):
                for h in range(heads):
                    gate = gates[j, t, b, h]
                    for c in range(h * width, (h + 1) * width):
                        out[j, t, b, c] = gate * x[j, t, b, c]


@njit(parallel=True, cache=True, fastmath={"contract", "reassoc"})
def gated_backward(grad, x, gates, grad_x, grad_gates):  # noqa: ANN001, ANN201
    """Gradients of `gated_forward` as a product."""
    joints, steps, batch, channels = x.shape
    heads = gates.shape[3]
    width = channels // heads
    for j in prange(joints):
        for t in range(steps):
            for b in range(batch):
                for h in range(heads):
                    gate = gates[j, t, b, h]
                    total = x.dtype.type(0)
                    for c in range(h * width, (h + 1) * width):
                        g = grad[j, t, b, c]
                        grad_x[j, t, b, c] = gate * g
                        total += g * x[j, t, b, c]
                    grad_gates[j, t, b, h] = total


def lif_forward(x: Tensor, scale: Tensor, shift: Tensor, decay_factor: float) -> tuple[Tensor, Tensor]:
    """Spikes and voltages before the reset, in thresholds, of v ← keep·v + scale·x + shift."""
    spikes, v = torch.empty_like(x), torch.empty_like(x)
    _lif_forward(_np(x), _np(scale), _np(shift), _real(x)(decay_factor), _np(spikes), _np(v))
    return spikes, v


def integer_forward(x: Tensor, bias: Tensor, vth: int, v_decay: int) -> tuple[Tensor, Tensor]:
    """The same of the integer neuron on synaptic sums `x`, bias (C,) int64."""
    spikes, v = torch.empty_like(x), torch.empty_like(x)
    _integer_forward(_np(x), _np(bias), vth, v_decay, _np(spikes), _np(v))
    return spikes, v


def reverse(grad: Tensor, v: Tensor, x: Tensor, decay_factor: float, width: float) -> tuple[Tensor, Tensor, Tensor]:
    """Gradient of the drive, and its sums over (V, T, B) alone and times x, (C,)."""
    grad_z = torch.empty_like(v)
    sums = v.new_empty(2, v.shape[0], v.shape[3], dtype=torch.float64)
    arrays = (_np(grad_z), _np(sums[0]), _np(sums[1]))
    _lif_backward(_np(grad), _np(v), _np(x), _real(v)(decay_factor), _real(v)(width), *arrays)
    return grad_z, *sums.sum(1).to(v.dtype)


def channel_sums(x: Tensor) -> Tensor:
    """Sums of x and x² over (V, T, B): (2, C) float64."""
    sums = x.new_zeros(2, x.shape[0], x.shape[3], dtype=torch.float64)
    _channel_sums(_np(x), _np(sums[0]), _np(sums[1]))
    return sums.sum(1)


def affine(g: Tensor, x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """a·g + b·x + c, per channel."""
    out = torch.empty_like(x)
    _affine(_np(g), _np(x), _np(a), _np(b), _np(c), _np(out))
    return out


def taps_forward(x: Tensor, kernel: Tensor, dilation: int) -> Tensor:
    """Σ_k kernel[k]·x[t − k·dilation], channel by channel; kernel (K, C)."""
    out = torch.empty_like(x)
    _taps_forward(_np(x), _np(kernel), dilation, _np(out))
    return out


def taps_backward(grad: Tensor, x: Tensor, kernel: Tensor, dilation: int) -> tuple[Tensor, Tensor]:
    """Gradients of `taps_forward` for x and for the kernel."""
    grad_x, by_joint = torch.empty_like(x), np.empty((x.shape[0], *kernel.shape))
    _taps_backward(_np(grad), _np(x), _np(kernel), dilation, _np(grad_x), by_joint)
    return grad_x, torch.from_numpy(by_joint.sum(0)).to(kernel.dtype)


def _np(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def _real(x: Tensor) -> type:
    return _np(x).dtype.type
