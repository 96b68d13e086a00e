"""A network on labelled clips under the three protocols: what it recognises, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mksgn_neuro.chip.catalog import LOIHI2
from mksgn_neuro.chip.rules import deployable
from mksgn_neuro.chip.spec import Chip
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.made import Made
from mksgn_neuro.data.mapped import rows_of
from mksgn_neuro.data.protocols import Streams, streams
from mksgn_neuro.data.recognition import recognition
from mksgn_neuro.ir import Network, Task
from mksgn_neuro.workflows.inputs import EncodedStream, encoded, timing_of
from mksgn_neuro.workflows.simulate import Progress, Simulation, simulate

HEADLINE = "clip"  # the protocol whose figures stand at the top of a document, where it was run


@dataclass(frozen=True)
class Recognised:
    """One protocol's run: `given` says what the network got, `inputs` (T_s, channels) int32 are its streams, made when
    they are asked for; a long one gives slices.
    """

    simulation: Simulation
    clips: Clips
    given: Streams
    inputs: Sequence[np.ndarray]

    @property
    def done(self) -> np.ndarray:
        """(N,) bool: clips whose stream was simulated; all but after Ctrl-C."""
        return self.given.stream < self.simulation.streams

    @property
    def simulated_clips(self) -> np.ndarray:
        """Indices into `clips`, in the order of `given.clip`."""
        return self.given.clip[self.done]

    @property
    def samples(self) -> int:
        """Clips that were simulated."""
        return int(self.done.sum())

    @property
    def rate(self) -> float:
        """Frames per second of the streams."""
        return self.simulation.network.task.rate or self.clips.rate

    def scores(self) -> np.ndarray:
        """(n, classes) int64: class spikes that each decision rests on, in the order of `given.clip`."""
        spikes, window = self.simulation.class_spikes, self.given.window
        ends = zip(self.given.stream[self.done], self.given.end[self.done])
        spans = ((s, 0 if window is None else max(0, end - window), end) for s, end in ends)
        return np.array([rows_of(spikes[s], slice(a, b)).sum(axis=0, dtype=np.int64) for s, a, b in spans])

    def predictions(self) -> np.ndarray:
        """The class decided at the end of each simulated clip, in the order of `given.clip`; ties go to the lowest."""
        return self.scores().argmax(axis=1)

    def as_json(self, profile: str) -> dict:
        """The figures of this protocol, with its energy per clip and per second of the camera's stream."""
        run = self.simulation
        given = self.given.first_clips(self.samples)
        energy = run.energy(profile, self.samples)
        found = recognition(run.class_spikes, given, self.clips, self.rate)
        seconds = run.frames / self.rate
        milliwatts = 1e3 * energy.joules_per_sample * self.samples / seconds
        timing = {"rate": self.rate, "milliwatts": milliwatts} if given.protocol != "offline" else {}
        return {**found, "joules_per_clip": energy.joules_per_sample, **timing}


def default_protocols(task: Task) -> tuple[str, ...]:
    """All three; `offline` alone for a network that was trained on stretched clips only."""
    return ("offline",) if task.rate is None else ("offline", "clip", "continuous")


def recognise(
    network: Network, clips: Clips, protocol: str, *, backend: str = "emulator", chip: Chip = LOIHI2,
    seed: int = 0, progress: Progress | None = None,
) -> Recognised:  # fmt: skip
    """Simulate labelled clips under a protocol; `seed` shuffles those of `continuous`, which alone resets nothing."""
    given = streams(protocol, clips, timing_of(network.task), seed)
    how = (network.task, network.source.message_bits, clips.skeleton)
    if isinstance(given.positions, Made):
        inputs: Sequence = given.positions.map(partial(encoded, *how), network.task.steps_per_frame)
    else:
        inputs = tuple(EncodedStream(*how, positions) for positions in given.positions)
    run = simulate(network, inputs, reset=protocol != "continuous", backend=backend, chip=chip, progress=progress)
    return Recognised(run, clips, given, inputs)


def document_of(
    path: Path, representation: str, runs: dict[str, Recognised], profile: str, asked: tuple[str, ...] = ()
) -> dict:
    """What `simulate --json` prints: the figures of every protocol, and the counts of one of them (HEADLINE).

    It is partial where a protocol that was `asked` for is missing, or some clips of one.
    """
    name = HEADLINE if HEADLINE in runs else next(iter(runs))
    chosen = runs[name]
    run, clips, samples, task = chosen.simulation, chosen.clips, chosen.samples, chosen.simulation.network.task
    protocols = {protocol: found.as_json(profile) for protocol, found in runs.items()}
    accuracy = protocols[name]["accuracy"]
    return {
        "model": str(path),
        "representation": representation,
        "simulated_on": "CPU",
        "dataset": clips.dataset,
        "notes": [*clips.assumed, *(f"left out: {line}" for line in clips.skipped)],
        "rate": task.rate,
        "window": task.window,
        "latency_steps": run.network.transmission_delay * run.network.level[run.network.readout],
        "protocols": protocols,
        "protocol": name,
        "accuracy": accuracy["standard"],
        "accuracy_clean": accuracy["clean"],
        "leaked": int(clips.leaked[chosen.simulated_clips].sum()),
        "accuracy_of_classes": _per_class(chosen),
        "predictions": _predictions(chosen),
        "confusion": _confusion(chosen),
        "samples": samples,
        "partial": any(found.simulation.partial for found in runs.values()) or not runs.keys() >= set(asked),
        "backend": run.backend,
        "steps_per_sample": run.measurement.steps / samples,
        **run.measurement.as_json(samples),
        "energy": run.energy(profile, samples).as_json(),
        "chip": run.placement.mapping.chip.name,
        "cores": len(run.placement.mapping.cores),
        "violations": [asdict(violation) for violation in deployable(run.placement.mapping)],
        "throughput": run.throughput(samples),
    }


def _per_class(chosen: Recognised) -> dict[str, float | None]:
    """Accuracy on the clips of each class."""
    labels = chosen.clips.labels[chosen.simulated_clips]
    right = chosen.predictions() == labels
    names = chosen.clips.class_names
    return {name: float(right[labels == k].mean()) if (labels == k).any() else None for k, name in enumerate(names)}


def _predictions(chosen: Recognised) -> list[dict]:
    """What was decided about each clip, and the class spikes that it rests on."""
    clips, index = chosen.clips, chosen.simulated_clips
    names, found = clips.class_names, zip(index, chosen.predictions(), chosen.scores())
    return [
        {
            "clip": clips.names[i],
            "label": names[clips.labels[i]],
            "decision": names[decided],
            "scores": scores.tolist(),
        }
        for i, decided, scores in found
    ]


def _confusion(chosen: Recognised) -> list[list[int]]:
    """Clips by their class (row) and the class decided (column), in the order of `accuracy_of_classes`."""
    classes = len(chosen.clips.class_names)
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (chosen.clips.labels[chosen.simulated_clips], chosen.predictions()), 1)
    return table.tolist()
