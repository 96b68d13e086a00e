# ruff: noqa: ANN001, ANN201 (numba finds the types of kernels and intrinsics itself)
"""The inner loops, compiled: synaptic sums of a tile, its neurons, their spike bits, time step after time step.

A row of `bits` holds the spikes of all populations at one step. A tile runs through all steps before the next one
begins, and each of its spans through a block of steps, so that its weights stay in the nearest cache; only a
population with a loop to itself must go step by step.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from mksgn_neuro.sim.bits import lowest_bit
from mksgn_neuro.sim.tables import BLOCK_STEPS, LEAD_HALVES, WORD
from mksgn_neuro.sim.uncounted import UNCOUNTED
from mksgn_neuro.sim.vector import (
    LANES,
    add_masked,
    add_rows,
    add_scaled,
    fire,
    integrate_sums,
    integrate_wide,
)

# numba keeps compiled kernels until this very file changes; it does not look at what they are built of. Whoever edits
# one of these files writes its new digest here, which is that change (tests/sim/test_compiled_parts.py says which).
BUILT_OF = {
    "bits.py": "35f374c7e8df8010",
    "vector.py": "20453c33b0849414",
    "tables.py": "2ab5ee64e0ae01b2",
    "uncounted.py": "4d6b1e61b96e788d",
}


@njit(cache=True, nogil=True)
def run(tables, work, starts, begins, ends, reset_interval):
    """Advance clips c, whose rows begin at starts[c], from step begins[c] to ends[c]; `reset_interval` 0 is none."""
    for p in range(len(tables.pop_slot)):
        if not tables.pop_loops[p]:
            for c in range(len(starts)):
                _scatter(tables, work, p, starts[c], begins[c], ends[c])
            _run_tiles(tables, work, p, starts, begins, ends, reset_interval)
            continue
        step = np.empty((2, 1), dtype=np.int64)
        for c in range(len(starts)):
            for t in range(begins[c], ends[c]):
                step[0, 0], step[1, 0] = t, t + 1
                _scatter(tables, work, p, starts[c], t, t + 1)
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
                mask = _word(work.bits, half, row) >> shift
                add_masked(work.sums, (t - begin) * width + chunk * LANES, tables.weights, base, np.uint32(mask))
    for i in range(tables.span_ptr[tile], tables.span_ptr[tile + 1]):
        if tables.span_flush[i]:
            _widen(work.sums, work.totals, (end - begin) * width)
        lag, mask, base, last = tables.span_lag[i], tables.span_mask[i], tables.span_base[i], tables.span_last[i]
        half = LEAD_HALVES + 2 * tables.span_word[i]
        for t in range(max(begin, lag), end):
            word = _word(work.bits, half, start + ((t - lag) & work.row_mask)) & mask
            if word:
                add_rows(chunks, work.sums, (t - begin) * width, tables.weights, base, word, last)
    if tables.tile_wide[tile]:
        _widen(work.sums, work.totals, (end - begin) * width)


@njit(inline="always")
def _word(bits, half, row):
    """64 spike bits of one row, from the 32 of `half` on."""
    return np.uint64(bits[half, row]) | (np.uint64(bits[half + 1, row]) << np.uint64(LANES))


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


@njit(cache=True, nogil=True, **UNCOUNTED)
def _scatter(tables, work, p, start, begin, end):
    """Fill `drive` with what arrives at population p through its scattered synapses."""
    first, last = tables.scatter_ptr[p], tables.scatter_ptr[p + 1]
    if first == last:
        return
    slots = tables.pop_slots[p]
    for t in range(begin, end):
        drive = work.drive[start + (t & work.row_mask)]
        drive[:slots] = 0
        for i in range(first, last):
            sent = t - tables.scatter_lag[i]
            if sent < 0:
                continue
            row = start + (sent & work.row_mask)
            if tables.scatter_conv[i] >= 0:
                work.column[:slots] = 0
                _convolve(tables, work, i, row, work.column)
                _add_pixels(tables.conv, tables.scatter_conv[i], work.column, drive)
            elif tables.scatter_shift[i] == 0:
                _scatter_one(tables, work, i, row, drive)
            else:
                work.column[:slots] = 0
                _scatter_one(tables, work, i, row, work.column)
                for n in range(slots):
                    drive[n] += work.column[n] >> tables.scatter_shift[i]


@njit(cache=True, nogil=True, **UNCOUNTED)
def _scatter_one(tables, work, i, row, sums):
    column = tables.scatter_column[i]
    if tables.scatter_word[i] < 0:
        for channel in range(tables.scatter_pres[i]):
            value = work.payload[row, channel]
            if value:
                for s in range(tables.column_ptr[column + channel], tables.column_ptr[column + channel + 1]):
                    sums[tables.synapse_post[s]] += value * tables.synapse_weight[s]
        return
    for w in range((tables.scatter_pres[i] + WORD - 1) // WORD):
        word = _word(work.bits, LEAD_HALVES + 2 * (tables.scatter_word[i] + w), row)
        while word:
            pre = column + w * WORD + lowest_bit(word)
            for s in range(tables.column_ptr[pre], tables.column_ptr[pre + 1]):
                sums[tables.synapse_post[s]] += tables.synapse_weight[s]
            word &= word - np.uint64(1)


@njit(inline="always")
def _convolve(tables, work, i, row, sums):
    """The same through a kernel; here, and here only, the channels of a group lie side by side for each pixel."""
    if tables.scatter_word[i] < 0:
        for channel in range(tables.scatter_pres[i]):
            if work.payload[row, channel]:
                _spread(tables, tables.scatter_conv[i], channel, work.payload[row, channel], sums)
        return
    for w in range((tables.scatter_pres[i] + WORD - 1) // WORD):
        word = _word(work.bits, LEAD_HALVES + 2 * (tables.scatter_word[i] + w), row)
        while word:
            _spread(tables, tables.scatter_conv[i], w * WORD + lowest_bit(word), 1, sums)
            word &= word - np.uint64(1)


@njit(cache=True, nogil=True, _nrt=False)
def _spread(tables, at, pre, value, sums):
    """One input reaches all post channels of its group at each output that a tap takes its pixel to."""
    conv = tables.conv
    height, width, channels, posts = conv[at], conv[at + 1], conv[at + 2], conv[at + 3]
    post_height, post_width, taps_y, taps_x = conv[at + 4], conv[at + 5], conv[at + 6], conv[at + 7]
    stride_y, stride_x, pad_y, pad_x = conv[at + 8], conv[at + 9], conv[at + 10], conv[at + 11]
    step_y, step_x, base = conv[at + 12], conv[at + 13], conv[at + 14]
    channel, pixel = pre // (height * width), pre % (height * width)
    y, x, plane = pixel // width + pad_y, pixel % width + pad_x, post_height * post_width
    first = channel // channels * posts * plane
    for ky in range(taps_y):
        from_top = y - ky * step_y
        if from_top < 0 or from_top % stride_y or from_top // stride_y >= post_height:
            continue
        for kx in range(taps_x):
            from_left = x - kx * step_x
            if from_left < 0 or from_left % stride_x or from_left // stride_x >= post_width:
                continue
            post = first + (from_top // stride_y * post_width + from_left // stride_x) * posts
            weight = base + ((channel * taps_y + ky) * taps_x + kx) * posts
            for o in range(posts):
                sums[post + o] += np.int32(value) * tables.conv_weights[weight + o]


@njit(cache=True, nogil=True, _nrt=False)
def _add_pixels(conv, at, sums, drive):
    """Add what `_convolve` summed, in the order of the neurons: channel after channel."""
    posts, plane, channels = conv[at + 3], conv[at + 4] * conv[at + 5], conv[at + 15]
    for first in range(0, channels * plane, posts * plane):
        for o in range(posts):
            for pixel in range(plane):
                drive[first + o * plane + pixel] += sums[first + pixel * posts + o]
