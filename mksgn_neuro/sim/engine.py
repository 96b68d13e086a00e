"""The fast emulator: the same spikes as `sim.reference`, bit for bit, for batches of independent clips."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

import numpy as np

from mksgn_neuro.cores import usable_cores
from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.inputs import checked, require_count
from mksgn_neuro.sim import kernels, passes
from mksgn_neuro.sim.bits import HALF_LANES
from mksgn_neuro.sim.counts import Counts, total
from mksgn_neuro.sim.plan import build, out_degree
from mksgn_neuro.sim.readout import Readout, decide
from mksgn_neuro.sim.tables import LEAD_HALVES
from mksgn_neuro.sim.vector import LANES
from mksgn_neuro.sim.workspace import Workspace, allocate, fill_inputs, spikes_of

# Time steps that one thread takes at once: enough to reuse a tile's weights and to be worth the Python around them, few
# enough for spikes and inputs to stay in L2.
GROUP_BYTES, LEAST_ROWS, MOST_ROWS = 2**20, 256, 1024


@dataclass(frozen=True)
class Result:
    """Clips in order. `steps` int64 (B,) time steps per clip; `scores` int64 (B, classes).

    `spikes` uint8, `u` and `v` int32 are (B, T, N) per recorded population, zero after a shorter clip's end.
    """

    steps: np.ndarray
    scores: np.ndarray
    counts: Counts
    spikes: dict[str, np.ndarray] = field(default_factory=dict)
    u: dict[str, np.ndarray] = field(default_factory=dict)
    v: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def decisions(self) -> np.ndarray:
        """The class of each clip, int64 (B,); ties go to the lowest."""
        return decide(self.scores)


class Emulator:
    """Runs a network on the CPU; its tables are built once. Safe to use from one thread at a time.

    `threads` defaults to the cores this process may use.
    """

    def __init__(self, network: Network, *, threads: int | None = None) -> None:
        self.network = network
        self.threads = threads or usable_cores()
        self.readout = Readout.of(network)
        self.plan = build(network)
        self.input_degree = out_degree(network, network.source.name)
        row_bytes = 4 * (2 * self.plan.words + network.source.size)
        self.group_rows = int(np.clip(GROUP_BYTES // row_bytes, LEAST_ROWS, MOST_ROWS))
        self.workspaces: dict[bool, SimpleQueue] = {False: SimpleQueue(), True: SimpleQueue()}

    def run(
        self,
        inputs: np.ndarray | Sequence[np.ndarray],
        *,
        record: Iterable[str] | str = (),
        states: bool = False,
        reset_interval: int | None = None,
        silent_steps: int = 0,
    ) -> Result:
        """Run clips (B, T, N_in), one clip (T, N_in) or a list of clips of different lengths, each from zero state.

        `record` names the populations whose spikes (and, with `states`, u and v) are returned, "all" for all.
        `silent_steps` adds silent steps after each clip. `reset_interval` resets as in `sim.reference.run`. A clip's
        scores count the readout's spikes over as many steps as the clip has, from the step at which its first input can
        arrive. Raises BadInput for inputs of another shape or beyond the source's range.
        """
        clips = list(inputs[None] if isinstance(inputs, np.ndarray) and inputs.ndim == 2 else inputs)
        rows = sum(len(clip) + silent_steps for clip in clips)
        groups = self.threads * -(-rows // (self.threads * self.group_rows))
        parts = self._stream(clips, record, states, reset_interval, silent_steps, -(-rows // max(groups, 1)))
        return _joined(list(parts))

    def stream(
        self,
        clips: Iterable[np.ndarray],
        *,
        record: Iterable[str] | str = (),
        states: bool = False,
        reset_interval: int | None = None,
        silent_steps: int = 0,
    ) -> Iterator[Result]:
        """As `run`, but takes clips as they come and yields a Result per few clips, in order, in bounded memory."""
        return self._stream(clips, record, states, reset_interval, silent_steps, self.group_rows)

    def _stream(
        self,
        clips: Iterable[np.ndarray],
        record: Iterable[str] | str,
        states: bool,
        reset_interval: int | None,
        silent_steps: int,
        rows: int,
    ) -> Iterator[Result]:
        require_count(reset_interval, "reset_interval")
        names = [p.name for p in self.network.populations] if record == "all" else list(record)
        job = _Job(self, names, states, reset_interval or 0, silent_steps)
        groups = _grouped((checked(self.network.source, clip) for clip in clips), rows, silent_steps)
        if self.threads == 1:
            yield from map(job.run, groups)
            return
        pending: deque = deque()
        with ThreadPoolExecutor(self.threads) as pool:
            for group in groups:
                pending.append(pool.submit(job.run, group))
                if len(pending) > self.threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()


class _Job:
    """One call of `run`: what to record and how to run it; workspaces are the emulator's and are used again."""

    def __init__(
        self, emulator: Emulator, names: list[str], states: bool, reset_interval: int, silent_steps: int
    ) -> None:
        self.emulator, self.network, self.plan = emulator, emulator.network, emulator.plan
        self.names, self.states = names, states
        self.reset_interval, self.silent_steps = reset_interval, silent_steps

    def run(self, clips: list[np.ndarray]) -> Result:
        """Run a group of clips that fits one workspace."""
        lengths = np.array([len(clip) for clip in clips], dtype=np.int64)
        steps = lengths + self.silent_steps
        ends = np.cumsum(steps)
        starts, rows = ends - steps, int(ends[-1])
        work = self._take_workspace(rows)
        silence = np.zeros((self.silent_steps, self.network.source.size), dtype=np.int32)
        for clip, start in zip(clips, starts):
            fill_inputs(self.plan, self.network.source, work, start, clip)
            fill_inputs(self.plan, self.network.source, work, start + len(clip), silence)
        kernels.run(self.plan.tables, work, starts, np.zeros_like(starts), steps, self.reset_interval)
        counts = counted(self.emulator, work, slice(0, rows), clips=len(clips))
        result = Result(steps, self._scores(work, starts, ends, lengths), counts, **self._traces(work, starts, steps))
        self.emulator.workspaces[self.states].put(work)
        return result

    def _take_workspace(self, rows: int) -> Workspace:
        try:
            work = self.emulator.workspaces[self.states].get_nowait()
        except Empty:
            work = None
        if work is None or len(work.payload) < rows:
            capacity = -(-rows // LEAST_ROWS) * LEAST_ROWS
            return allocate(self.plan, capacity, self.network.source.size, states=self.states)
        return work

    def _scores(self, work: Workspace, starts: np.ndarray, ends: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        readout = self.emulator.readout
        first = np.minimum(starts + readout.first, ends)
        counts = np.zeros((len(starts), self.network[readout.name].size), dtype=np.int64)
        half = LEAD_HALVES + self.plan.slots[readout.name] // LANES
        passes.count_windows(work.bits, half, first, np.minimum(first + lengths, ends), counts)
        return readout.scores(counts)

    def _traces(self, work: Workspace, starts: np.ndarray, steps: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
        rows = slice(0, int(steps.sum()))
        recorded: dict[str, dict] = {"spikes": {}, "u": {}, "v": {}}
        for name in self.names:
            own = slice(self.plan.slots[name], self.plan.slots[name] + self.network[name].size)
            spikes = spikes_of(self.network, self.plan, work, name, rows)
            recorded["spikes"][name] = _padded(spikes, starts, steps)
            if self.states:
                recorded["u"][name] = _padded(work.u_trace[rows, own], starts, steps)
                recorded["v"][name] = _padded(work.v_trace[rows, own], starts, steps)
        return recorded


def counted(emulator: Emulator, work: Workspace, rows: slice, *, clips: int) -> Counts:
    """Events of some consecutive rows of a workspace, which hold the ends of so many clips."""
    network, plan, steps = emulator.network, emulator.plan, rows.stop - rows.start
    source, slots, order = network.source, plan.slots, network.order
    inputs, synops = np.zeros(source.size, dtype=np.int64), np.zeros(steps, dtype=np.int64)
    sent = passes.count_inputs(work.payload[rows], steps, emulator.input_degree, inputs, synops)
    counts = np.zeros(len(plan.tables.degree), dtype=np.int32)
    busiest, reached = np.zeros(len(order), dtype=np.int64), np.zeros((steps, HALF_LANES), dtype=np.int32)
    passes.count_spikes(plan.tables, work.bits, rows.start, steps, counts, busiest, reached, synops)
    spikes = {source.name: inputs}
    spikes |= {p.name: counts[slots[p.name] : slots[p.name] + p.size].astype(np.int64) for p in order}
    most = dict(zip(spikes, [sent, *busiest.tolist()]))
    return Counts(clips, steps, spikes, most, int(synops.max(initial=0)))


def _grouped(clips: Iterable[np.ndarray], rows: int, silent_steps: int) -> Iterator[list[np.ndarray]]:
    group: list[np.ndarray] = []
    held = 0
    for clip in clips:
        group.append(clip)
        held += len(clip) + silent_steps
        if held >= rows:
            yield group
            group, held = [], 0
    if group:
        yield group


def _padded(rows: np.ndarray, starts: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Rows (ΣT, N) as (B, max T, N), zero after each clip's end."""
    padded = np.zeros((len(steps), int(steps.max()), rows.shape[1]), dtype=rows.dtype)
    for clip, start, length in zip(padded, starts, steps):
        clip[:length] = rows[start : start + length]
    return padded


def _joined(parts: list[Result]) -> Result:
    if not parts:
        raise BadInput("no clips", hint="give at least one")
    longest = max(int(part.steps.max()) for part in parts)

    def join(arrays: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return {name: np.concatenate([_lengthened(d[name], longest) for d in arrays]) for name in arrays[0]}

    return Result(
        np.concatenate([part.steps for part in parts]),
        np.concatenate([part.scores for part in parts]),
        total([part.counts for part in parts]),
        join([part.spikes for part in parts]),
        join([part.u for part in parts]),
        join([part.v for part in parts]),
    )


def _lengthened(recorded: np.ndarray, steps: int) -> np.ndarray:
    """(B, T, N) as (B, steps, N), zero after T."""
    missing = steps - recorded.shape[1]
    return np.pad(recorded, ((0, 0), (0, missing), (0, 0))) if missing else recorded
