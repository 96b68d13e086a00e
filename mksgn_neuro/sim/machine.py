# ruff: noqa: ANN001, ANN201 (numba finds the types of kernels itself)
"""A laid-out network and its buffers as one object for compiled code.

Python hands a kernel each of some sixty arrays anew at every call, which takes longer than a small network's step. This
object is handed over as one pointer.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.experimental import structref

from mksgn_neuro.sim.kernels import run
from mksgn_neuro.sim.tables import LEAD_HALVES, Tables
from mksgn_neuro.sim.vector import LANES
from mksgn_neuro.sim.workspace import Workspace


@structref.register
class _MachineType(types.StructRef):
    """Numba's type of a Machine."""


class Machine(structref.StructRefProxy):
    """Tables and workspace, the readout's `slots` and their `classes`, and what `source` can send, for `advance`."""

    def __new__(
        cls, tables: Tables, work: Workspace, slots: np.ndarray, classes: np.ndarray, source: tuple[int, int, int]
    ) -> Machine:
        return _made(tables, work, slots, classes, source)


structref.define_proxy(Machine, _MachineType, ["tables", "work", "slots", "classes", "source"])


@njit(cache=True)
def _made(tables, work, slots, classes, source):
    """What structref's own constructor does, which is compiled anew in every process: more than a second."""
    return Machine(tables, work, slots, classes, source)


BUILT_OF = {"kernels.py": "50541e49fee43274"}  # as in sim.kernels


@njit(cache=True, nogil=True)
def advance(machine, frame, t, class_spikes):
    """Run time step t on inputs `frame` (N_in,) int64 and add the readout's spikes to the `class_spikes` of their
    classes.

    False, and nothing is run, where the source cannot send one of them.
    """
    work, (low, high, slot) = machine.work, machine.source
    row = t & work.row_mask
    for channel in range(len(frame)):
        if frame[channel] < low or frame[channel] > high:
            return False
        work.payload[row, channel] = frame[channel]
    if slot >= 0:
        _pack(work.bits, frame, slot // LANES, row)
    begin = np.full(1, t)
    run(machine.tables, work, np.zeros(1, dtype=np.int64), begin, begin + 1, 0)
    for i in range(len(machine.slots)):
        half, lane = divmod(machine.slots[i], LANES)
        class_spikes[machine.classes[i]] += (work.bits[LEAD_HALVES + half, row] >> lane) & 1
    return True


@njit(inline="always")
def _pack(bits, frame, half, row):
    """Write binary inputs as bits, from half word `half` on."""
    for first in range(0, len(frame), LANES):
        word = np.uint32(0)
        for lane in range(min(LANES, len(frame) - first)):
            word |= np.uint32(frame[first + lane] << lane)
        bits[LEAD_HALVES + half + first // LANES, row] = word
