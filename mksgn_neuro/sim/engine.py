"""The fast emulator: the same spikes as `sim.reference`, bit for bit, for batches of independent clips."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue

import numpy as np

from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import Network
from mksgn_neuro.sim import kernels
from mksgn_neuro.sim.counts import Counts, total
from mksgn_neuro.sim.plan import build, out_degree
from mksgn_neuro.sim.readout import Readout, decide
from mksgn_neuro.sim.tables import LEAD_WORDS

GROUP_ROWS = 256  # time steps that one thread takes at once: enough to reuse a tile's weights, few enough to stay in L2


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
        self.threads = threads or len(os.sched_getaffinity(0))
        self.readout = Readout.of(network)
        self.plan = build(network)
        self.input_degree = out_degree(network, network.source.name)
        self.workspaces: dict[bool, SimpleQueue] = {False: SimpleQueue(), True: SimpleQueue()}

    def run(
        self,
        inputs: np.ndarray | Sequence[np.ndarray],
        *,
        record: Iterable[str] | str = (),
        states: bool = False,
        period: int | None = None,
        drain: int = 0,
    ) -> Result:
        """Run clips (B, T, N_in), one clip (T, N_in) or a list of clips of different lengths, each from zero state.

        `record` names the populations whose spikes (and, with `states`, u and v) are returned, "all" for all.
        `drain` adds silent steps after each clip. `period` resets as in `sim.reference.run`. A clip's scores count
        the readout's spikes over as many steps as the clip has, from the step at which its first input can arrive.
        Raises BadInput for inputs of another shape or beyond the source's range.
        """
        clips = list(inputs[None] if isinstance(inputs, np.ndarray) and inputs.ndim == 2 else inputs)
        rows = -(-sum(len(clip) + drain for clip in clips) // self.threads)
        parts = self._stream(clips, record, states, period, drain, min(rows, GROUP_ROWS))
        return _joined(list(parts))

    def stream(
        self,
        clips: Iterable[np.ndarray],
        *,
        record: Iterable[str] | str = (),
        states: bool = False,
        period: int | None = None,
        drain: int = 0,
    ) -> Iterator[Result]:
        """As `run`, but takes clips as they come and yields a Result per few clips, in order, in bounded memory."""
        return self._stream(clips, record, states, period, drain, GROUP_ROWS)

    def _stream(
        self,
        clips: Iterable[np.ndarray],
        record: Iterable[str] | str,
        states: bool,
        period: int | None,
        drain: int,
        rows: int,
    ) -> Iterator[Result]:
        names = [p.name for p in self.network.populations] if record == "all" else list(record)
        job = _Job(self, names, states, period or 0, drain)
        groups = _grouped(map(self._checked, clips), rows, drain)
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

    def _checked(self, clip: np.ndarray) -> np.ndarray:
        """A clip as int32 (T, N_in) within the source's range."""
        source = self.network.source
        clip = np.asarray(clip)
        if clip.ndim != 2 or clip.shape[1] != source.size or not np.can_cast(clip.dtype, np.int64, "same_kind"):
            expected = f"integers (steps, {source.size})"
            raise BadInput(f"{clip.dtype} {clip.shape}", place=source.name, remedy=f"give {expected}")
        low, high = (0, 1) if source.message_bits == 0 else (-source.max_payload, source.max_payload - 1)
        if clip.size and not low <= clip.min() <= clip.max() <= high:
            worst = clip.min() if clip.min() < low else clip.max()
            raise BadInput(f"input value {worst}", place=source.name, remedy=f"keep inputs within {low}..{high}")
        return clip.astype(np.int32)


class _Job:
    """One call of `run`: what to record and how to run it; workspaces are the emulator's and are used again."""

    def __init__(self, emulator: Emulator, names: list[str], states: bool, period: int, drain: int) -> None:
        self.emulator, self.names, self.states = emulator, names, states
        self.period, self.drain = period, drain
        self.workspaces = emulator.workspaces[states]

    def run(self, clips: list[np.ndarray]) -> Result:
        """Run a group of clips that fits one workspace."""
        lengths = np.array([len(clip) for clip in clips], dtype=np.int64)
        steps = lengths + self.drain
        ends = np.cumsum(steps)
        work = self._workspace(int(ends[-1]))
        starts = ends - steps
        self._load(work, clips, starts)
        kernels.run(self.emulator.plan.tables, work, starts, np.zeros_like(starts), steps, self.period)
        result = self._result(work, clips, starts, lengths, steps)
        self.workspaces.put(work)
        return result

    def _workspace(self, rows: int) -> kernels.Workspace:
        work = None if self.workspaces.empty() else self.workspaces.get()
        if work is None or len(work.payload) < rows:
            channels = self.emulator.network.source.size
            return kernels.workspace(self.emulator.plan, rows, channels, states=self.states)
        for array in (work.counts, work.row_spikes, work.row_synops):
            array.fill(0)
        return work

    def _load(self, work: kernels.Workspace, clips: list[np.ndarray], starts: np.ndarray) -> None:
        """Put the clips into the payload and, where the source is binary, into its spike bits."""
        work.payload.fill(0)
        for start, clip in zip(starts, clips):
            work.payload[start : start + len(clip)] = clip
        slot = self.emulator.plan.slots.get(self.emulator.network.source.name)
        if slot is not None:
            packed = np.packbits(work.payload.astype(np.uint8), axis=1, bitorder="little")
            _rows(work)[:, slot // 8 : slot // 8 + packed.shape[1]] = packed

    def _result(
        self,
        work: kernels.Workspace,
        clips: list[np.ndarray],
        starts: np.ndarray,
        lengths: np.ndarray,
        steps: np.ndarray,
    ) -> Result:
        readout = self.emulator.readout
        votes = self._spikes(work, readout.name)
        counted = [
            votes[start + readout.first : start + min(readout.first + length, end)].sum(axis=0, dtype=np.int64)
            for start, length, end in zip(starts, lengths, steps)
        ]
        slots = self.emulator.plan.slots
        recorded = {name: self._spikes(work, name) for name in self.names}
        traces = {
            "uv"[i]: {n: trace[:, slots[n] : slots[n] + recorded[n].shape[1]] for n in self.names if self.states}
            for i, trace in enumerate((work.u_trace, work.v_trace))
        }
        padded = {
            key: {name: _padded(rows, starts, steps) for name, rows in arrays.items()}
            for key, arrays in {"spikes": recorded, **traces}.items()
        }
        scores = readout.scores(np.stack(counted))
        return Result(steps, scores, self._counts(work, clips, int(steps.sum())), **padded)

    def _spikes(self, work: kernels.Workspace, name: str) -> np.ndarray:
        """Spikes of a population, uint8 (rows, N)."""
        slot, size = self.emulator.plan.slots[name], self.emulator.network[name].size
        octets = _rows(work)[:, slot // 8 : -(-(slot + size) // 8)]
        return np.unpackbits(octets, axis=1, count=size, bitorder="little")

    def _counts(self, work: kernels.Workspace, clips: list[np.ndarray], steps: int) -> Counts:
        network, slots = self.emulator.network, self.emulator.plan.slots
        sent, synops = np.zeros(steps, dtype=np.int64), np.zeros(steps, dtype=np.int64)
        spikes = {network.source.name: np.zeros(network.source.size, dtype=np.int64)}
        inputs = spikes[network.source.name]
        kernels.count_inputs(work.payload, steps, self.emulator.input_degree, inputs, sent, synops)
        for p in network.populations:
            spikes[p.name] = work.counts[slots[p.name] : slots[p.name] + p.size].astype(np.int64)
        synops += work.row_synops[:steps].sum(axis=1)
        busiest = work.row_spikes[:steps].max(axis=0, initial=0)
        most = {network.source.name: int(sent.max(initial=0))}
        most.update({p.name: int(n) for p, n in zip(network.order, busiest)})
        return Counts(len(clips), steps, spikes, most, int(synops.max(initial=0)))


def _rows(work: kernels.Workspace) -> np.ndarray:
    """The bits as bytes, one row per time step."""
    lead = 8 * LEAD_WORDS
    return work.octets[lead : len(work.octets) - lead].reshape(-1, 8 * work.words)


def _grouped(clips: Iterable[np.ndarray], rows: int, drain: int) -> Iterator[list[np.ndarray]]:
    group: list[np.ndarray] = []
    held = 0
    for clip in clips:
        group.append(clip)
        held += len(clip) + drain
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
        raise BadInput("no clips", remedy="give at least one")
    longest = max(int(part.steps.max()) for part in parts)

    def join(arrays: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        widened = [{n: np.pad(a, ((0, 0), (0, longest - a.shape[1]), (0, 0))) for n, a in d.items()} for d in arrays]
        return {name: np.concatenate([d[name] for d in widened]) for name in widened[0]}

    return Result(
        np.concatenate([part.steps for part in parts]),
        np.concatenate([part.scores for part in parts]),
        total([part.counts for part in parts]),
        join([part.spikes for part in parts]),
        join([part.u for part in parts]),
        join([part.v for part in parts]),
    )
