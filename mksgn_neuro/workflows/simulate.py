"""A network on streams of input, every spike counted: class spikes, events, energy, cores, throughput."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.chip.energy import Energy, Events, energy, load_profile
from mksgn_neuro.chip.mapping import map_network
from mksgn_neuro.chip.placement import Placement, place
from mksgn_neuro.chip.traffic import Traffic, measure_traffic
from mksgn_neuro.export.lava_graph import run_lava
from mksgn_neuro.ir import Network
from mksgn_neuro.sim import distributed
from mksgn_neuro.sim.counts import Counts, total
from mksgn_neuro.sim.engine import Emulator, Result
from mksgn_neuro.sim.measure import Measurement, measure
from mksgn_neuro.sim.readout import Readout
from mksgn_neuro.sim.recorded import from_spikes, run_reference

BACKENDS = ("emulator", "reference", "lava")
LAVA_STREAMS = 8  # that one start of Lava runs
LAVA_SECONDS, LAVA_SECONDS_PER_STEP = 180.0, 1.0  # limit of one Lava run
# Hops and active updates need each step's spikes on the cores: they are measured on pieces, evenly spaced.
TRAFFIC_PIECES, TRAFFIC_FRAMES = 16, 64
ONCE = 2**30  # as a period: each level is put to rest when the first frame reaches it, and never again


@dataclass(frozen=True)
class Simulation:
    """`class_spikes` (T_s, classes) int64 of the first streams asked for; fewer than asked where `partial`.

    `frames`: of these streams, without the silence after them. `measurement` counts every step; `traffic` is per step
    and core of TRAFFIC_PIECES of the streams.
    """

    network: Network
    backend: str
    class_spikes: tuple[np.ndarray, ...]
    frames: int
    measurement: Measurement
    placement: Placement
    traffic: Traffic
    seconds: float
    partial: bool

    @property
    def streams(self) -> int:
        """Streams that were simulated."""
        return len(self.class_spikes)

    def events(self, samples: int) -> Events:
        """Events of all streams, which hold `samples` clips; what needs each step is scaled up from the pieces."""
        operations = self.measurement.operations
        updates = sum(activity.updates for activity in self.measurement.populations)
        share = self.measurement.steps / len(self.traffic.active)
        active = round(int(self.traffic.active.sum()) * share)
        return Events(
            samples=samples,
            acs=operations.acs,
            macs=operations.macs,
            active_updates=active,
            inactive_updates=updates - active,
            spikes=sum(activity.spikes for activity in self.measurement.populations),
            messages=round(int(self.traffic.sent.sum()) * share),
            hops_x=round(int(self.traffic.hops_x.sum()) * share),
            hops_y=round(int(self.traffic.hops_y.sum()) * share),
        )

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
Part = tuple[list[np.ndarray], Counts]  # class spikes of some streams, in order, and their counts


def simulate(
    network: Network,
    streams: Sequence[np.ndarray],
    *,
    backend: str = "emulator",
    progress: Progress | None = None,
) -> Simulation:
    """Run streams of time steps (T_s, channels), integers, each from rest and with the silence until its last spike.

    Ctrl-C gives what is done so far, marked partial. `progress(done, total)` counts streams.
    """
    started, done, partial = time.perf_counter(), [], False
    try:
        for part in BACKEND_RUNS[backend](network, streams):
            done.append(part)
            if progress:
                progress(sum(len(spikes) for spikes, _ in done), len(streams))
    except KeyboardInterrupt:
        if not done:
            raise
        partial = True
    seconds = time.perf_counter() - started
    counts = total([counts for _, counts in done])
    class_spikes = tuple(spikes for part, _ in done for spikes in part)
    placement, traffic = _traffic(network, _pieces(streams[: len(class_spikes)]), counts)
    frames = sum(len(spikes) for spikes in class_spikes)
    measured = measure(network, counts)
    return Simulation(network, backend, class_spikes, frames, measured, placement, traffic, seconds, partial)


def drain_of(network: Network) -> int:
    """Steps from the last frame until the last spike that it can cause has come out."""
    return network.flush + network.hop * max(network.level.values())


def _emulated(network: Network, streams: Sequence[np.ndarray]) -> Iterator[Part]:
    emulator, drain = Emulator(network), drain_of(network)
    if distributed.start():
        yield distributed.run(emulator, streams, drain=drain, period=ONCE)
        return
    readout = emulator.readout
    for result in emulator.stream(streams, record=(readout.name,), drain=drain, period=ONCE):
        yield readout.by_frame(result.spikes[readout.name], result.steps - drain), result.counts


def _by_reference(network: Network, streams: Sequence[np.ndarray]) -> Iterator[Part]:
    readout, drain = Readout.of(network), drain_of(network)
    for stream, result in zip(streams, run_reference(network, streams, drain=drain, period=ONCE)):
        yield _part(readout, result, len(stream))


def _by_lava(network: Network, streams: Sequence[np.ndarray]) -> Iterator[Part]:
    """Back to back, each as long as the longest, so that Lava starts once for LAVA_STREAMS of them."""
    readout, drain = Readout.of(network), drain_of(network)
    for start in range(0, len(streams), LAVA_STREAMS):
        group = streams[start : start + LAVA_STREAMS]
        period = max(len(stream) for stream in group) + drain
        joined = np.concatenate([np.pad(s, ((0, period - len(s)), (0, 0))) for s in group])
        spikes = run_lava(network, joined, period=period, timeout=LAVA_SECONDS + LAVA_SECONDS_PER_STEP * len(joined))
        for i, stream in enumerate(group):
            here = slice(i * period, i * period + len(stream) + drain)
            own = {name: fired[here] for name, fired in spikes.items()}
            yield _part(readout, from_spikes(network, stream, own), len(stream))


def _part(readout: Readout, result: Result, frames: int) -> Part:
    return readout.by_frame(result.spikes[readout.name], np.array([frames])), result.counts


BACKEND_RUNS = {"emulator": _emulated, "reference": _by_reference, "lava": _by_lava}


def _pieces(streams: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Up to TRAFFIC_PIECES pieces of at most TRAFFIC_FRAMES frames, evenly spaced over all streams."""
    found = [stream[at : at + TRAFFIC_FRAMES] for stream in streams for at in range(0, len(stream), TRAFFIC_FRAMES)]
    return [found[i] for i in np.linspace(0, len(found) - 1, min(TRAFFIC_PIECES, len(found))).astype(int)]


def _traffic(network: Network, pieces: list[np.ndarray], counts: Counts) -> tuple[Placement, Traffic]:
    placement = place(map_network(network), counts.spikes)
    drain = drain_of(network)
    result = Emulator(network).run(pieces, record="all", drain=drain, period=ONCE)
    inputs = np.concatenate([np.pad(piece, ((0, drain), (0, 0))) for piece in pieces])
    spikes = {
        name: np.concatenate([own[:steps] for own, steps in zip(fired, result.steps)])
        for name, fired in result.spikes.items()
    }
    return placement, measure_traffic(placement, inputs, spikes)
