"""The spiking neuron as torch functions: one fused scan over time, forward and backward.

Tensors are (V, T, B, C): joints, frames, clips, channels. The scans are numba kernels on CPU and Triton kernels on
CUDA; elsewhere the plain loop over time below runs, which also is what the kernels are tested against.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mksgn_neuro.nn.collective import all_sum, channel_statistics
from mksgn_neuro.nn.kernels import kernel_backend, lif_numba

SURROGATE_WIDTH = 2.0  # thresholds; our choice
VOLTAGE_LIMIT = lif_numba.VOLTAGE_LIMIT


class _LIF(torch.autograd.Function):
    """Spikes of v ← keep·v + scale·x + shift; gradients for x, scale and shift."""

    @staticmethod
    def forward(ctx, x: Tensor, scale: Tensor, shift: Tensor, decay_factor: float) -> Tensor:  # noqa: ANN001
        x = x.contiguous()
        spikes, v = kernel_backend(x.device.type).lif_forward(x, scale, shift, decay_factor)
        ctx.save_for_backward(x, scale, v)
        ctx.decay_factor = decay_factor
        return spikes

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN001
        x, scale, v = ctx.saved_tensors
        grad_z, sum_z, sum_zx = _reverse(grad, v, x, ctx.decay_factor)
        return grad_z * scale, sum_zx, sum_z, None


class _NormalisedLIF(torch.autograd.Function):
    """Batch normalisation over (V, T, B) and LIF in one; returns spikes and the batch's mean and variance.

    The shift is held at most at `max_shift`, so that silence stays silent (docs/design.md#gates-and-relays).
    """

    @staticmethod
    def forward(ctx, x, gamma, beta, decay_factor, epsilon, max_shift):  # noqa: ANN001
        x = x.contiguous()
        mean, variance, count = batch_statistics(x)
        rstd = torch.rsqrt(variance + epsilon)
        scale = gamma * rstd
        free = beta - mean * scale
        spikes, v = kernel_backend(x.device.type).lif_forward(x, scale, free.clamp(max=max_shift), decay_factor)
        ctx.save_for_backward(x, v, gamma, mean, rstd, free <= max_shift)
        ctx.decay_factor, ctx.count = decay_factor, count
        ctx.mark_non_differentiable(mean, variance)
        return spikes, mean, variance

    @staticmethod
    def backward(ctx, grad, _mean, _variance):  # noqa: ANN001
        x, v, gamma, mean, rstd, is_free = ctx.saved_tensors
        grad_z, sum_z, sum_zx = _reverse(grad, v, x, ctx.decay_factor)
        grad_beta = sum_z * is_free
        grad_scale = sum_zx - mean * grad_beta
        # the statistics are everybody's, the parameters' gradients are summed later
        all_beta, all_scale = all_sum(torch.stack([grad_beta, grad_scale]))
        # mean acts through the shift, variance through the scale
        by_mean = -gamma * rstd * all_beta / ctx.count
        by_variance = -all_scale * gamma * rstd**3 / ctx.count
        constant = by_mean - by_variance * mean
        out = kernel_backend(x.device.type).affine(grad_z, x, gamma * rstd, by_variance, constant)
        return out, grad_scale * rstd, grad_beta, None, None, None


class _IntegerLIF(torch.autograd.Function):
    """The integer neuron (docs/design.md#the-neuron): exact spikes forward, surrogate gradient backward."""

    @staticmethod
    def forward(ctx, x: Tensor, bias: Tensor, vth: int, v_decay: int) -> Tensor:  # noqa: ANN001
        x = x.contiguous()
        spikes, v = kernel_backend(x.device.type).integer_forward(x, bias.to(torch.int64), vth, v_decay)
        ctx.save_for_backward(x, v)
        ctx.decay_factor, ctx.vth = 1 - v_decay / lif_numba.DECAY_ONE, vth
        return spikes

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN001
        x, v = ctx.saved_tensors
        grad_z, sum_z, _ = _reverse(grad, v, x, ctx.decay_factor)
        return grad_z / ctx.vth, sum_z / ctx.vth, None, None


def lif(x: Tensor, scale: Tensor, shift: Tensor, decay_factor: float) -> Tensor:
    """Spikes (V, T, B, C) of 0 and 1, float32; scale and shift (C,) in thresholds."""
    if kernel_backend(x.device.type):
        return _LIF.apply(x, scale, shift, decay_factor)
    return lif_loop(x * scale + shift, decay_factor)


def normalised_lif(
    x: Tensor, gamma: Tensor, beta: Tensor, decay_factor: float, epsilon: float, max_shift: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Spikes of LIF(batch norm of x), and the batch's mean and variance (C,)."""
    if kernel_backend(x.device.type):
        return _NormalisedLIF.apply(x, gamma, beta, decay_factor, epsilon, max_shift)
    mean, variance = channel_statistics(x)
    scale = gamma * torch.rsqrt(variance + epsilon)
    shift = (beta - mean * scale).clamp(max=max_shift)
    return lif_loop(x * scale + shift, decay_factor), mean.detach(), variance.detach()


def integer_lif(x: Tensor, bias: Tensor, vth: int, v_decay: int) -> Tensor:
    """Spikes of the integer neuron on synaptic sums `x` (exact integers in float32), bias (C,) integers."""
    if kernel_backend(x.device.type):
        return _IntegerLIF.apply(x, bias, vth, v_decay)
    return integer_lif_loop(x, bias, vth, v_decay)


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, over: Tensor) -> Tensor:  # noqa: ANN001
        ctx.save_for_backward(over)
        return (over > 0).to(over.dtype)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:  # noqa: ANN001
        (over,) = ctx.saved_tensors
        return grad / (1 + (math.pi / SURROGATE_WIDTH * over) ** 2)


def lif_loop(drive: Tensor, decay_factor: float) -> Tensor:
    """The same neuron as a plain loop over time with autograd; any dtype and device."""
    v = torch.zeros_like(drive[:, 0])
    spikes = []
    for t in range(drive.shape[1]):
        v = decay_factor * v + drive[:, t]
        spike = _Spike.apply(v - 1)
        v = v * (1 - spike.detach())
        spikes.append(spike)
    return torch.stack(spikes, 1)


def integer_lif_loop(x: Tensor, bias: Tensor, vth: int, v_decay: int) -> Tensor:
    """The integer neuron as a plain loop in int64; the gradient is that of `lif_loop` on x/vth + bias/vth."""
    decay_factor = lif_numba.DECAY_ONE - v_decay
    surrogate_drive = (x + bias) / vth
    drive = 64 * (x.detach().to(torch.int64) + bias.detach().to(torch.int64))
    state = torch.zeros_like(drive[:, 0])
    carried = torch.zeros_like(surrogate_drive[:, 0])
    spikes = []
    for t in range(drive.shape[1]):
        product = state * decay_factor
        state = product.sign() * (product.abs() >> 12) + drive[:, t]
        state = state.clamp(-VOLTAGE_LIMIT, VOLTAGE_LIMIT)
        carried = carried * (decay_factor / lif_numba.DECAY_ONE) + surrogate_drive[:, t]
        exact = state.to(x.dtype) / (64 * vth)
        # the value is the integer neuron's, the gradient the float neuron's
        carried = carried + (exact - carried).detach()
        spike = _Spike.apply(carried - 1)
        spike = spike + ((state > 64 * vth).to(x.dtype) - spike).detach()
        state = state * (state <= 64 * vth)
        carried = carried * (1 - spike.detach())
        spikes.append(spike)
    return torch.stack(spikes, 1)


def batch_statistics(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and biased variance (C,) over (V, T, B) of all processes' clips, and how many values that were, float64.

    All stay on the device: a number that Python reads makes it wait for the GPU.
    """
    sums = kernel_backend(x.device.type).channel_sums(x)
    total = all_sum(torch.cat([sums.flatten(), sums.new_full((1,), x.numel() // x.shape[-1])]))
    count = total[-1]
    mean, square = total[:-1].view(2, -1) / count
    return mean.to(x.dtype), (square - mean**2).clamp(min=0).to(x.dtype), count


def _reverse(grad: Tensor, v: Tensor, x: Tensor, decay_factor: float) -> tuple[Tensor, Tensor, Tensor]:
    return kernel_backend(v.device.type).reverse(grad.contiguous(), v, x, decay_factor, SURROGATE_WIDTH)
