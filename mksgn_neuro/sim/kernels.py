# ruff: noqa: ANN001, ANN201 (numba finds the types of kernels and intrinsics itself)
"""The inner loops, compiled: synaptic sums of a tile, its neurons, their spike bits, time step after time step.

A row of `bits` holds the spikes of all populations at one step. A tile runs through all steps before the next one
begins, and each of its spans through a block of steps, so that its weights stay in the nearest cache; only a
population with a loop to itself must go step by step.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from mksgn_neuro.processes.compiled import COMPILING
from mksgn_neuro.sim.bits import word_at
from mksgn_neuro.sim.neurons import above, fire, integrate_sums, integrate_wide
from mksgn_neuro.sim.scatter import scatter
from mksgn_neuro.sim.tables import BLOCK_STEPS, LEAD_HALVES
from mksgn_neuro.sim.uncounted import UNCOUNTED
from mksgn_neuro.sim.vector import LANES, add_masked, add_rows, add_scaled

COMPILING.watch()

# numba keeps compiled kernels until this very file changes; it does not look at what they are built of. Whoever edits
# one of these files writes its new digest here, which is that change (tests/sim/test_compiled_parts.py says which).
BUILT_OF = {
    "bits.py": "c6d1c36f98da1600",
    "vector.py": "fd41e3428163ba61",
    "neurons.py": "a7de544e5d1130c9",
    "scatter.py": "48d56412e3ff6ed0",
    "tables.py": "c4283b7edc6da293",
    "uncounted.py": "4d6b1e61b96e788d",
}


@njit(cache=True, nogil=True)
def run(tables, work, starts, begins, ends, reset_interval):
    """Advance clips c, whose rows begin at starts[c], from step begins[c] to ends[c]; `reset_interval` 0 is none."""
    for p in range(len(tables.pop_slot)):
        if not tables.pop_loops[p]:
            for c in range(len(starts)):
                scatter(tables, work, p, starts[c], begins[c], ends[c])
            _run_tiles(tables, work, p, starts, begins, ends, reset_interval)
            continue
        step = np.empty((2, 1), dtype=np.int64)
        for c in range(len(starts)):
            for t in range(begins[c], ends[c]):
                step[0, 0], step[1, 0] = t, t + 1
                scatter(tables, work, p, starts[c], t, t + 1)
                _run_tiles(tables, work, p, starts[c : c + 1], step[0], step[1], reset_interval)


# Without UNCOUNTED numba counts references to each of the tables' arrays, atomically, around every step below: that
# was more than half of the time, and threads waited for each other. Nothing is allocated here. A call hands over every
# array's descriptor, some 400 words: one per tile took 40 % of a single frame's time.
@njit(cache=True, nogil=True, **UNCOUNTED)
def _run_tiles(tables, work, p, starts, begins, ends, reset_interval):
    for tile in range(tables.pop_tile_ptr[p], tables.pop_tile_ptr[p + 1]):
        for c in range(len(starts)):
            for begin in range(begins[c], ends[c], BLOCK_STEPS):
                end = min(begin + BLOCK_STEPS, ends[c])
                _clear(tables, work, p, tile, starts[c], begin, end)
                _gather(tables, work, tile, starts[c], begin, end)
                _gather_graded(tables, work, tile, starts[c], begin, end)
                _fire(tables, work, p, tile, starts[c], begin, end, reset_interval)


@njit(inline="always")
def _clear(tables, work, p, tile, start, begin, end):
    """Begin the sums of a tile for a block of steps: nothing, or what came through scattered synapses."""
    width = tables.tile_chunks[tile] * LANES
    for i in range((end - begin) * width):
        work.sums[i] = 0
    if not tables.tile_wide[tile]:
        return
    scattered = tables.scatter_ptr[p] != tables.scatter_ptr[p + 1]
    at = tables.tile_slot[tile] - tables.pop_slot[p]
    for t in range(begin, end):
        row = start + (t & work.row_mask)
        for n in range(width):
            work.totals[(t - begin) * width + n] = work.drive[row, at + n] if scattered else 0


@njit(inline="always")
def _gather(tables, work, tile, start, begin, end):
    """Add the spikes that arrive through diagonals and rows to the int16 sums, one diagonal or span after the other."""
    chunks = tables.tile_chunks[tile]
    width = chunks * LANES
    for i in range(tables.diagonal_ptr[tile], tables.diagonal_ptr[tile + 1]):
        lag, shift = tables.diagonal_lag[i], np.uint64(tables.diagonal_shift[i])
        for chunk in range(chunks):
            half = LEAD_HALVES + tables.diagonal_half[i] + chunk
            base = tables.diagonal_base[i] + chunk * LANES
            for t in range(max(begin, lag), end):
                row = start + ((t - lag) & work.row_mask)
                mask = word_at(work.bits, half, row) >> shift
                add_masked(work.sums, (t - begin) * width + chunk * LANES, tables.weights, base, np.uint32(mask))
    for i in range(tables.span_ptr[tile], tables.span_ptr[tile + 1]):
        if tables.span_flush[i]:
            _widen(work.sums, work.totals, (end - begin) * width)
        lag, mask, base, last = tables.span_lag[i], tables.span_mask[i], tables.span_base[i], tables.span_last[i]
        half, shift = LEAD_HALVES + 2 * tables.span_word[i], tables.span_shift[i]
        for t in range(max(begin, lag), end):
            word = word_at(work.bits, half, start + ((t - lag) & work.row_mask)) & mask
            if word and shift < 0:
                add_rows(chunks, work.sums, (t - begin) * width, tables.weights, base, word, last, 0)
            elif word:
                add_rows(chunks, work.sums, (t - begin) * width, tables.narrow, base, word, last, shift)
    if tables.tile_wide[tile]:
        _widen(work.sums, work.totals, (end - begin) * width)


@njit(inline="always")
def _widen(sums, totals, n):
    """Move the int16 sums into the int32 totals."""
    for i in range(n):
        totals[i] += sums[i]
        sums[i] = 0


@njit(inline="always")
def _gather_graded(tables, work, tile, start, begin, end):
    """Add the graded inputs that arrive to the int32 totals."""
    chunks = tables.tile_chunks[tile]
    width = chunks * LANES
    for i in range(tables.graded_ptr[tile], tables.graded_ptr[tile + 1]):
        lag, low = tables.graded_lag[i], tables.graded_low[i]
        for t in range(max(begin, lag), end):
            row = start + ((t - lag) & work.row_mask)
            for channel in range(low, tables.graded_high[i]):
                value = work.payload[row, channel]
                if value:
                    base = tables.graded_base[i] + (channel - low) * width
                    for lane in range(0, width, LANES):
                        add_scaled(work.totals, (t - begin) * width + lane, tables.weights, base + lane, value)


@njit(inline="always")
def _fire(tables, work, p, tile, start, begin, end, reset_interval):
    """Update a tile's neurons from its sums and write their spike bits."""
    if tables.tile_forgets[tile] and not len(work.u_trace):
        _fire_forgetful(tables, work, tile, start, begin, end)
        return
    if len(work.u_trace) or tables.pop_memory[p]:
        _fire_step_by_step(tables, work, p, tile, start, begin, end, reset_interval)
        return
    slot, chunks, threshold = tables.tile_slot[tile], tables.tile_chunks[tile], tables.tile_threshold[tile]
    rows, leaks = work.bits.shape[1], tables.tile_leaks[tile]
    t = begin
    while t < end:
        stop = end
        if reset_interval:
            since_reset = (t - tables.pop_first[p]) % reset_interval
            stop = min(stop, t + reset_interval - since_reset)
        if work.row_mask >= 0:
            stop = t + 1  # rows of a ring do not follow each other for ever
        if t == 0 or (reset_interval and since_reset == 0):
            for n in range(slot, slot + chunks * LANES):
                work.v[n] = 0
        at = (t - begin) * chunks * LANES
        bit_at = (LEAD_HALVES + slot // LANES) * rows + start + (t & work.row_mask)
        v, decay_factor, bias, bits, steps = work.v, tables.v_decay_factor, tables.bias, work.bits, stop - t
        if tables.tile_wide[tile]:
            fire(chunks, leaks, work.totals, at, steps, v, decay_factor, bias, slot, threshold, bits, bit_at, rows)
        else:
            fire(chunks, leaks, work.sums, at, steps, v, decay_factor, bias, slot, threshold, bits, bit_at, rows)
        t = stop


@njit(inline="always")
def _fire_forgetful(tables, work, tile, start, begin, end):
    """The same where nothing lasts from step to step: sums are compared with limits, and no voltage is looked at."""
    slot, chunks = tables.tile_slot[tile], tables.tile_chunks[tile]
    for chunk in range(chunks):
        n = slot + chunk * LANES
        for t in range(begin, end):
            fired = above(work.sums, ((t - begin) * chunks + chunk) * LANES, tables.limit, n)
            work.bits[LEAD_HALVES + n // LANES, start + (t & work.row_mask)] = fired


@njit(inline="always")
def _fire_step_by_step(tables, work, p, tile, start, begin, end, reset_interval):
    """The same where a current outlasts its step or states are recorded."""
    slot, chunks, threshold = tables.tile_slot[tile], tables.tile_chunks[tile], tables.tile_threshold[tile]
    wide, traced = tables.tile_wide[tile], len(work.u_trace) > 0
    u, v, u_decay_factor, v_decay_factor, bias = (
        work.u,
        work.v,
        tables.u_decay_factor,
        tables.v_decay_factor,
        tables.bias,
    )
    for t in range(begin, end):
        row = start + (t & work.row_mask)
        if t == 0 or (reset_interval and (t - tables.pop_first[p]) % reset_interval == 0):
            for n in range(slot, slot + chunks * LANES):
                u[n] = v[n] = 0
        for chunk in range(chunks):
            n = slot + chunk * LANES
            at = ((t - begin) * chunks + chunk) * LANES
            if wide:
                mask = integrate_wide(work.totals, at, u, v, u_decay_factor, v_decay_factor, bias, n, threshold)
            else:
                mask = integrate_sums(work.sums, at, u, v, u_decay_factor, v_decay_factor, bias, n, threshold)
            work.bits[LEAD_HALVES + n // LANES, row] = mask
        if traced:
            for n in range(slot, slot + chunks * LANES):
                work.u_trace[row, n] = u[n]
                work.v_trace[row, n] = v[n]
