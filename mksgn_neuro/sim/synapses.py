"""Synapses as parallel arrays, and what a plan needs to know about them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.ir import Projection
from mksgn_neuro.sim.tables import WORD
from mksgn_neuro.sim.vector import LANES, WIDTHS

INT16_MAX = 2**15 - 1
MIN_DIAGONAL, MIN_SPAN = 8, 24  # single synapses that pay for a diagonal, or for a span's rows of one chunk
# What a tile costs per time step, in additions of LANES weights: by itself, and per row of its pre neurons.
TILE_COST, ROW_COST, GRADED_ROW_COST = 16.0, 0.25, 1.0


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


def split_singles(singles: Synapses, pre_slots: np.ndarray, slot: int) -> tuple[Synapses, Synapses, Synapses]:
    """Synapses that are alone in their chunk's row, as diagonals, rows and scattered ones.

    A diagonal has enough of one chunk at one distance; a span worth its rows has enough from one word of spikes to one
    chunk. Diagonals together must fit 16 bits, or there are none.
    """
    chunk, pre = singles.post // LANES, pre_slots[singles.projection] + singles.pre
    distance = pre - slot - singles.post
    _, group = unique(chunk, singles.projection, distance - distance.min(initial=0))
    diagonal = np.bincount(group)[group] >= MIN_DIAGONAL
    if np.bincount(singles.post[diagonal], np.abs(singles.weight[diagonal])).max(initial=0) > INT16_MAX:
        diagonal[:] = False
    rest, (chunk, word) = singles.where(~diagonal), (chunk[~diagonal], pre[~diagonal] // WORD)
    _, span = unique(chunk, rest.projection, word)
    crowded = np.bincount(span)[span] >= MIN_SPAN
    return singles.where(diagonal), rest.where(crowded), rest.where(~crowded)


def unique(*keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct (a, b, c) in order, (3, n), and which of them each is; keys are not negative.

    Through one integer per triple: a hundred times as fast as np.unique along an axis.
    """
    sizes = [int(key.max(initial=0)) + 1 for key in keys]
    distinct, which = np.unique(np.ravel_multi_index(keys, sizes), return_inverse=True)
    return np.stack(np.unravel_index(distinct, sizes)), which.ravel()


def cut_tiles(size: int, rows: Synapses, graded: Synapses) -> np.ndarray:
    """(first chunk, chunks) per tile, as wide as pays: a wide tile's rows are zeros where only some posts have them."""
    chunks = -(-size // LANES)
    both = joined([rows, graded._replace(projection=graded.projection + int(rows.projection.max(initial=0)) + 1)])
    cost = np.repeat([ROW_COST, GRADED_ROW_COST], [len(rows.pre), len(graded.pre)])
    (chunk, projection, pre), which = unique(both.post // LANES, both.projection, both.pre)
    row_cost = np.zeros(len(chunk))
    row_cost[which] = cost
    sources = projection * (int(pre.max(initial=0)) + 1) + pre
    ends = np.concatenate([[0], np.cumsum(np.bincount(chunk, minlength=chunks))])
    tiles, at = [], 0

    def cost_of(first: int, width: int) -> float:
        own = slice(ends[first], ends[first + width])
        if width == 1:
            return TILE_COST + row_cost[own].sum()  # the sources of one chunk are distinct
        _, kept = np.unique(sources[own], return_index=True)
        return TILE_COST + width * row_cost[own][kept].sum()

    while at < chunks:
        singles = np.cumsum([cost_of(at + i, 1) for i in range(min(max(WIDTHS), chunks - at))])
        width = max(w for w in WIDTHS if at + w <= chunks and cost_of(at, w) <= singles[w - 1])
        tiles.append((at, width))
        at += width
    return np.array(tiles, dtype=np.int64).reshape(-1, 2)


def flushes(
    weights: np.ndarray,
    first: np.ndarray,
    sizes: np.ndarray,
    count: np.ndarray,
    tiles: np.ndarray,
    held: np.ndarray,
    fits: np.ndarray,
) -> np.ndarray:
    """Which spans need the int16 sums emptied before them: a proof from the weights, whatever spikes arrive.

    Span s has `sizes[s]` weights from `first[s]` on; tile i has `count[i]` spans; `held` (chunks, LANES) is what the
    diagonals can leave in the sums beforehand; chunks that `fits` marks fit 16 bits whatever arrives together.
    """
    flush = np.zeros(len(first), dtype=bool)
    end = 0
    for (chunk, chunks), spans in zip(tiles, count):
        begin, end = end, end + spans
        if fits[chunk : chunk + chunks].all():
            continue
        reach = np.tile(held[chunk : chunk + chunks].ravel(), (2, 1))  # largest sum upwards, downwards
        for s in range(begin, end):
            rows = weights[first[s] : first[s] + sizes[s]].reshape(-1, chunks * LANES)
            more = np.stack([rows.clip(min=0).sum(0, dtype=np.int64), -rows.clip(max=0).sum(0, dtype=np.int64)])
            flush[s] = (reach + more).max() > INT16_MAX
            reach = more if flush[s] else reach + more
    return flush


def largest_sums(synapses: Synapses, chunks: int) -> np.ndarray:
    """Σ |weight| per post neuron, int64 (chunks, LANES): no sum of its arriving synapses is larger."""
    sums = np.bincount(synapses.post, np.abs(synapses.weight), minlength=chunks * LANES)
    return sums.astype(np.int64).reshape(-1, LANES)


def require_exact_shift(q: Projection, synapses: Synapses, payload: int) -> None:
    """A right shift does not commute with arithmetic modulo 2^32, so the sum must be proven to fit."""
    if q.weight_exp >= 0:
        return
    largest = payload * np.bincount(synapses.post, np.abs(synapses.weight)).max(initial=0)
    if largest >= 2**31 or q.weight_exp < -31:
        raise Unsupported(
            f"weight exponent {q.weight_exp} with a synaptic sum up to {largest:.0f}",
            location=f"{q.pre} → {q.post}",
            hint="scale the weights instead",
        )
