"""Synapses as parallel arrays, and what a plan needs to know about them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.ir import Projection
from mksgn_neuro.sim.vector import LANES, WIDTHS

INT16_MAX = 2**15 - 1
SHARED_PRES = 1.15  # a wider tile may hold this many times the rows' elements: the rest is zeros


class Synapses(NamedTuple):
    """Into one population: post neuron, pre neuron, weight (times 2^weight_exp if that is whole), projection; int64."""

    post: np.ndarray
    pre: np.ndarray
    weight: np.ndarray
    projection: np.ndarray

    @classmethod
    def of(cls, q: Projection, index: int) -> Synapses:
        """All of a projection, ordered by pre neuron, then post neuron."""
        csc = q.matrix.tocsc()
        pre = np.repeat(np.arange(csc.shape[1]), np.diff(csc.indptr))
        weight = csc.data.astype(np.int64) << max(q.weight_exp, 0)
        return cls(csc.indices.astype(np.int64), pre, weight, np.full(len(pre), index))

    def where(self, chosen: np.ndarray) -> Synapses:
        """Those chosen by a mask or by indices."""
        return Synapses(*(array[chosen] for array in self))


def joined(parts: list[Synapses]) -> Synapses:
    """Several lists as one."""
    none = np.zeros(0, dtype=np.int64)
    return Synapses(*(np.concatenate([none, *(part[field] for part in parts)]) for field in range(4)))


def run_lengths(synapses: Synapses) -> np.ndarray:
    """Per synapse, how many its pre neuron has in the same chunk of posts; ordered as `Synapses.of` does."""
    chunk = synapses.post // LANES
    changes = np.ones(len(chunk), dtype=bool)
    changes[1:] = (np.diff(synapses.pre) != 0) | (np.diff(chunk) != 0)
    lengths = np.diff(np.append(np.flatnonzero(changes), len(chunk)))
    return np.repeat(lengths, lengths)


def unique(*keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct (a, b, c) in order, (3, n), and which of them each is; keys are not negative.

    Through one integer per triple: a hundred times as fast as np.unique along an axis.
    """
    sizes = [int(key.max(initial=0)) + 1 for key in keys]
    distinct, which = np.unique(np.ravel_multi_index(keys, sizes), return_inverse=True)
    return np.stack(np.unravel_index(distinct, sizes)), which.ravel()


def cut_tiles(size: int, rows: Synapses, graded: Synapses) -> np.ndarray:
    """(first chunk, chunks) per tile: the widest whose chunks share their pre neurons, so that few zeros are added."""
    chunks = -(-size // LANES)
    both = joined([rows, graded._replace(projection=graded.projection + int(rows.projection.max(initial=0)) + 1)])
    (chunk, projection, pre), _ = unique(both.post // LANES, both.projection, both.pre)
    ends = np.cumsum(np.bincount(chunk, minlength=chunks))
    sources = np.split(projection * (int(pre.max(initial=0)) + 1) + pre, ends[:-1])
    tiles, at = [], 0
    while at < chunks:
        width = next(w for w in sorted(WIDTHS, reverse=True) if at + w <= chunks and _alike(sources[at : at + w]))
        tiles.append((at, width))
        at += width
    return np.array(tiles, dtype=np.int64).reshape(-1, 2)


def _alike(sources: list[np.ndarray]) -> bool:
    union = len(np.unique(np.concatenate(sources)))
    return len(sources) * union <= SHARED_PRES * sum(len(s) for s in sources)


def flushes(
    weights: np.ndarray, first: np.ndarray, sizes: np.ndarray, count: np.ndarray, tiles: np.ndarray, held: np.ndarray
) -> np.ndarray:
    """Which spans need the int16 sums emptied before them: a proof from the weights, whatever spikes arrive.

    Span s has `sizes[s]` weights from `first[s]` on; tile i has `count[i]` spans; `held` (chunks, LANES) is what the
    diagonals can leave in the sums beforehand.
    """
    flush = np.zeros(len(first), dtype=bool)
    end = 0
    for (chunk, chunks), spans in zip(tiles, count):
        begin, end = end, end + spans
        reach = np.tile(held[chunk : chunk + chunks].ravel(), (2, 1))  # largest sum upwards, downwards
        for s in range(begin, end):
            rows = weights[first[s] : first[s] + sizes[s]].reshape(-1, chunks * LANES)
            more = np.stack([rows.clip(min=0).sum(0, dtype=np.int64), -rows.clip(max=0).sum(0, dtype=np.int64)])
            flush[s] = (reach + more).max() > INT16_MAX
            reach = more if flush[s] else reach + more
    return flush


def require_exact_shift(q: Projection, synapses: Synapses, payload: int) -> None:
    """A right shift does not commute with arithmetic modulo 2^32, so the sum must be proven to fit."""
    if q.weight_exp >= 0:
        return
    largest = payload * np.bincount(synapses.post, np.abs(synapses.weight)).max(initial=0)
    if largest >= 2**31 or q.weight_exp < -31:
        raise Unsupported(
            f"weight exponent {q.weight_exp} with a synaptic sum up to {largest:.0f}",
            place=f"{q.pre} → {q.post}",
            remedy="scale the weights instead",
        )
