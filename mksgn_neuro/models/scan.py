"""Scans over time on CPU: numba kernels, one pass over (V, T, B, C) each. `scan_cuda` is their like."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mksgn_neuro.models import kernels


def lif_forward(x: Tensor, scale: Tensor, shift: Tensor, keep: float) -> tuple[Tensor, Tensor]:
    """Spikes and voltages before the reset, in thresholds, of v ← keep·v + scale·x + shift."""
    spikes, v = torch.empty_like(x), torch.empty_like(x)
    kernels.lif_forward(_np(x), _np(scale), _np(shift), _real(x)(keep), _np(spikes), _np(v))
    return spikes, v


def integer_forward(x: Tensor, bias: Tensor, vth: int, v_decay: int) -> tuple[Tensor, Tensor]:
    """The same of the integer neuron on synaptic sums `x`, bias (C,) int64."""
    spikes, v = torch.empty_like(x), torch.empty_like(x)
    kernels.integer_forward(_np(x), _np(bias), vth, v_decay, _np(spikes), _np(v))
    return spikes, v


def reverse(grad: Tensor, v: Tensor, x: Tensor, keep: float, width: float) -> tuple[Tensor, Tensor, Tensor]:
    """Gradient of the drive, and its sums over (V, T, B) alone and times x, (C,)."""
    grad_z = torch.empty_like(v)
    sums = v.new_empty(2, v.shape[0], v.shape[3], dtype=torch.float64)
    arrays = (_np(grad_z), _np(sums[0]), _np(sums[1]))
    kernels.lif_backward(_np(grad), _np(v), _np(x), _real(v)(keep), _real(v)(width), *arrays)
    return grad_z, *sums.sum(1).to(v.dtype)


def channel_sums(x: Tensor) -> Tensor:
    """Sums of x and x² over (V, T, B): (2, C) float64."""
    sums = x.new_zeros(2, x.shape[0], x.shape[3], dtype=torch.float64)
    kernels.channel_sums(_np(x), _np(sums[0]), _np(sums[1]))
    return sums.sum(1)


def affine(g: Tensor, x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """a·g + b·x + c, per channel."""
    out = torch.empty_like(x)
    kernels.affine(_np(g), _np(x), _np(a), _np(b), _np(c), _np(out))
    return out


def taps_forward(x: Tensor, kernel: Tensor, dilation: int) -> Tensor:
    """Σ_k kernel[k]·x[t − k·dilation], channel by channel; kernel (K, C)."""
    out = torch.empty_like(x)
    kernels.taps_forward(_np(x), _np(kernel), dilation, _np(out))
    return out


def taps_backward(grad: Tensor, x: Tensor, kernel: Tensor, dilation: int) -> tuple[Tensor, Tensor]:
    """Gradients of `taps_forward` for x and for the kernel."""
    grad_x, by_joint = torch.empty_like(x), np.empty((x.shape[0], *kernel.shape))
    kernels.taps_backward(_np(grad), _np(x), _np(kernel), dilation, _np(grad_x), by_joint)
    return grad_x, torch.from_numpy(by_joint.sum(0)).to(kernel.dtype)


def _np(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def _real(x: Tensor) -> type:
    return _np(x).dtype.type
