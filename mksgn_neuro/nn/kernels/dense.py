"""The teacher's layers as torch functions: numba kernels on CPU, plain torch elsewhere and as what they are tested by.

Tensors are (V, T, B, C). Batch statistics are those of all processes of a distributed run.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mksgn_neuro.nn.collective import all_sum, channel_statistics
from mksgn_neuro.nn.kernels import dense_numba, lif_numba
from mksgn_neuro.nn.kernels.lif import batch_statistics

EPSILON = 1e-5
MOMENTUM = 0.1


class _Neighbours(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, weights: Tensor, post: Tensor, pre: Tensor) -> Tensor:  # noqa: ANN001
        x = x.contiguous()
        ctx.save_for_backward(x, weights, post, pre)
        return _gather(x, weights, post, pre)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN001
        x, weights, post, pre = ctx.saved_tensors
        grad = grad.contiguous()
        products = np.zeros(weights.shape)
        dense_numba.pair_products(_np(grad), _np(x), _np(post), _np(pre), products)
        return _gather(grad, weights, pre, post), torch.from_numpy(products).to(weights.dtype), None, None


def _gather(x: Tensor, weights: Tensor, post: Tensor, pre: Tensor) -> Tensor:
    order = torch.argsort(post, stable=True)
    counts = torch.bincount(post, minlength=len(x))
    starts = np.concatenate([[0], np.cumsum(counts.numpy())])
    out = torch.empty_like(x)
    dense_numba.neighbours(_np(x), _np(weights[order]), starts, _np(pre[order]), _np(out))
    return out


def neighbours(x: Tensor, weights: Tensor, post: Tensor, pre: Tensor) -> Tensor:
    """out[post[p]] += weights[p]·x[pre[p]] for each pair of joints p, channel by channel; weights (P, C)."""
    if x.device.type == "cpu":
        return _Neighbours.apply(x, weights, post, pre)
    return neighbours_plain(x, weights, post, pre)


def neighbours_plain(x: Tensor, weights: Tensor, post: Tensor, pre: Tensor) -> Tensor:
    """The same in torch: one small dense matrix (V, V) per channel."""
    adjacency = x.new_zeros(len(x), len(x), x.shape[-1]).index_put((post, pre), weights)
    return torch.einsum("vwc,wtbc->vtbc", adjacency, x)


class _Window(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, kernel: Tensor, stride: int) -> Tensor:  # noqa: ANN001
        x = x.contiguous()
        ctx.save_for_backward(x, kernel)
        ctx.stride = stride
        out = x.new_empty(x.shape[0], strided(x.shape[1], stride), *x.shape[2:])
        dense_numba.window_forward(_np(x), _np(kernel), stride, _np(out))
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN001
        x, kernel = ctx.saved_tensors
        grad_x = torch.zeros_like(x)
        grad_kernel = np.zeros((len(x), *kernel.shape))
        arrays = (_np(grad.contiguous()), _np(x), _np(kernel), ctx.stride)
        dense_numba.window_backward(*arrays, _np(grad_x), grad_kernel)
        return grad_x, torch.from_numpy(grad_kernel.sum(0)).to(kernel.dtype), None


def strided(frames: int, stride: int) -> int:
    """Frames left of `frames` by a strided window."""
    return -(-frames // stride)


def window(x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Centred depthwise convolution over frames, kernel (K, C), K odd; every stride-th frame is computed."""
    if x.device.type == "cpu":
        return _Window.apply(x, kernel, stride)
    return window_plain(x, kernel, stride)


def window_plain(x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """The same as torch's convolution."""
    v, t, b, c = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(v * b, c, t)
    out = F.conv1d(rows, kernel.T[:, None], stride=stride, padding=len(kernel) // 2, groups=c)
    return out.reshape(v, b, c, -1).permute(0, 3, 1, 2)


class _NormalisedReLU(torch.autograd.Function):
    """relu(batch norm over (V, T, B) of x, plus a shortcut); also the batch's mean and variance."""

    @staticmethod
    def forward(ctx, x, shortcut, gamma, beta):  # noqa: ANN001
        x = x.contiguous()
        mean, variance, count = batch_statistics(x)
        rstd = torch.rsqrt(variance + EPSILON)
        out = torch.zeros_like(x) if shortcut is None else shortcut.clone(memory_format=torch.contiguous_format)
        scale = gamma * rstd
        dense_numba.affine_relu(_np(x), _np(scale), _np(beta - mean * scale), _np(out))
        ctx.save_for_backward(x, out, gamma, mean, rstd)
        ctx.count, ctx.has_shortcut = count, shortcut is not None
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    def backward(ctx, grad, _mean, _variance):  # noqa: ANN001
        x, out, gamma, mean, rstd = ctx.saved_tensors
        passed = torch.empty_like(x)
        sums = x.new_zeros(2, len(x), x.shape[-1], dtype=torch.float64)
        arrays = (_np(grad.contiguous()), _np(out), _np(x), _np(passed))
        dense_numba.relu_backward(*arrays, _np(sums[0]), _np(sums[1]))
        here = sums.sum(1)
        everywhere = all_sum(here.clone()).to(x.dtype)
        here = here.to(x.dtype)
        grad_gamma = (here[1] - mean * here[0]) * rstd
        scale = gamma * rstd
        by_mean = -scale * everywhere[0] / ctx.count
        by_variance = -(everywhere[1] - mean * everywhere[0]) * scale * rstd**2 / ctx.count
        constant = by_mean - by_variance * mean
        grad_x = lif_numba.affine(passed, x, scale, by_variance, constant)
        return grad_x, passed if ctx.has_shortcut else None, grad_gamma, here[0]


class NormalisedReLU(nn.Module):
    """relu(batch norm(x) + shortcut) with running statistics for evaluation; (V, T, B, C)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        if not self.training:
            scale = self.gamma * torch.rsqrt(self.variance + EPSILON)
            out = x * scale + (self.beta - self.mean * scale)
            return F.relu(out if shortcut is None else out + shortcut)
        fused = _NormalisedReLU.apply if x.device.type == "cpu" else normalised_relu_plain
        out, mean, variance = fused(x, shortcut, self.gamma, self.beta)
        with torch.no_grad():
            self.mean.lerp_(mean, MOMENTUM)
            self.variance.lerp_(variance, MOMENTUM)
        return out


def normalised_relu_plain(
    x: Tensor, shortcut: Tensor | None, gamma: Tensor, beta: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The same with autograd."""
    mean, variance = channel_statistics(x)
    out = (x - mean) * (gamma * torch.rsqrt(variance + EPSILON)) + beta
    return F.relu(out if shortcut is None else out + shortcut), mean.detach(), variance.detach()


def _np(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()
