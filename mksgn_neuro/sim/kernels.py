# ruff: noqa: ANN001, ANN201 (numba finds the types of kernels and intrinsics itself)
"""The inner loops, compiled: synaptic sums of a tile, its neurons, their spike bits, time step after time step.

A row of `bits` holds the spikes of all populations at one step. A tile runs through all steps before the next one
begins, so its weights stay in the cache; only a population with a loop to itself must go step by step.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from mksgn_neuro.sim.tables import LEAD_WORDS, WORD
from mksgn_neuro.sim.vector import (
    LANES,
    add_masked,
    add_rows,
    add_scaled,
    add_where,
    count_bits,
    integrate,
    lowest_bit,
    widen,
)


@njit(cache=True, nogil=True)
def count_inputs(payload, steps, degree, counts, row_counts, row_synops):
    """Count the non-zero inputs of the first `steps` rows per channel and per row, and the synapses they reach."""
    for row in range(steps):
        sent, synops = 0, 0
        for channel in range(len(counts)):
            present = payload[row, channel] != 0
            counts[channel] += present
            sent += present
            synops += present * degree[channel]
        row_counts[row] = sent
        row_synops[row] = synops


@njit(cache=True, nogil=True)
def run(tables, work, starts, begins, ends, period):
    """Advance every clip c, whose rows begin at starts[c], from step begins[c] to ends[c]; `period` 0 is none."""
    for p in range(len(tables.pop_slot)):
        if not tables.pop_loops[p]:
            for c in range(len(starts)):
                _scatter(tables, work, p, starts[c], begins[c], ends[c])
            for tile in range(tables.pop_tile_ptr[p], tables.pop_tile_ptr[p + 1]):
                _run_tile(tables, work, p, tile, starts, begins, ends, period)
            continue
        step = np.empty((2, 1), dtype=np.int64)
        for c in range(len(starts)):
            for t in range(begins[c], ends[c]):
                step[0, 0], step[1, 0] = t, t + 1
                _scatter(tables, work, p, starts[c], t, t + 1)
                for tile in range(tables.pop_tile_ptr[p], tables.pop_tile_ptr[p + 1]):
                    _run_tile(tables, work, p, tile, starts[c : c + 1], step[0], step[1], period)


@njit(cache=True, nogil=True)
def _run_tile(tables, work, p, tile, starts, begins, ends, period):
    chunks, slot = tables.tile_chunks[tile], tables.tile_slot[tile]
    scattered = tables.scatter_ptr[p] != tables.scatter_ptr[p + 1]
    at = slot - tables.pop_slot[p]
    first = tables.pop_first[p]
    totals, drive = work.totals, work.drive
    for c in range(len(starts)):
        for t in range(begins[c], ends[c]):
            row = starts[c] + (t & work.row_mask)
            if t == 0 or (period and (t - first) % period == 0):
                for n in range(slot, slot + chunks * LANES):
                    work.u[n] = work.v[n] = 0
            for n in range(chunks * LANES):
                totals[n] = drive[row, at + n] if scattered else 0
            _gather(tables, work, tile, chunks, starts[c], t)
            _fire(tables, work, p, tile, chunks, slot, row)


@njit(inline="always")
def _fire(tables, work, p, tile, chunks, slot, row):
    """Update a tile's neurons from its totals, write their spike bits, count."""
    for chunk in range(chunks):
        n = slot + chunk * LANES
        mask = integrate(
            work.totals,
            chunk * LANES,
            work.u,
            work.v,
            tables.u_keep,
            tables.v_keep,
            tables.bias,
            n,
            tables.tile_threshold[tile],
        )
        work.halves[2 * (LEAD_WORDS + row * work.words) + n // LANES] = mask
        if mask:
            add_where(work.counts, n, work.ones, 0, mask)
            add_where(work.row_synops, row * LANES, tables.degree, n, mask)
            work.row_spikes[row, p] += count_bits(mask)
    if len(work.u_trace):
        for n in range(slot, slot + chunks * LANES):
            work.u_trace[row, n] = work.u[n]
            work.v_trace[row, n] = work.v[n]


@njit(inline="always")
def _gather(tables, work, tile, chunks, start, t):
    """Add what arrives at a tile at step t to its totals: diagonals and rows in 16 bits, graded input in 32."""
    for i in range(tables.diagonal_ptr[tile], tables.diagonal_ptr[tile + 1]):
        sent = t - tables.diagonal_lag[i]
        if sent >= 0:
            row = start + (sent & work.row_mask)
            byte = 8 * (LEAD_WORDS + row * work.words) + tables.diagonal_byte[i]
            add_masked(chunks, work.sums, tables.weights, tables.diagonal_base[i], work.octets, byte)
    for i in range(tables.span_ptr[tile], tables.span_ptr[tile + 1]):
        if tables.span_flush[i]:
            widen(chunks, work.sums, work.totals)
        sent = t - tables.span_lag[i]
        if sent >= 0:
            row = start + (sent & work.row_mask)
            word = work.bits[LEAD_WORDS + row * work.words + tables.span_word[i]] & tables.span_mask[i]
            if word:
                add_rows(chunks, work.sums, tables.weights, tables.span_base[i], word)
    widen(chunks, work.sums, work.totals)
    for i in range(tables.graded_ptr[tile], tables.graded_ptr[tile + 1]):
        sent = t - tables.graded_lag[i]
        if sent >= 0:
            row = start + (sent & work.row_mask)
            base = tables.graded_base[i]
            for channel in range(tables.graded_low[i], tables.graded_high[i]):
                value = work.payload[row, channel]
                if value:
                    add_scaled(chunks, work.totals, tables.weights, base, value)
                base += chunks * LANES


@njit(cache=True, nogil=True)
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
            if tables.scatter_shift[i] == 0:
                _scatter_one(tables, work, i, row, drive)
            else:
                work.column[:slots] = 0
                _scatter_one(tables, work, i, row, work.column)
                for n in range(slots):
                    drive[n] += work.column[n] >> tables.scatter_shift[i]


@njit(cache=True, nogil=True)
def _scatter_one(tables, work, i, row, sums):
    column = tables.scatter_column[i]
    if tables.scatter_word[i] < 0:
        for channel in range(tables.scatter_pres[i]):
            value = work.payload[row, channel]
            if value:
                for s in range(tables.column_ptr[column + channel], tables.column_ptr[column + channel + 1]):
                    sums[tables.synapse_post[s]] += value * tables.synapse_weight[s]
        return
    at = LEAD_WORDS + row * work.words + tables.scatter_word[i]
    for w in range((tables.scatter_pres[i] + WORD - 1) // WORD):
        word = work.bits[at + w]
        while word:
            pre = column + w * WORD + lowest_bit(word)
            for s in range(tables.column_ptr[pre], tables.column_ptr[pre + 1]):
                sums[tables.synapse_post[s]] += tables.synapse_weight[s]
            word &= word - np.uint64(1)
