"""A trained network on clips, every spike counted: accuracy, events, energy, cores, throughput."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mksgn_neuro.chip.energy import Energy, Events, energy, load_profile
from mksgn_neuro.chip.mapping import map_network
from mksgn_neuro.chip.placement import Placement, place
from mksgn_neuro.chip.traffic import Traffic, measure_traffic
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.export.lava_graph import run_lava
from mksgn_neuro.ir import Network
from mksgn_neuro.lowering import steps_per_sample
from mksgn_neuro.sim import distributed
from mksgn_neuro.sim.counts import Counts
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.measure import Measurement, measure
from mksgn_neuro.sim.readout import decide
from mksgn_neuro.sim.recorded import from_spikes, run_reference
from mksgn_neuro.workflows.inputs import encoded

BACKENDS = ("emulator", "reference", "lava")
LAVA_CLIPS = 8
LAVA_SECONDS, LAVA_SECONDS_PER_STEP = 180.0, 1.0  # limit of one Lava run
TRAFFIC_CLIPS = 16  # clips whose spikes are placed on the cores, evenly spaced; hops and active updates need each step


@dataclass(frozen=True)
class Simulation:
    """`scores` (N, classes) of the first N = `samples` clips asked for; fewer than asked where `partial`.

    `measurement` counts every clip; `traffic` is per step and core of up to TRAFFIC_CLIPS of them.
    """

    network: Network
    backend: str
    scores: np.ndarray
    measurement: Measurement
    placement: Placement
    traffic: Traffic
    traffic_clips: int
    steps_per_sample: int
    seconds: float
    partial: bool

    @property
    def samples(self) -> int:
        """Clips that were simulated."""
        return len(self.scores)

    @property
    def predictions(self) -> np.ndarray:
        """The class of each clip; ties go to the lowest."""
        return decide(self.scores)

    def events(self) -> Events:
        """Events of all samples; what needs each step is scaled up from the clips whose traffic was measured."""
        operations = self.measurement.operations
        updates = sum(activity.updates for activity in self.measurement.populations)
        share = self.samples / self.traffic_clips
        active = round(int(self.traffic.active.sum()) * share)
        return Events(
            samples=self.samples,
            acs=operations.acs,
            macs=operations.macs,
            active_updates=active,
            inactive_updates=updates - active,
            spikes=sum(activity.spikes for activity in self.measurement.populations),
            messages=round(int(self.traffic.sent.sum()) * share),
            hops_x=round(int(self.traffic.hops_x.sum()) * share),
            hops_y=round(int(self.traffic.hops_y.sum()) * share),
        )

    def energy(self, profile: str) -> Energy:
        """Joules per sample under a named profile."""
        return energy(self.events(), load_profile(profile))

    def throughput(self) -> dict:
        """Of this simulation on this CPU."""
        operations = self.measurement.operations
        return {
            "samples_per_s": self.samples / self.seconds,
            "steps_per_s": self.measurement.steps / self.seconds,
            "synops_per_s": (operations.acs + operations.macs) / self.seconds,
        }


Progress = Callable[[int, int], None]


def simulate(
    network: Network, clips: np.ndarray, *, period: int, backend: str = "emulator", progress: Progress | None = None
) -> Simulation:
    """Run clips (N, frames, channels), each `period` time steps long with the silence after it.

    `network` in frames or steps (then until the last level has answered); clips are independent, each population
    starts from rest when its first input can arrive, as on the chip (DESIGN.md 6). Ctrl-C gives what is done so far,
    marked partial.
    """
    spacing = spacing_of(network, period)
    started, done, partial = time.perf_counter(), [], False
    try:
        for scores, counts in BACKEND_RUNS[backend](network, clips, spacing):
            done.append((scores, counts))
            if progress:
                progress(sum(len(scores) for scores, _ in done), len(clips))
    except KeyboardInterrupt:
        if not done:
            raise
        partial = True
    seconds = time.perf_counter() - started
    counts = sum((counts for _, counts in done[1:]), done[0][1])
    chosen = clips[np.linspace(0, len(clips) - 1, min(TRAFFIC_CLIPS, len(clips))).astype(int)]
    placement, traffic = _traffic(network, chosen, spacing, counts)
    scores = np.concatenate([scores for scores, _ in done])
    return Simulation(
        network, backend, scores, measure(network, counts), placement, traffic, len(chosen), period, seconds, partial
    )


def spacing_of(network: Network, period: int) -> int:
    """Steps that one clip takes alone: its period, and the steps until the last level has answered."""
    return period + network.hop * max(network.level.values())


def _emulated(network: Network, clips: np.ndarray, spacing: int) -> Iterator[tuple[np.ndarray, Counts]]:
    emulator, drain = Emulator(network), spacing - clips.shape[1]
    if distributed.start():
        yield distributed.run(emulator, clips, drain=drain, period=spacing)
        return
    for result in emulator.stream(clips, drain=drain, period=spacing):
        yield result.scores, result.counts


def _by_reference(network: Network, clips: np.ndarray, spacing: int) -> Iterator[tuple[np.ndarray, Counts]]:
    for result in run_reference(network, clips, drain=spacing - clips.shape[1], period=spacing):
        yield result.scores, result.counts


def _by_lava(network: Network, clips: np.ndarray, spacing: int) -> Iterator[tuple[np.ndarray, Counts]]:
    """Back to back, so that Lava starts once for LAVA_CLIPS clips; each is cut out with the silence after it."""
    for start in range(0, len(clips), LAVA_CLIPS):
        group = clips[start : start + LAVA_CLIPS]
        stream = _padded(group, spacing).reshape(-1, clips.shape[2])
        spikes = run_lava(network, stream, period=spacing, timeout=LAVA_SECONDS + LAVA_SECONDS_PER_STEP * len(stream))
        for i, clip in enumerate(group):
            own = {name: fired[i * spacing : (i + 1) * spacing] for name, fired in spikes.items()}
            result = from_spikes(network, clip, own)
            yield result.scores, result.counts


def _padded(clips: np.ndarray, spacing: int) -> np.ndarray:
    return np.pad(clips, ((0, 0), (0, spacing - clips.shape[1]), (0, 0)))


BACKEND_RUNS = {"emulator": _emulated, "reference": _by_reference, "lava": _by_lava}


def _traffic(network: Network, clips: np.ndarray, spacing: int, counts: Counts) -> tuple[Placement, Traffic]:
    placement = place(map_network(network), counts.spikes)
    inputs = _padded(clips, spacing)
    result = Emulator(network).run(inputs, record="all", period=spacing)
    spikes = {name: s.reshape(-1, s.shape[2]) for name, s in result.spikes.items()}
    return placement, measure_traffic(placement, inputs.reshape(-1, clips.shape[2]), spikes)


@dataclass(frozen=True)
class Classified:
    """A simulation of labelled clips; `inputs` (N, frames, channels) int32 are what the network got."""

    simulation: Simulation
    clips: Clips
    inputs: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """(samples,) bool: clips that were recognised."""
        return self.simulation.predictions == self.clips.labels[: self.simulation.samples]

    def as_json(self, profile: str) -> dict:
        """With the keys of DESIGN.md 13."""
        run = self.simulation
        document = {"dataset": self.clips.dataset, "accuracy": float(self.right.mean())}
        leaked = self.clips.leaked[: run.samples]
        if self.clips.dataset == "nw-ucla":
            document |= {"accuracy_clean": _mean(self.right[~leaked]), "leaked": int(leaked.sum())}
        return document | {
            "accuracy_of_classes": self._per_class(),
            "samples": run.samples,
            "partial": run.partial,
            "backend": run.backend,
            "steps_per_sample": run.steps_per_sample,
            **run.measurement.as_json(),
            "energy": run.energy(profile).as_json(),
            "cores": len(run.placement.mapping.cores),
            "throughput": run.throughput(),
        }

    def _per_class(self) -> dict[str, float | None]:
        """Accuracy on the clips of each class."""
        labels = self.clips.labels[: self.simulation.samples]
        return {name: _mean(self.right[labels == k]) for k, name in enumerate(self.clips.class_names)}


def _mean(right: np.ndarray) -> float | None:
    return float(right.mean()) if len(right) else None


def classify(network: Network, clips: Clips, backend: str, progress: Progress | None = None) -> Classified:
    """Simulate labelled clips, as the network's task wants them."""
    inputs = encoded(network.task, network.source.message_bits, clips).flatten(2).numpy().astype(np.int32)
    period = steps_per_sample(network, network.task.frames)
    return Classified(simulate(network, inputs, period=period, backend=backend, progress=progress), clips, inputs)


def describe(path: Path, form: str, classified: Classified, energy_profile: str) -> dict:
    """What `simulate --json` prints of classified clips."""
    return {"model": str(path), "form": form, "simulated_on": "CPU", **classified.as_json(energy_profile)}
