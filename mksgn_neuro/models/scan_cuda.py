"""The neuron's scans over time on CUDA: one Triton kernel each, not one launch per time step.

Same functions as `scan`. Checked by Triton's interpreter on CPU (integers to the bit); not run on a GPU so far.
"""

# no "from __future__ import annotations" here: Triton must see tl.constexpr itself, not its name
import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from mksgn_neuro.models.kernels import DECAY_ONE, VOLTAGE_LIMIT

BLOCK = 256  # columns (clip, channel) of one joint that one program walks through time


@triton.jit
def _lif_forward(x, scale, shift, keep, spikes, v, steps, columns, channels, block: tl.constexpr):  # noqa: ANN001
    column = tl.program_id(1) * block + tl.arange(0, block)
    inside = column < columns
    gain = tl.load(scale + column % channels, mask=inside, other=0.0)
    offset = tl.load(shift + column % channels, mask=inside, other=0.0)
    state = tl.zeros([block], dtype=tl.float32)
    at = tl.program_id(0).to(tl.int64) * steps * columns + column
    for _ in range(steps):
        voltage = keep * state + gain * tl.load(x + at, mask=inside, other=0.0) + offset
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
    threshold, keep, limit = tl.load(numbers), tl.load(numbers + 1), tl.load(numbers + 2)
    per_threshold = 1.0 / threshold.to(tl.float32)
    for _ in range(steps):
        product = state * keep
        decayed = (product + ((product >> 63) & 4095)) >> 12
        voltage = decayed + 64 * (tl.load(x + at, mask=inside, other=0.0).to(tl.int64) + offset)
        voltage = tl.where(voltage > limit, limit, tl.where(voltage < -limit, -limit, voltage))
        fired = voltage > threshold
        tl.store(v + at, voltage.to(tl.float32) * per_threshold, mask=inside)
        tl.store(spikes + at, tl.where(fired, 1.0, 0.0), mask=inside)
        state = tl.where(fired, 0, voltage)
        at += columns


@triton.jit
def _reverse(grad, v, keep, slope, grad_z, steps, columns, block: tl.constexpr):  # noqa: ANN001
    column = tl.program_id(1) * block + tl.arange(0, block)
    inside = column < columns
    carried = tl.zeros([block], dtype=tl.float32)
    at = (tl.program_id(0).to(tl.int64) + 1) * steps * columns + column
    for _ in range(steps):
        at -= columns
        over = tl.load(v + at, mask=inside, other=0.0) - 1.0
        steep = slope * over
        kept = tl.where(over > 0.0, 0.0, keep * carried)
        carried = tl.load(grad + at, mask=inside, other=0.0) / (1.0 + steep * steep) + kept
        tl.store(grad_z + at, carried, mask=inside)


@triton.jit
def _taps(
    x, kernel, out, steps, columns, channels, stride, taps: tl.constexpr, block: tl.constexpr  # noqa: ANN001
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)  # joint and step
    step = row % steps
    column = tl.program_id(1) * block + tl.arange(0, block)
    inside = column < columns
    total = tl.zeros([block], dtype=tl.float32)
    for k in range(taps):
        there = step - k * stride
        reached = inside & (there >= 0) & (there < steps)
        weight = tl.load(kernel + k * channels + column % channels, mask=inside, other=0.0)
        total += weight * tl.load(x + (row - k * stride) * columns + column, mask=reached, other=0.0)
    tl.store(out + row * columns + column, total, mask=inside)


def _grid(x: Tensor) -> tuple[tuple[int, int], tuple[int, int, int]]:
    """Programs, and (steps, columns, channels)."""
    joints, steps, batch, channels = x.shape
    return (joints, triton.cdiv(batch * channels, BLOCK)), (steps, batch * channels, channels)


def lif_forward(x: Tensor, scale: Tensor, shift: Tensor, keep: float) -> tuple[Tensor, Tensor]:
    """See `scan.lif_forward`; float32."""
    spikes, v = torch.empty_like(x), torch.empty_like(x)
    grid, sizes = _grid(x)
    _lif_forward[grid](x, scale.contiguous(), shift.contiguous(), keep, spikes, v, *sizes, block=BLOCK)
    return spikes, v


def integer_forward(x: Tensor, bias: Tensor, vth: int, v_decay: int) -> tuple[Tensor, Tensor]:
    """See `scan.integer_forward`."""
    spikes, v = torch.empty_like(x), torch.empty_like(x)
    grid, sizes = _grid(x)
    numbers = torch.tensor([64 * vth, DECAY_ONE - v_decay, VOLTAGE_LIMIT], device=x.device)
    _integer_forward[grid](x, bias, numbers, spikes, v, *sizes, block=BLOCK)
    return spikes, v


def reverse(grad: Tensor, v: Tensor, x: Tensor, keep: float, width: float) -> tuple[Tensor, Tensor, Tensor]:
    """See `scan.reverse`."""
    grad_z = torch.empty_like(v)
    grid, (steps, columns, _) = _grid(v)
    _reverse[grid](grad, v, keep, math.pi / width, grad_z, steps, columns, block=BLOCK)
    return grad_z, grad_z.sum((0, 1, 2)), (grad_z * x).sum((0, 1, 2))


def channel_sums(x: Tensor) -> Tensor:
    """See `scan.channel_sums`."""
    return torch.stack([x.sum((0, 1, 2), dtype=torch.float64), x.square().sum((0, 1, 2), dtype=torch.float64)])


def affine(g: Tensor, x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """See `scan.affine`."""
    return a * g + b * x + c


def taps_forward(x: Tensor, kernel: Tensor, dilation: int) -> Tensor:
    """See `scan.taps_forward`."""
    return _shifted_sums(x, kernel, dilation)


def taps_backward(grad: Tensor, x: Tensor, kernel: Tensor, dilation: int) -> tuple[Tensor, Tensor]:
    """See `scan.taps_backward`."""
    steps = x.shape[1]
    spans = [min(k * dilation, steps) for k in range(len(kernel))]
    by_tap = [(grad[:, span:] * x[:, : steps - span]).sum((0, 1, 2)) for span in spans]
    return _shifted_sums(grad, kernel, -dilation), torch.stack(by_tap)


def _shifted_sums(x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    out = torch.empty_like(x)
    (joints, groups), (steps, columns, channels) = _grid(x)
    sizes = (steps, columns, channels, stride)
    _taps[joints * steps, groups](x, kernel, out, *sizes, taps=len(kernel), block=BLOCK)
    return out
