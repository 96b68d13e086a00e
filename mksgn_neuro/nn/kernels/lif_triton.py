"""Scans over time on CUDA: one Triton kernel each, not one launch per time step. Same functions as `lif_numba`."""

# no "from __future__ import annotations" here: Triton must see tl.constexpr itself, not its name
import math
from functools import cache

import torch
import triton
import triton.language as tl
from torch import Tensor

from mksgn_neuro.nn.kernels.lif_numba import DECAY_ONE, VOLTAGE_LIMIT

HEIGHT, WIDTH = 64, 32  # rows (joint, step, clip) and channels that one program sums up
BLOCK = 256  # columns (clip, channel) of one joint that one program walks through time


@triton.jit
def _lif_forward(x, scale, shift, decay_factor, spikes, v, steps, columns, channels, block: tl.constexpr):  # noqa: ANN001
    column = tl.program_id(1) * block + tl.arange(0, block)
    inside = column < columns
    gain = tl.load(scale + column % channels, mask=inside, other=0.0)
    offset = tl.load(shift + column % channels, mask=inside, other=0.0)
    state = tl.zeros([block], dtype=tl.float32)
    at = tl.program_id(0).to(tl.int64) * steps * columns + column
    for _ in range(steps):
        voltage = decay_factor * state + gain * tl.load(x + at, mask=inside, other=0.0) + offset
        fired = voltage > 1.0
        tl.store(v + at, voltage, mask=inside)
        tl.store(spikes + at, tl.where(fired, 1.0, 0.0), mask=inside)
        state = tl.where(fired, 0.0, voltage)
        at += columns


@triton.jit
def _integer_forward(
    x, bias, numbers, spikes, v, steps, columns, channels, block: tl.constexpr  # noqa: ANN001
):  # fmt: skip
    column = tl.program_id(1) * block + tl.arange(0, block)
    inside = column < columns
    offset = tl.load(bias + column % channels, mask=inside, other=0)
    state = tl.zeros([block], dtype=tl.int64)
    at = tl.program_id(0).to(tl.int64) * steps * columns + column
    # read as int64: Triton would make small scalar arguments int32, and products have 35 bits
    threshold, decay_factor, limit = tl.load(numbers), tl.load(numbers + 1), tl.load(numbers + 2)
    per_threshold = 1.0 / threshold.to(tl.float32)
    for _ in range(steps):
        product = state * decay_factor
        decayed = (product + ((product >> 63) & 4095)) >> 12
        voltage = decayed + 64 * (tl.load(x + at, mask=inside, other=0.0).to(tl.int64) + offset)
        voltage = tl.where(voltage > limit, limit, tl.where(voltage < -limit, -limit, voltage))
        fired = voltage > threshold
        tl.store(v + at, voltage.to(tl.float32) * per_threshold, mask=inside)
        tl.store(spikes + at, tl.where(fired, 1.0, 0.0), mask=inside)
        state = tl.where(fired, 0, voltage)
        at += columns


@triton.jit
def _reverse(grad, v, decay_factor, slope, grad_z, steps, columns, block: tl.constexpr):  # noqa: ANN001
    column = tl.program_id(1) * block + tl.arange(0, block)
    inside = column < columns
    carried = tl.zeros([block], dtype=tl.float32)
    at = (tl.program_id(0).to(tl.int64) + 1) * steps * columns + column
    for _ in range(steps):
        at -= columns
        over = tl.load(v + at, mask=inside, other=0.0) - 1.0
        steep = slope * over
        kept = tl.where(over > 0.0, 0.0, decay_factor * carried)
        carried = tl.load(grad + at, mask=inside, other=0.0) / (1.0 + steep * steep) + kept
        tl.store(grad_z + at, carried, mask=inside)


@triton.jit
def _taps(
    x, kernel, out, steps, columns, channels, dilation, taps: tl.constexpr, block: tl.constexpr  # noqa: ANN001
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)  # joint and step
    step = row % steps
    column = tl.program_id(1) * block + tl.arange(0, block)
    inside = column < columns
    total = tl.zeros([block], dtype=tl.float32)
    for k in range(taps):
        there = step - k * dilation
        reached = inside & (there >= 0) & (there < steps)
        weight = tl.load(kernel + k * channels + column % channels, mask=inside, other=0.0)
        total += weight * tl.load(x + (row - k * dilation) * columns + column, mask=reached, other=0.0)
    tl.store(out + row * columns + column, total, mask=inside)


@triton.jit
def _partial_sums(
    a, b, out, rows, channels, steps, batch, dilation, taps: tl.constexpr, height: tl.constexpr, width: tl.constexpr  # noqa: ANN001
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64) * height + tl.expand_dims(tl.arange(0, height), 1)  # joint, step and clip
    channel = tl.program_id(1) * width + tl.arange(0, width)
    inside = (row < rows) & (tl.expand_dims(channel, 0) < channels)
    there = out + tl.program_id(0) * (taps + 1) * channels + channel
    given = tl.load(a + row * channels + tl.expand_dims(channel, 0), mask=inside, other=0.0)
    tl.store(there, tl.sum(given, 0), mask=channel < channels)
    step = (row // batch) % steps
    for k in range(taps):
        reached = inside & (step >= k * dilation)
        moved = row - k * dilation * batch
        other = tl.load(b + moved * channels + tl.expand_dims(channel, 0), mask=reached, other=0.0)
        tl.store(there + (k + 1) * channels, tl.sum(given * other, 0), mask=channel < channels)


def _grid(x: Tensor) -> tuple[tuple[int, int], tuple[int, int, int]]:
    """Programs, and (steps, columns, channels)."""
    joints, steps, batch, channels = x.shape
    return (joints, triton.cdiv(batch * channels, BLOCK)), (steps, batch * channels, channels)


def lif_forward(x: Tensor, scale: Tensor, shift: Tensor, decay_factor: float) -> tuple[Tensor, Tensor]:
    """See `lif_numba.lif_forward`; float32."""
    spikes, v = torch.empty_like(x), torch.empty_like(x)
    grid, sizes = _grid(x)
    _lif_forward[grid](x, scale.contiguous(), shift.contiguous(), decay_factor, spikes, v, *sizes, block=BLOCK)
    return spikes, v


def integer_forward(x: Tensor, bias: Tensor, vth: int, v_decay: int) -> tuple[Tensor, Tensor]:
    """See `lif_numba.integer_forward`."""
    spikes, v = torch.empty_like(x), torch.empty_like(x)
    grid, sizes = _grid(x)
    numbers = _on_device((64 * vth, DECAY_ONE - v_decay, VOLTAGE_LIMIT), x.device)
    _integer_forward[grid](x, bias, numbers, spikes, v, *sizes, block=BLOCK)
    return spikes, v


def reverse(grad: Tensor, v: Tensor, x: Tensor, decay_factor: float, width: float) -> tuple[Tensor, Tensor, Tensor]:
    """See `lif_numba.reverse`."""
    grad_z = torch.empty_like(v)
    grid, (steps, columns, _) = _grid(v)
    _reverse[grid](grad, v, decay_factor, math.pi / width, grad_z, steps, columns, block=BLOCK)
    sums = _sums(grad_z, x, 1, 0).to(v.dtype)
    return grad_z, sums[0], sums[1]


def channel_sums(x: Tensor) -> Tensor:
    """See `lif_numba.channel_sums`."""
    return _sums(x, x, 1, 0)


def affine(g: Tensor, x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """See `lif_numba.affine`."""
    return a * g + b * x + c


def taps_forward(x: Tensor, kernel: Tensor, dilation: int) -> Tensor:
    """See `lif_numba.taps_forward`; with a dilation below 0, of later steps instead of earlier ones."""
    out = torch.empty_like(x)
    (joints, groups), (steps, columns, channels) = _grid(x)
    sizes = (steps, columns, channels, dilation)
    _taps[joints * steps, groups](x, kernel, out, *sizes, taps=len(kernel), block=BLOCK)
    return out


def taps_backward(grad: Tensor, x: Tensor, kernel: Tensor, dilation: int) -> tuple[Tensor, Tensor]:
    """See `lif_numba.taps_backward`."""
    by_tap = _sums(grad, x, len(kernel), dilation)[1:]
    return taps_forward(grad, kernel, -dilation), by_tap.to(kernel.dtype)


def _sums(a: Tensor, b: Tensor, taps: int, dilation: int) -> Tensor:
    """(1 + taps, C) float64: the sum of a (V, T, B, C), then those of its products with b, k·dilation steps earlier."""
    joints, steps, batch, channels = a.shape
    rows = joints * steps * batch
    grid = triton.cdiv(rows, HEIGHT), triton.cdiv(channels, WIDTH)
    out = a.new_empty(grid[0], 1 + taps, channels)
    sizes = (rows, channels, steps, batch, dilation)
    _partial_sums[grid](a, b, out, *sizes, taps=taps, height=HEIGHT, width=WIDTH)
    return out.sum(0, dtype=torch.float64)


@cache
def _on_device(numbers: tuple[int, ...], device: torch.device) -> Tensor:
    """int64, made once: nothing can be copied to a GPU while its work is being recorded."""
    return torch.tensor(numbers, device=device)
