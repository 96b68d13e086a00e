"""What lava-dl 0.6.0's stock netx loader makes of a file: the traps of DESIGN.md 8 as data and arithmetic.

Read off `lava.lib.dl.netx` and `lava.utils.weightutils`, and compared with them in
tests/export/netx/test_loader_model.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.export.findings import Finding
from mksgn_neuro.ir.spec import MAX_UNSIGNED_WEIGHT, MIXED_WEIGHT_RANGE

FORMAT = "mksgn-neuro-netx"
VERSION = 1
GROUP = "mksgn_neuro"  # beside /layer, where the stock loader does not look

CUBA_TYPES = ("CUBA", "LOIHI")
DEFAULT_NEURON = {"i_decay": 0, "v_decay": 4096, "vth": 2**17}  # `1 << 18 - 1` where a dense layer has no neuron
INPUT_MESSAGE_BITS = 16  # any positive number makes the first layer take graded values
MAX_CONV_GEOMETRY = 127  # stride, padding, dilation and groups are int8 in Lava's convolution
MAX_DELAY = 62
ROWS_AT_ONCE = 256  # of a dense matrix in memory, while a sparse one is written or read


@dataclass(frozen=True)
class Loaded:
    """A weight matrix as the stock loader runs it: `values` float64, fractions where it rounds; bits per weight."""

    values: np.ndarray
    bits: int


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
    return tuple(Loaded(_synapse(m, shift, bits), bits) for m in matrices)


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
    """`clip_weights`, `truncate_weights` and the exponent that undoes `shift`, for one synapse process."""
    scaled = np.left_shift(matrix.astype(np.int32), shift)
    mixed = int(scaled.min() < 0 < scaled.max())
    inhibitory = not mixed and scaled.min() < 0
    magnitude = np.clip(-scaled if inhibitory else scaled, MIXED_WEIGHT_RANGE[0] * mixed, MAX_UNSIGNED_WEIGHT)
    cut = 8 - bits + mixed
    kept = np.left_shift(np.right_shift(magnitude, cut), cut)
    return (-kept if inhibitory else kept) / 2.0**shift


def distinct(matrix: sp.csr_matrix) -> np.ndarray:
    """The values that occur, zero included where a pair has no synapse: all that the loader's arithmetic looks at."""
    everywhere = matrix.nnz == matrix.shape[0] * matrix.shape[1]
    return np.unique(matrix.data if everywhere else np.append(matrix.data, 0))


def weight_findings(place: str, weights: sp.csr_matrix, recurrent: sp.csr_matrix | None = None) -> list[Finding]:
    """Where the loader would not run the integers that the file holds."""
    intended = {"weight": weights} if recurrent is None else {"weight": weights, "weight_rec": recurrent}
    loaded = load_weights(*map(distinct, intended.values()))
    if loaded is None:
        return [Finding(f"{place}/weight", "all weights are zero, on which the stock loader raises OverflowError")]
    findings = []
    for (name, matrix), actual in zip(intended.items(), loaded):
        findings += [Finding(f"{place}/{name}", text) for text in _changes(matrix, actual)]
    return findings


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
