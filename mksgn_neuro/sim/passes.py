# ruff: noqa: ANN001, ANN201 (numba finds the types of kernels itself)
"""The compiled passes before and after the time steps: inputs written down, spikes and synaptic operations counted."""

from __future__ import annotations

import numpy as np
from numba import njit

from mksgn_neuro.sim.bits import HALF_LANES, count_bits, count_chunk
from mksgn_neuro.sim.tables import LEAD_HALVES
from mksgn_neuro.sim.uncounted import UNCOUNTED
from mksgn_neuro.sim.vector import LANES

# as in sim.kernels
BUILT_OF = {
    "bits.py": "c6d1c36f98da1600",
    "vector.py": "fd41e3428163ba61",
    "tables.py": "c4283b7edc6da293",
    "uncounted.py": "4d6b1e61b96e788d",
}


@njit(cache=True, nogil=True)
def fill_inputs(clip, payload, bits, half, row):
    """Write inputs (T, N_in) int32 of the time steps from `row` on; and bits, from half word `half` on, unless -1."""
    steps, channels = clip.shape
    for t in range(steps):
        for channel in range(channels):
            payload[row + t, channel] = clip[t, channel]
    if half < 0:
        return
    for first in range(0, channels, LANES):
        lanes = min(LANES, channels - first)
        for t in range(steps):
            word = np.uint32(0)
            for lane in range(lanes):
                word |= np.uint32(clip[t, first + lane] << lane)
            bits[half + first // LANES, row + t] = word


@njit(cache=True, nogil=True)
def count_inputs(payload, steps, degree, counts, row_synops):
    """Count the non-zero inputs of the first `steps` rows per channel, add the synapses they reach to `row_synops`.

    Gives the most inputs of a row.
    """
    most = 0
    for row in range(steps):
        sent, synops = 0, 0
        for channel in range(len(counts)):
            present = payload[row, channel] != 0
            counts[channel] += present
            sent += present
            synops += present * degree[channel]
        most = max(most, sent)
        row_synops[row] += synops
    return most


@njit(cache=True, nogil=True, **UNCOUNTED)
def count_spikes(tables, bits, begin, steps, counts, most, reached, row_synops):
    """Count the spikes of `steps` rows from `begin` on: per slot, the most of a row per population, the synapses they
    reach.

    `counts` is int32 (slots,), `most` int64 (populations,), `reached` int32 (steps, HALF_LANES) zeros for partial sums,
    which are added to `row_synops` int64 (steps,).
    """
    if steps == 0:
        return
    for p in range(len(tables.pop_slot)):
        for n in range(tables.pop_slot[p], tables.pop_slot[p] + tables.pop_slots[p], LANES):
            half = LEAD_HALVES + n // LANES
            count_chunk(bits, half * bits.shape[1] + begin, steps, tables.degree, n, counts, reached)
        first = LEAD_HALVES + tables.pop_slot[p] // LANES
        for row in range(steps):
            fired = 0
            for half in range(first, first + tables.pop_slots[p] // LANES):
                fired += count_bits(bits[half, begin + row])
            most[p] = max(most[p], fired)
    for row in range(steps):
        for lane in range(HALF_LANES):
            row_synops[row] += reached[row, lane]


@njit(cache=True, nogil=True, **UNCOUNTED)
def count_windows(bits, half, begins, ends, counts):
    """Count each neuron's spikes in rows begins[c] to ends[c], from half word `half` on: int64 (windows, neurons)."""
    windows, neurons = counts.shape
    for c in range(windows):
        for first in range(0, neurons, LANES):
            for row in range(begins[c], ends[c]):
                word = bits[half + first // LANES, row]
                for lane in range(min(LANES, neurons - first)):
                    counts[c, first + lane] += (word >> np.uint32(lane)) & np.uint32(1)
