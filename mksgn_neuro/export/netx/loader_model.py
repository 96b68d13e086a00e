"""What lava-dl 0.6.0's stock netx loader makes of a file: the traps of its weights as data and arithmetic.

The list is in docs/design.md#numerics-traps. Read off `lava.lib.dl.netx` and `lava.utils.weightutils`, and compared
with them in tests/export/netx/test_loader_model.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.ir.spec import MAX_UNSIGNED_WEIGHT, MIXED_WEIGHT_RANGE

FORMAT = "mksgn-neuro-netx"
VERSION = 1
GROUP = "mksgn_neuro"  # beside /layer, where the stock loader does not look

CUBA_TYPES = ("CUBA", "LOIHI")
DEFAULT_NEURON = {"i_decay": 0, "v_decay": 4096, "vth": 2**17}  # `1 << 18 - 1` where a dense layer has no neuron
INPUT_MESSAGE_BITS = 16  # any positive number makes the first layer take graded values
MAX_CONV_GEOMETRY = 127  # stride, padding, dilation and groups are int8 in Lava's convolution
MAX_DELAY = 62
RAISING_TYPES = ("average", "concat", "pool", "convT", "unpool", "dense_comp")  # other unknown ones are left out
# What Lava's LIF computes with as it stands; the chip's fields are narrower for biases (ir.spec).
NEURON_RANGES = {"iDecay": (0, 4096), "vDecay": (0, 4096), "vThMant": (0, 2**24), "bias": (-(2**15), 2**15 - 1)}
CHUNK = (256, 512)  # rows and columns of a dense matrix that are packed together: most hold no synapse


@dataclass(frozen=True)
class Loaded:
    """A weight matrix as the stock loader runs it: `scaled` int64, its synapse's sums are divided by 2^`shift`.

    `bits` are those per weight.
    """

    scaled: np.ndarray
    shift: int
    bits: int

    @property
    def values(self) -> np.ndarray:
        """The weights themselves, float64: fractions where the synapse cuts bits that the scale had made."""
        return self.scaled / 2.0**self.shift

    @property
    def grid(self) -> tuple[np.ndarray, int]:
        """Integers and the weight exponent with which they give the same sums, 0 wherever that is possible."""
        if self.shift > 0 and np.any(self.scaled % 2**self.shift):
            return self.scaled, -self.shift
        return self.values.astype(np.int64), 0


def load_weights(weights: np.ndarray, recurrent: np.ndarray | None = None) -> tuple[Loaded, ...] | None:
    """What a dense layer's integer matrices become; None where the loader raises (all are zero).

    The two of a `dense_rec` layer share bits and exponent, but each is clipped by its own signs.
    """
    matrices = [np.asarray(m, dtype=np.int64) for m in (weights, recurrent) if m is not None]
    low, high = min(m.min() for m in matrices), max(m.max() for m in matrices)
    if low == high == 0:
        return None
    if low < MIXED_WEIGHT_RANGE[0] < 0 < high or (low < 0 and high > MIXED_WEIGHT_RANGE[1]):
        matrices = [np.clip(m, *MIXED_WEIGHT_RANGE) for m in matrices]
        low, high = max(low, MIXED_WEIGHT_RANGE[0]), min(high, MIXED_WEIGHT_RANGE[1])
    signed = int(low < 0 <= high)
    shift = int(np.floor(np.log2(_headroom(low, high)))) + signed
    bits = 8 - shift - (_common_zeros(matrices) - signed)
    return tuple(Loaded(_synapse(m, shift, bits), shift, bits) for m in matrices)


def _headroom(low: int, high: int) -> float:
    if low >= 0:
        return 255 / high
    if high < 0:
        return -256 / low
    return min(127 / high if high else np.inf, -128 / low)


def _common_zeros(matrices: list[np.ndarray]) -> int:
    """Trailing zero bits that all weights share, at most 8."""
    together = int(np.bitwise_or.reduce([np.bitwise_or.reduce(m, axis=None) for m in matrices]))
    return next(n for n in range(8, -1, -1) if together % 2**n == 0)


def _synapse(matrix: np.ndarray, shift: int, bits: int) -> np.ndarray:
    """`clip_weights` and `truncate_weights` of one synapse process, whose exponent undoes `shift`."""
    scaled = np.left_shift(matrix.astype(np.int32), shift)
    mixed = int(scaled.min() < 0 < scaled.max())
    inhibitory = not mixed and scaled.min() < 0
    magnitude = np.clip(-scaled if inhibitory else scaled, MIXED_WEIGHT_RANGE[0] * mixed, MAX_UNSIGNED_WEIGHT)
    cut = 8 - bits + mixed
    kept = np.left_shift(np.right_shift(magnitude, cut), cut)
    return (-kept if inhibitory else kept).astype(np.int64)


def distinct(matrix: sp.csr_matrix) -> np.ndarray:
    """The values that occur, zero included where a pair has no synapse: all that the loader's arithmetic looks at."""
    everywhere = matrix.nnz == matrix.shape[0] * matrix.shape[1]
    return np.unique(matrix.data if everywhere else np.append(matrix.data, 0))


def assembled(shape: tuple[int, int], blocks: list[tuple[int, int, sp.coo_matrix]]) -> sp.csr_matrix:
    """A matrix of blocks, each with the row and column at which it begins, no two on the same place."""
    if not blocks:
        return sp.csr_matrix(shape, dtype=np.int64)
    row = np.concatenate([block.row + np.int32(at) for at, _, block in blocks])
    column = np.concatenate([block.col + np.int32(at) for _, at, block in blocks])
    matrix = sp.csr_matrix((np.concatenate([block.data for *_, block in blocks]), (row, column)), shape=shape)
    matrix.sort_indices()
    return matrix


@dataclass(frozen=True)
class Synapses:
    """One matrix of a dense layer as it runs: `weights` on the file's pattern, times 2^`exponent`; what was changed."""

    weights: sp.csr_matrix
    exponent: int
    changes: tuple[str, ...]


def as_loaded(weights: sp.csr_matrix, recurrent: sp.csr_matrix | None = None) -> tuple[Synapses, ...] | None:
    """What a dense layer's matrices become, and where that is not what they hold; None where the loader raises."""
    matrices = [m for m in (weights, recurrent) if m is not None]
    loaded = load_weights(*map(distinct, matrices))
    return loaded and tuple(_run(matrix, actual) for matrix, actual in zip(matrices, loaded))


def _run(matrix: sp.csr_matrix, actual: Loaded) -> Synapses:
    grid, exponent = actual.grid
    data = grid[np.searchsorted(distinct(matrix), matrix.data)]
    weights = sp.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)
    return Synapses(weights, exponent, tuple(_changes(matrix, actual)))


def _changes(matrix: sp.csr_matrix, actual: Loaded) -> Iterator[str]:
    values = distinct(matrix)
    positions = np.flatnonzero(np.isin(matrix.data, values[actual.values != values]))  # no zero is ever changed
    if len(positions):
        row = int(np.searchsorted(matrix.indptr, positions[0], "right")) - 1
        was = matrix.data[positions[0]]
        becomes = actual.values[np.searchsorted(values, was)]
        more = f" and changes {len(positions) - 1} more" if len(positions) > 1 else ""
        yield f"the stock loader runs {becomes:g} instead of {was} at [{row}, {matrix.indices[positions[0]]}]{more}"
    if actual.bits > 8:
        yield f"weights need {actual.bits} bits: odd ones above 127 beside negative ones; a synapse has 8"


def kernel_changes(kernel: np.ndarray) -> Iterator[str]:
    """Where a convolution's weights, which the loader passes on as they are, leave a synapse's 8 bits."""
    low, high = int(kernel.min(initial=0)), int(kernel.max(initial=0))
    if low < MIXED_WEIGHT_RANGE[0] or high > MAX_UNSIGNED_WEIGHT:
        worst = low if low < MIXED_WEIGHT_RANGE[0] else high
        yield f"Lava simulates {worst} as it stands; a synapse of the chip holds 8 bits"
