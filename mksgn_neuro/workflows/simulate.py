"""A network on streams of input, every spike counted: class spikes, events, energy, cores, throughput."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mksgn_neuro.chip.catalog import LOIHI2
from mksgn_neuro.chip.energy import Energy, energy, load_profile
from mksgn_neuro.chip.mapping import map_network
from mksgn_neuro.chip.placement import Placement, place_cores
from mksgn_neuro.chip.profile import Events
from mksgn_neuro.chip.spec import Chip
from mksgn_neuro.chip.traffic import Traffic, count_events, measure_traffic
from mksgn_neuro.data.made import lengths_of
from mksgn_neuro.data.mapped import let_go, scratch
from mksgn_neuro.evenly import evenly
from mksgn_neuro.export.lava_graph import run_lava
from mksgn_neuro.ir import Network
from mksgn_neuro.processes.compiled import COMPILING
from mksgn_neuro.sim import distributed
from mksgn_neuro.sim.counts import Counts
from mksgn_neuro.sim.engine import Emulator, Result
from mksgn_neuro.sim.measure import Measurement, measure
from mksgn_neuro.sim.readout import Readout
from mksgn_neuro.sim.recorded import from_spikes, run_reference
from mksgn_neuro.sim.streams import Part, class_spikes_by_frame

LAVA_STREAMS = 8  # that one start of Lava runs
LAVA_SECONDS, LAVA_SECONDS_PER_STEP = 180.0, 1.0  # limit of one Lava run
# Which neurons get input in a step needs each step's spikes: it is measured on pieces, evenly spaced.
TRAFFIC_PIECES, TRAFFIC_STEPS = 16, 96
TRAFFIC_TOGETHER = 2  # pieces whose every spike is in memory at once


@dataclass(frozen=True)
class Simulation:
    """`class_spikes` (T_s, classes), in the smallest unsigned integers, of the first streams asked for; fewer than
    asked where `partial`. They lie in a file where they are many: read them through `data.mapped.rows_of`.

    `frames`: of these streams, without the silence after them. `counts` and `measurement` are of every step; `traffic`
    is per step and core, of up to TRAFFIC_PIECES pieces of the streams. `reset_interval` is what the emulator ran with:
    see `reset_interval_of`, None where nothing was reset. `seconds` are without those that numba compiled in.
    """

    network: Network
    backend: str
    class_spikes: tuple[np.ndarray, ...]
    frames: int
    counts: Counts
    measurement: Measurement
    placement: Placement
    traffic: Traffic
    reset_interval: int | None
    seconds: float
    partial: bool

    @property
    def streams(self) -> int:
        """Streams that were simulated."""
        return len(self.class_spikes)

    def events(self, samples: int) -> Events:
        """Events of all streams, which hold `samples` clips: exact, but for the share of updates that are active.

        That is the share in the pieces whose every step was measured.
        """
        counted = count_events(self.placement, self.counts.spikes, samples=samples, steps=self.counts.steps)
        updates = counted.active_updates
        active = round(int(self.traffic.active.sum()) * self.counts.steps / len(self.traffic.active))
        return replace(counted, active_updates=active, inactive_updates=updates - active)

    def energy(self, profile: str, samples: int) -> Energy:
        """Joules per sample under a named profile."""
        return energy(self.events(samples), load_profile(profile))

    def throughput(self, samples: int) -> dict:
        """Of this simulation on this CPU."""
        operations = self.measurement.operations
        return {
            "samples_per_s": samples / self.seconds,
            "steps_per_s": self.measurement.steps / self.seconds,
            "synops_per_s": (operations.acs + operations.macs) / self.seconds,
        }


Progress = Callable[[int, int], None]


def simulate(
    network: Network,
    streams: Sequence[np.ndarray],
    *,
    reset: bool = True,
    backend: str = "emulator",
    chip: Chip = LOIHI2,
    progress: Progress | None = None,
) -> Simulation:
    """Run streams (T_s, channels), each from zero state, with the silence after it until all has come out.

    `reset`: as a chip that is reset between streams, each population is at rest when a stream's first frame can reach
    it. Without, all are on from a stream's first step, as on a chip that is never reset: biases act until the frame
    comes. `chip` is that whose cores and traffic are counted. Ctrl-C gives what is done so far, marked partial; a
    stream that was not finished does not count.
    """
    reset_interval = reset_interval_of(network, streams) if reset else None
    compiling, started = COMPILING.seconds, time.perf_counter()
    found = _run(BACKEND_RUNS[backend](network, streams, reset_interval), Readout.of(network), streams, progress)
    seconds = time.perf_counter() - started - (COMPILING.seconds - compiling)
    counts, done = found.counts, found.counts.clips
    placement = place_cores(map_network(network, chip), counts.spikes)
    traffic = traffic_in_pieces(placement, streams[:done], reset_interval)
    return Simulation(
        network, backend, found.class_spikes, sum(map(len, found.class_spikes)), counts, measure(network, counts),
        placement, traffic, reset_interval, seconds, partial=done < len(streams),
    )  # fmt: skip


@dataclass(frozen=True)
class _Run:
    class_spikes: tuple[np.ndarray, ...]
    counts: Counts


def _run(parts: Iterator[Part], readout: Readout, streams: Sequence[np.ndarray], progress: Progress | None) -> _Run:
    """What the streams say, of all that were finished before Ctrl-C; raises KeyboardInterrupt where none was."""
    ends = np.cumsum(lengths_of(streams) // readout.stride)
    said = scratch((int(ends[-1]), readout.classes), readout.counting)
    counts = unfinished = None
    at = 0
    try:
        for rows, counted in parts:
            said[at : at + len(rows)] = rows
            at += len(rows)
            let_go(said)
            unfinished = counted if unfinished is None else unfinished + counted
            if counted.clips:
                counts, unfinished = unfinished if counts is None else counts + unfinished, None
                if progress:
                    progress(counts.clips, len(streams))
    except KeyboardInterrupt:
        if counts is None:
            raise
    return _Run(tuple(np.split(said, ends[:-1])[: counts.clips]), counts)


def silent_steps_after(network: Network) -> int:
    """Steps from the last frame until the last spike that it can cause has come out."""
    return network.drain_steps + network.transmission_delay * max(network.level.values())


def reset_interval_of(network: Network, streams: Sequence[np.ndarray]) -> int:
    """A reset interval, in steps, that holds any of the streams and the silence after it: each is reset once."""
    return int(lengths_of(streams).max()) + silent_steps_after(network)


def emulated(network: Network, streams: Sequence[np.ndarray], reset_interval: int | None) -> Iterator[Part]:
    """By the fast engine; split over the processes that torchrun started."""
    options = {"silent_steps": silent_steps_after(network), "reset_interval": reset_interval}
    run = distributed.run if distributed.start() else class_spikes_by_frame
    return run(Emulator(network), streams, **options)


def _by_reference(network: Network, streams: Sequence[np.ndarray], reset_interval: int | None) -> Iterator[Part]:
    readout, silent_steps = Readout.of(network), silent_steps_after(network)
    whole = map(np.asarray, streams)
    results = run_reference(network, whole, silent_steps=silent_steps, reset_interval=reset_interval)
    for result in results:
        yield _part(readout, result, int(result.steps[0]) - silent_steps)


def _by_lava(network: Network, streams: Sequence[np.ndarray], reset_interval: int | None) -> Iterator[Part]:
    """Back to back, so that Lava starts once for LAVA_STREAMS of them; each by itself where nothing is reset."""
    readout, silent_steps = Readout.of(network), silent_steps_after(network)
    together = 1 if reset_interval is None else LAVA_STREAMS
    for start in range(0, len(streams), together):
        group = [np.asarray(stream) for stream in streams[start : start + together]]
        span = max(map(len, group)) + silent_steps
        joined = np.concatenate([np.pad(s, ((0, span - len(s)), (0, 0))) for s in group])
        limit = LAVA_SECONDS + LAVA_SECONDS_PER_STEP * len(joined)
        spikes = run_lava(network, joined, reset_interval=None if reset_interval is None else span, limit=limit)
        for i, stream in enumerate(group):
            here = slice(i * span, i * span + len(stream) + silent_steps)
            own = {name: fired[here] for name, fired in spikes.items()}
            yield _part(readout, from_spikes(network, stream, own), len(stream))


def _part(readout: Readout, result: Result, frames: int) -> Part:
    return readout.by_frame(result.spikes[readout.name], np.array([frames]))[0], result.counts


BACKEND_RUNS = {"emulator": emulated, "reference": _by_reference, "lava": _by_lava}


@dataclass(frozen=True)
class _Piece:
    """`inputs` (T, channels) of a stream from step `first` on, of which the steps from `own` on are measured."""

    inputs: np.ndarray
    first: int
    own: int


def traffic_in_pieces(placement: Placement, streams: Sequence[np.ndarray], reset_interval: int | None) -> Traffic:
    """Traffic of up to TRAFFIC_PIECES pieces of the streams and the silence after each, evenly spaced over all."""
    network = placement.mapping.network
    pieces, emulator, measured = _pieces(network, streams), Emulator(network), []
    for start in range(0, len(pieces), TRAFFIC_TOGETHER):
        group = pieces[start : start + TRAFFIC_TOGETHER]
        recorded = emulator.run([piece.inputs for piece in group], record="all", reset_interval=reset_interval).spikes
        for i, piece in enumerate(group):
            spikes = {name: fired[i][: len(piece.inputs)] for name, fired in recorded.items()}
            measured.append(_traffic_of(placement, piece, spikes))
    return Traffic.joined(measured)


def _pieces(network: Network, streams: Sequence[np.ndarray]) -> list[_Piece]:
    """One from within a stream begins so many steps earlier that it forgets that it began at rest."""
    silent_steps = silent_steps_after(network)
    steps = lengths_of(streams) + silent_steps
    ends = np.cumsum(-(-steps // TRAFFIC_STEPS))  # of each stream's pieces among all
    pieces = []
    for i in evenly(int(ends[-1]), TRAFFIC_PIECES).tolist():
        s = int(np.searchsorted(ends, i, side="right"))
        own = int(i - (ends[s - 1] if s else 0)) * TRAFFIC_STEPS
        first, end = max(0, own - silent_steps - TRAFFIC_STEPS), min(own + TRAFFIC_STEPS, int(steps[s]))
        given = streams[s][first:end]
        pieces.append(_Piece(np.pad(given, ((0, end - first - len(given)), (0, 0))), first, own))
    return pieces


def _traffic_of(placement: Placement, piece: _Piece, spikes: dict[str, np.ndarray]) -> Traffic:
    """Of its own steps. So many steps before them that all is there which is on its way when they begin; silent where
    the stream begins.
    """
    network = placement.mapping.network
    before = network.transmission_delay + max(q.delay for q in network.projections)
    skipped = piece.own - piece.first

    def rows(whole: np.ndarray) -> np.ndarray:
        return np.pad(whole[max(0, skipped - before) :], ((max(0, before - skipped), 0), (0, 0)))

    traffic = measure_traffic(placement, rows(piece.inputs), {name: rows(fired) for name, fired in spikes.items()})
    return traffic.steps(np.arange(len(traffic.active)) >= before)
