"""Linear maps in floating point, before anything is rounded: matrices and convolution kernels, and their products.

A convolution stays a convolution where that is exact, since its weights are shared; else it becomes a matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import gcd

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.ir import ConvKernel
from mksgn_neuro.ir.weights import as_csr

EQUAL = 1e-6  # relative: what float32 leaves of equal numbers


@dataclass(frozen=True)
class Kernel:
    """A convolution: `values` float64 (C_out, C_in / groups, kH, kW), and where they go.

    `taps` has the values' numbers, from 1 on, as its kernel.
    """

    values: np.ndarray
    taps: ConvKernel

    @classmethod
    def of(cls, values: np.ndarray, input_shape: tuple[int, ...], **geometry: object) -> Kernel:
        """Values (C_out, C_in / groups, kH, kW) on an input (C, H, W), strides and so on as in `ConvKernel`."""
        values = np.asarray(values, dtype=np.float64)
        numbers = 1 + np.arange(values.size).reshape(values.shape)
        return cls(values, ConvKernel(numbers, tuple(int(n) for n in input_shape), **geometry))

    @property
    def matrix(self) -> sp.csr_matrix:
        """The same map, (post, pre)."""
        csr = as_csr(self.taps)
        return sp.csr_matrix((self.values.ravel()[csr.data - 1], csr.indices, csr.indptr), shape=csr.shape)

    def integers(self) -> ConvKernel:
        """The kernel of the IR; the values are whole by then."""
        return replace(self.taps, kernel=np.rint(self.values).astype(np.int64))


Map = Kernel | sp.csr_matrix


def matrix_of(weights: Map) -> sp.csr_matrix:
    """Any map as CSR (post, pre), float64."""
    return weights.matrix if isinstance(weights, Kernel) else weights


def values_of(weights: Map) -> np.ndarray:
    """The numbers that are quantized: a kernel's values or a matrix's stored entries."""
    return weights.values.ravel() if isinstance(weights, Kernel) else weights.data


def apply(weights: Map, change: Callable[[np.ndarray], np.ndarray]) -> Map:
    """The map with every value changed."""
    if isinstance(weights, Kernel):
        return replace(weights, values=change(weights.values))
    return sp.csr_matrix((change(weights.data), weights.indices, weights.indptr), shape=weights.shape)


def shape_of(weights: Map) -> tuple[int, int]:
    """(post, pre)."""
    return weights.taps.shape if isinstance(weights, Kernel) else weights.shape


def scaled(weights: Map, factor: np.ndarray) -> Map:
    """Every output times its `factor` (N,); a kernel whose channels are not scaled as one is unrolled."""
    if isinstance(weights, Kernel):
        per_row = factor.reshape(len(weights.values), -1)
        if np.allclose(per_row, per_row[:, :1], rtol=EQUAL, atol=0):
            return replace(weights, values=weights.values * per_row[:, 0].reshape(-1, 1, 1, 1))
    return sp.csr_matrix(sp.diags(factor) @ matrix_of(weights))


def product(second: Map, first: Map | None) -> Map:
    """What `second` does to the output of `first`."""
    if first is None:
        return second
    if isinstance(first, Kernel) and isinstance(second, Kernel):
        joined = _joined(second, first)
        if joined is not None:
            return joined
    return sp.csr_matrix(matrix_of(second) @ matrix_of(first))


def _joined(second: Kernel, first: Kernel) -> Kernel | None:
    """Two kernels as one, where one of them keeps channels apart (a pool, a scale) and no border is in the way."""
    a, b = first.taps, second.taps
    if a.output_shape != b.input_shape or not all(_inside(a, b, axis) for axis in (0, 1)):
        return None
    channels = b.input_shape[0]
    if a.groups == channels == a.input_shape[0]:
        per_group = len(second.values) // b.groups
        width = second.values.shape[1]
        mid = (np.arange(len(second.values)) // per_group * width)[:, None] + np.arange(width)
        outer, inner, groups = second.values, first.values[mid, 0], b.groups
    elif b.groups == channels == len(second.values):
        outer, inner, groups = second.values, first.values, a.groups
    else:
        return None
    steps = [_steps(a, b, axis) for axis in (0, 1)]
    grid = [np.add.outer(np.arange(n) * far, np.arange(m) * near) for n, m, far, near, _ in steps]
    values = np.zeros((*np.broadcast_shapes(outer.shape[:2], inner.shape[:2]), *(g.max() + 1 for g in grid)))
    for (y2, y1), y in np.ndenumerate(grid[0]):
        for (x2, x1), x in np.ndenumerate(grid[1]):
            values[:, :, y, x] += outer[:, :, y2, x2] * inner[:, :, y1, x1]
    return Kernel.of(
        values,
        a.input_shape,
        stride=tuple(s * t for s, t in zip(a.stride, b.stride)),
        padding=tuple(p + s * q for p, s, q in zip(a.padding, a.stride, b.padding)),
        dilation=tuple(step[4] for step in steps),
        groups=groups,
    )


def _inside(a: ConvKernel, b: ConvKernel, axis: int) -> bool:
    """Whether what b pads with zeros is also what a would compute outside of its output: then padding can be joined."""
    reach = (a.kernel.shape[2 + axis] - 1) * a.dilation[axis]
    low = reach < a.stride[axis] + a.padding[axis]
    high = a.output_shape[1 + axis] * a.stride[axis] - a.padding[axis] >= a.input_shape[1 + axis]
    return b.padding[axis] == 0 or (low and high)


def _steps(a: ConvKernel, b: ConvKernel, axis: int) -> tuple[int, int, int, int, int]:
    """Along one axis: taps of b and of a, how far apart they lie in the joined kernel, and its dilation."""
    n, m = b.kernel.shape[2 + axis], a.kernel.shape[2 + axis]
    far, near = b.dilation[axis] * a.stride[axis], a.dilation[axis]
    unit = gcd(far if n > 1 else 0, near if m > 1 else 0) or 1
    return n, m, far // unit, near // unit, unit
