"""Plain layers: everything to everything, and convolutions over positions."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from mksgn_neuro.nn.synapses import SynapseModule, Synapses, WeightQuantizer, integers


class Dense(SynapseModule):
    """Every neuron to every neuron: (V, T, B, C) to (1, T, B, K), weight (V·C, K)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) / math.sqrt(inputs))

    def forward(self, x: Tensor, quantize_weight: WeightQuantizer) -> Tensor:
        return (x.permute(1, 2, 0, 3).flatten(2) @ quantize_weight(self.weight))[None]

    def synapses(self, quantize_weight: WeightQuantizer, positions: int) -> Synapses:
        yield 0, sp.csr_matrix(integers(quantize_weight(self.weight)).T)


class _Convolution(SynapseModule):
    """The same weights (K, C_in, C_out) at every place of a window of K positions.

    `window` int (P_out, K) says which of the `positions` that tap k of position p sees, −1 where it is outside. The
    sums are one matrix product of gathered spikes, so that those of integers are exact on every device.
    """

    seen: Tensor

    def __init__(self, window: np.ndarray, positions: int, channels_in: int, channels_out: int) -> None:
        super().__init__()
        taps = window.shape[1]
        self.window, self.positions = window, positions
        seen = torch.from_numpy(np.where(window < 0, positions, window))  # one more position, where nothing fires
        self.register_buffer("seen", seen, persistent=False)
        self.weight = nn.Parameter(torch.randn(taps, channels_in, channels_out) / math.sqrt(taps * channels_in))

    def forward(self, x: Tensor, quantize_weight: WeightQuantizer) -> Tensor:
        padded = torch.cat([x, x.new_zeros(1, *x.shape[1:])])
        gathered = padded[self.seen].permute(0, 2, 3, 1, 4).flatten(3)  # (P_out, T, B, K·C_in)
        return gathered @ quantize_weight(self.weight).flatten(0, 1)

    def synapses(self, quantize_weight: WeightQuantizer, positions: int) -> Synapses:
        weights = integers(quantize_weight(self.weight))
        yield 0, sp.csr_matrix(sum(sp.kron(sees, w.T) for sees, w in zip(self._by_tap(), weights)))

    def _by_tap(self) -> list[sp.csr_matrix]:
        """For each tap (P_out, positions): 1 where a position sees another."""
        found = []
        for column in self.window.T:
            rows = np.flatnonzero(column >= 0)
            ones, shape = np.ones(len(rows), np.int32), (len(column), self.positions)
            found.append(sp.csr_matrix((ones, (rows, column[rows])), shape=shape))
        return found


class Conv1d(_Convolution):
    """Over a row of positions, e.g. joints in their order: (L, T, B, C_in) to (L_out, T, B, C_out).

    As torch's, L_out = (L + 2·padding − dilation·(kernel − 1) − 1) // stride + 1; weight (kernel, C_in, C_out).
    """

    def __init__(
        self, length: int, channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, padding: int = 0,
        dilation: int = 1,
    ) -> None:  # fmt: skip
        window = _seen(length, kernel, stride, padding, dilation)
        super().__init__(window, length, channels_in, channels_out)


class Conv2d(_Convolution):
    """Over a grid of positions, row by row: (H·W, T, B, C_in) to (H_out·W_out, T, B, C_out), `size` is (H, W).

    As torch's, with the same kernel, stride, padding and dilation both ways; weight (kernel·kernel, C_in, C_out).
    """

    def __init__(
        self, size: tuple[int, int], channels_in: int, channels_out: int, kernel: int, *, stride: int = 1,
        padding: int = 0, dilation: int = 1,
    ) -> None:  # fmt: skip
        rows, columns = (_seen(n, kernel, stride, padding, dilation) for n in size)
        row, column = rows[:, None, :, None], columns[None, :, None, :]
        window = np.where((row >= 0) & (column >= 0), row * size[1] + column, -1)
        super().__init__(window.reshape(len(rows) * len(columns), -1), math.prod(size), channels_in, channels_out)


def _seen(length: int, kernel: int, stride: int, padding: int, dilation: int) -> np.ndarray:
    """Positions (outputs, kernel) that a window sees along one axis, −1 outside."""
    outputs = (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    seen = np.arange(outputs)[:, None] * stride - padding + np.arange(kernel) * dilation
    return np.where((seen >= 0) & (seen < length), seen, -1)
