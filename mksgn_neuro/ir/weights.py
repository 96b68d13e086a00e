"""Synaptic weights: CSR or a convolution kernel, never a dense matrix of zeros."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class ConvKernel:
    """A 2-D convolution (cross-correlation, as in PyTorch): kernel (C_out, C_in / groups, kH, kW), int32.

    `input_shape` is (C_in, H, W); neurons are numbered row-major in (C, H, W).
    """

    kernel: np.ndarray
    input_shape: tuple[int, int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def __post_init__(self) -> None:
        kernel = np.array(self.kernel, dtype=np.int32)
        kernel.setflags(write=False)
        object.__setattr__(self, "kernel", kernel)

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(C_out, H_out, W_out)."""
        sizes = (
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, p, d, k, s in zip(
                self.input_shape[1:], self.padding, self.dilation, self.kernel.shape[2:], self.stride
            )
        )
        return (self.kernel.shape[0], *sizes)

    @property
    def shape(self) -> tuple[int, int]:
        """(post neurons, pre neurons)."""
        return math.prod(self.output_shape), math.prod(self.input_shape)

    @cached_property
    def out_degree(self) -> np.ndarray:
        """Synapses with a non-zero weight that each pre neuron has, int64 (pre,), without unrolling."""
        c_out, c_in, *taps = self.kernel.shape
        kept = np.count_nonzero(self.kernel.reshape(self.groups, c_out // self.groups, c_in, *taps), axis=1)
        lands = [self._lands(axis).astype(np.int64) for axis in (0, 1)]
        return np.einsum("ckl,ky,lx->cyx", kept.reshape(-1, *taps).astype(np.int64), *lands).ravel()

    @property
    def sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Sums of each post neuron's positive weights and of its negative ones, int64 (post,), without unrolling."""
        inside = [self._inside(axis).astype(np.int64) for axis in (0, 1)]
        parts = (part.sum(axis=1, dtype=np.int64) for part in (self.kernel.clip(min=0), self.kernel.clip(max=0)))
        positive, negative = (np.einsum("okl,ky,lx->oyx", part, *inside).ravel() for part in parts)
        return positive, negative

    def _inside(self, axis: int) -> np.ndarray:
        """Whether a tap of an output falls inside the input, bool (taps, outputs)."""
        tap = np.arange(self.kernel.shape[2 + axis])[:, None] * self.dilation[axis]
        at = np.arange(self.output_shape[1 + axis]) * self.stride[axis] - self.padding[axis] + tap
        return (at >= 0) & (at < self.input_shape[1 + axis])

    def _lands(self, axis: int) -> np.ndarray:
        """Whether a tap takes a pixel to an output, bool (taps, pixels)."""
        tap = np.arange(self.kernel.shape[2 + axis])[:, None] * self.dilation[axis]
        at = np.arange(self.input_shape[1 + axis]) + self.padding[axis] - tap
        return (at >= 0) & (at % self.stride[axis] == 0) & (at // self.stride[axis] < self.output_shape[1 + axis])


Weights = sp.csr_matrix | ConvKernel


def frozen_csr(matrix: object) -> sp.csr_matrix:
    """A canonical read-only int32 CSR copy: sorted, no duplicates, no stored zeros."""
    csr = sp.csr_matrix(matrix, dtype=np.int32, copy=True)
    csr.sum_duplicates()
    csr.eliminate_zeros()
    csr.sort_indices()
    for array in (csr.data, csr.indices, csr.indptr):
        array.setflags(write=False)
    return csr


def as_csr(weights: Weights) -> sp.csr_matrix:
    """Weights as CSR (post, pre); a kernel is unrolled, one synapse per tap that falls inside the input."""
    return _unroll(weights) if isinstance(weights, ConvKernel) else weights


def _unroll(conv: ConvKernel) -> sp.csr_matrix:
    c_out, c_in = conv.kernel.shape[:2]
    _, h_in, w_in = conv.input_shape
    _, h_out, w_out = conv.output_shape
    per_group = c_out // conv.groups
    o, i, kh, kw = np.nonzero(conv.kernel)
    y, x = np.mgrid[:h_out, :w_out].reshape(2, -1)
    in_y = y * conv.stride[0] - conv.padding[0] + (kh * conv.dilation[0])[:, None]
    in_x = x * conv.stride[1] - conv.padding[1] + (kw * conv.dilation[1])[:, None]
    inside = (in_y >= 0) & (in_y < h_in) & (in_x >= 0) & (in_x < w_in)
    rows = (o[:, None] * h_out + y) * w_out + x
    channel = (o // per_group) * c_in + i
    cols = (channel[:, None] * h_in + in_y) * w_in + in_x
    values = np.broadcast_to(conv.kernel[o, i, kh, kw][:, None], rows.shape)
    return frozen_csr(sp.csr_matrix((values[inside], (rows[inside], cols[inside])), shape=conv.shape))
