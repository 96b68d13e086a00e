"""A network as flat arrays that the kernels walk; `sim.plan` fills them.

Every neuron gets a slot; a population begins at a multiple of 64, so that its spikes of one time step are whole words
of 64 bits, kept as two halves of 32. Posts are cut into tiles of 32, 64 or 128 slots. Per tile, synapses are stored as

* rows: the int16 weights of one pre neuron to the whole tile, 64 pre neurons (a span) per spike word;
* diagonals: one synapse per post neuron at a fixed distance, as temporal taps, shortcuts and relays are;
* graded rows: rows of the source, multiplied by its payload;

* large convolutions: their kernels, since unrolled they take a thousand times the memory;

and what fits none of these, per population, as scattered synapses (CSC). Every synapse is in exactly one of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

WORD = 64
BLOCK_STEPS = 32  # whose sums of one tile stay in the nearest cache
LEAD_HALVES = 8  # before and after the bits: a diagonal's window may begin below its first neuron


class Tables(NamedTuple):
    """The network as arrays; `*_ptr` arrays delimit ranges. Integers are int64 where not said otherwise."""

    pop_tile_ptr: np.ndarray
    pop_slot: np.ndarray
    pop_slots: np.ndarray  # padded size
    pop_first: np.ndarray  # step at which the first input can arrive
    pop_loops: np.ndarray
    pop_memory: np.ndarray  # whether a current outlasts its step
    tile_slot: np.ndarray
    tile_chunks: np.ndarray
    tile_wide: np.ndarray  # whether 16 bits cannot hold its sums
    tile_leaks: np.ndarray  # whether a neuron of it loses voltage from step to step
    tile_forgets: np.ndarray  # whether its sums fit 16 bits and none of its neurons keeps anything from step to step
    tile_threshold: np.ndarray  # int32, 64·vth
    span_ptr: np.ndarray  # per tile
    span_lag: np.ndarray
    span_word: np.ndarray
    span_mask: np.ndarray  # uint64, the bits that have rows
    span_base: np.ndarray  # element of `weights` where the row of bit 0 would begin
    span_last: np.ndarray  # the bit after the last row, where a row of zeros lies
    span_flush: np.ndarray  # the int16 sums may overflow if the next span is added before they are widened
    span_shift: np.ndarray  # power of 2 that the rows in `narrow` are multiplied by, −1: take those in `weights`
    diagonal_ptr: np.ndarray  # per tile
    diagonal_lag: np.ndarray
    diagonal_half: np.ndarray  # 32-bit half word and bit in it that the tile's first neuron listens to
    diagonal_shift: np.ndarray
    diagonal_base: np.ndarray
    graded_ptr: np.ndarray  # per tile
    graded_lag: np.ndarray
    graded_low: np.ndarray
    graded_high: np.ndarray
    graded_base: np.ndarray
    weights: np.ndarray  # int16, all rows and diagonals
    narrow: np.ndarray  # int8, rows where they lie in `weights`; none unless `sim.narrow` put them there
    scatter_ptr: np.ndarray  # per population
    scatter_lag: np.ndarray
    scatter_shift: np.ndarray
    scatter_word: np.ndarray  # first spike word of the pre population, −1: the graded source
    scatter_pres: np.ndarray
    scatter_column: np.ndarray  # where the projection's columns begin in `column_ptr`
    column_ptr: np.ndarray
    synapse_post: np.ndarray  # int32, neuron of the post population
    synapse_weight: np.ndarray  # int32
    scatter_conv: np.ndarray  # where the projection's kernel begins in `conv`, −1: it has columns
    conv: np.ndarray  # `convolutions.FIELDS` numbers per kernel
    conv_weights: np.ndarray  # int32, by pre channel, tap and post channel
    u_decay_factor: np.ndarray  # int32 per slot, 4096 − decay
    v_decay_factor: np.ndarray  # int32
    bias: np.ndarray  # int32, 64·bias
    limit: np.ndarray  # int16, a sum above it fires a neuron of a tile that forgets
    degree: np.ndarray  # int32, synapses that a spike of the slot reaches


class Plan(NamedTuple):
    """Tables and where things lie: first slot of each population and binary source, words per row, longest lag."""

    tables: Tables
    slots: dict[str, int]
    words: int
    max_lag: int
    drive_slots: int  # largest population with scattered synapses


def aligned(shape: int | tuple[int, ...], dtype: object) -> np.ndarray:
    """Zeros on a 64-byte boundary: no row of a tile then straddles cache lines."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


_DTYPES = {
    "tile_threshold": np.int32,
    "span_mask": np.uint64,
    "weights": np.int16,
    "narrow": np.int8,
    "synapse_post": np.int32,
    "synapse_weight": np.int32,
    "conv_weights": np.int32,
    "u_decay_factor": np.int32,
    "v_decay_factor": np.int32,
    "bias": np.int32,
    "limit": np.int16,
    "degree": np.int32,
}


def packed(name: str, parts: list[np.ndarray]) -> np.ndarray:
    """The parts of one table as one aligned array of the type that the kernels expect."""
    array = aligned(sum(len(part) for part in parts), _DTYPES.get(name, np.int64))
    if parts:
        np.concatenate(parts, out=array, casting="unsafe")
    return array
