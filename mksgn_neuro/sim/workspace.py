"""The buffers that kernels read and write, and the way in and out of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mksgn_neuro.ir import Network, Source
from mksgn_neuro.sim import passes
from mksgn_neuro.sim.tables import BLOCK_STEPS, LEAD_HALVES, WORD, Plan, aligned
from mksgn_neuro.sim.vector import LANES, WIDTHS


class Workspace(NamedTuple):
    """Buffers of one thread. A row is one time step of one clip; `row_mask` makes rows a ring (all ones: no ring)."""

    row_mask: int
    bits: np.ndarray  # uint32 (halves, rows): 32 neurons per half, the first LEAD_HALVES and the last belong to none
    payload: np.ndarray  # int32 (rows, source channels)
    drive: np.ndarray  # int32 (rows, slots of the largest population with scattered synapses)
    column: np.ndarray  # int32, one step of one scattered projection
    u: np.ndarray  # int32 (slots,)
    v: np.ndarray
    u_trace: np.ndarray  # int32 (rows, slots), no rows where states are not recorded
    v_trace: np.ndarray
    sums: np.ndarray  # int16, of a tile for a block of steps
    totals: np.ndarray  # int32, the same where 16 bits are not enough


def allocate(plan: Plan, rows: int, channels: int, *, states: bool = False, ring: bool = False) -> Workspace:
    """Buffers for `rows` time steps of `channels` inputs; a ring needs a power of two."""
    slots = plan.words * WORD
    traces = [np.zeros((rows if states else 0, slots), dtype=np.int32) for _ in "uv"]
    return Workspace(
        row_mask=rows - 1 if ring else -1,
        bits=aligned((2 * LEAD_HALVES + 2 * plan.words, rows), np.uint32),
        payload=np.zeros((rows, channels), dtype=np.int32),
        drive=np.zeros((rows if plan.drive_slots else 0, plan.drive_slots), dtype=np.int32),
        column=np.zeros(plan.drive_slots, dtype=np.int32),
        u=aligned(slots, np.int32),
        v=aligned(slots, np.int32),
        u_trace=traces[0],
        v_trace=traces[1],
        sums=aligned(BLOCK_STEPS * max(WIDTHS) * LANES, np.int16),
        totals=aligned(BLOCK_STEPS * max(WIDTHS) * LANES, np.int32),
    )


def fill_inputs(plan: Plan, source: Source, work: Workspace, row: int, clip: np.ndarray) -> None:
    """Write the inputs (T, N_in) int32 of the time steps from `row` on."""
    half = LEAD_HALVES + plan.slots[source.name] // LANES if source.name in plan.slots else -1
    passes.fill_inputs(np.ascontiguousarray(clip, dtype=np.int32), work.payload, work.bits, half, row)


def spikes_of(network: Network, plan: Plan, work: Workspace, name: str, rows: slice) -> np.ndarray:
    """Spikes of a population, uint8 (rows, N)."""
    first, size = LEAD_HALVES + plan.slots[name] // LANES, network[name].size
    halves = np.ascontiguousarray(work.bits[first : first + -(-size // LANES), rows].T, dtype="<u4")
    return np.unpackbits(halves.view(np.uint8), axis=1, count=size, bitorder="little")
