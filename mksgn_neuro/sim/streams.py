"""What streams of any number and any length make a network say, frame by frame, in bounded memory.

Short streams are run a few at a time. A long one is run piece by piece: the state of its neurons and the last spikes,
which are still on their way, are handed on from one piece to the next, so that its spikes are those of one run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from mksgn_neuro.data.made import lengths_of
from mksgn_neuro.ir.inputs import checked
from mksgn_neuro.sim import kernels
from mksgn_neuro.sim.counts import Counts
from mksgn_neuro.sim.engine import Emulator, counted
from mksgn_neuro.sim.workspace import Workspace, allocate, fill_inputs, spikes_of

LONG = 4096  # steps, of a stream that is run piece by piece; clips are shorter, and run side by side
FETCHED = 4096  # steps of a long stream that are asked for at once

Part = tuple[np.ndarray, Counts]  # class spikes (n, classes) of the next n frames, and what was counted meanwhile


def class_spikes_by_frame(
    emulator: Emulator, streams: Sequence[np.ndarray], *, silent_steps: int = 0, reset_interval: int | None = None
) -> Iterator[Part]:
    """The frames of all streams (T_s, channels) one after the other; a part's `clips` are the streams that end in it.

    A stream longer than LONG may be anything with a length that gives slices. `silent_steps` and `reset_interval` are
    those of `Emulator.run`.
    """
    readout, lengths = emulator.readout, lengths_of(streams)
    for long, group in groupby(range(len(streams)), key=lambda i: bool(lengths[i] > LONG)):
        if long:
            for i in group:
                yield from _in_pieces(emulator, streams[i], silent_steps, reset_interval or 0)
            continue
        results = emulator.stream(
            (streams[i] for i in group), record=(readout.name,), silent_steps=silent_steps,
            reset_interval=reset_interval,
        )  # fmt: skip
        for result in results:
            by_frame = readout.by_frame(result.spikes[readout.name], result.steps - silent_steps)
            yield np.concatenate(by_frame), result.counts


def _in_pieces(emulator: Emulator, stream: np.ndarray, silent_steps: int, reset_interval: int) -> Iterator[Part]:
    """`group_rows` of the emulator at a time, after as many rows as the longest delay looks back."""
    network, plan, readout = emulator.network, emulator.plan, emulator.readout
    lead, steps = plan.max_lag, len(stream)
    work = allocate(plan, lead + emulator.group_rows, network.source.size)
    for begin, inputs in _inputs(emulator, stream, silent_steps):
        end = begin + len(inputs)
        fill_inputs(plan, network.source, work, lead, inputs)
        start, first, last = (np.full(1, value, dtype=np.int64) for value in (lead - begin, begin, end))
        kernels.run(plan.tables, work, start, first, last, reset_interval)
        ends = end == steps + silent_steps
        counts = counted(emulator, work, slice(lead, lead + len(inputs)), clips=int(ends))
        answered = np.arange(max(begin, readout.first), min(end, readout.first + steps))
        answered = answered[(answered - readout.first) % readout.stride == 0] - begin
        spikes = spikes_of(network, plan, work, readout.name, slice(lead, lead + len(inputs)))
        yield readout.scores(spikes[answered]), counts
        _hand_on(work, lead, len(inputs))


def _inputs(emulator: Emulator, stream: np.ndarray, silent_steps: int) -> Iterator[tuple[int, np.ndarray]]:
    """The first step of each piece and its inputs (n, channels) int32, the silence after the stream included."""
    source, steps, rows = emulator.network.source, len(stream), emulator.group_rows
    for fetched in range(0, steps, FETCHED):
        given = checked(source, stream[fetched : fetched + FETCHED])
        if fetched + FETCHED >= steps:
            given = np.pad(given, ((0, silent_steps), (0, 0)))
        for begin in range(0, len(given), rows):
            yield fetched + begin, given[begin : begin + rows]


def _hand_on(work: Workspace, lead: int, steps: int) -> None:
    """Let the last `lead` rows of a piece be those before the next one; u and v stay where they are."""
    work.bits[:, :lead] = work.bits[:, steps : steps + lead].copy()
    work.payload[:lead] = work.payload[steps : steps + lead].copy()
