"""Convolutions that the kernels walk as they are: unrolled, a large one takes a thousand times its memory."""

from __future__ import annotations

import numpy as np

from mksgn_neuro.ir import ConvKernel, Projection

UNROLLED = 100_000  # synapses up to which rows of tiles are as fast or faster, and small
FIELDS = 16  # numbers of one kernel in the plan's table `conv`, in the order of `geometry`


def stays(q: Projection) -> bool:
    """Whether a projection's kernel is not unrolled; a sum that is shifted right needs its synapses one by one."""
    return isinstance(q.weights, ConvKernel) and q.weight_exp >= 0 and q.synapses > UNROLLED


def geometry(conv: ConvKernel, first_weight: int) -> list[int]:
    """What `kernels` must know of a kernel whose weights begin at `first_weight`."""
    c_out, channels, *taps = conv.kernel.shape
    ahead = [*conv.input_shape[1:], channels, c_out // conv.groups, *conv.output_shape[1:], *taps]
    return [*ahead, *conv.stride, *conv.padding, *conv.dilation, first_weight, c_out]


def by_tap(q: Projection) -> np.ndarray:
    """Weights in the order of pre channel, tap and post channel of the same group, times 2^weight_exp, int64 (n,)."""
    conv = q.weights
    c_out, channels, *taps = conv.kernel.shape
    grouped = conv.kernel.reshape(conv.groups, c_out // conv.groups, channels, *taps)
    return grouped.transpose(0, 2, 3, 4, 1).ravel().astype(np.int64) << q.weight_exp
