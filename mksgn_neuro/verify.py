"""The ladder: every form of a network computes the same spikes, or the first neuron that does not is named.

Each rung runs two neighbouring forms on the same clips and compares every population at every step with
`array_equal` (DESIGN.md 12).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch

from mksgn_neuro.ir import Network
from mksgn_neuro.lowering import balance, levelize, lower, steps_per_sample
from mksgn_neuro.models.student import MKSGN
from mksgn_neuro.sim import reference

Spikes = dict[str, np.ndarray]  # population → (samples, T, N), in frames: each population's own time


@dataclass(frozen=True)
class Rung:
    """One comparison. `mismatches` counts differing spikes; `first` names the first of them; `not_run` says why not."""

    source: str
    target: str
    samples: int = 0
    populations: int = 0
    mismatches: int = 0
    first: str = ""
    not_run: str = ""

    def as_json(self) -> dict:
        """With the keys of DESIGN.md 13."""
        fields = asdict(self)
        return {"from": fields.pop("source"), "to": fields.pop("target"), **fields}


@dataclass(frozen=True)
class Subject:
    """What is verified: the network in frames, in steps and as a chain, on `inputs` (samples, frames, channels).

    `period` is the number of steps from one sample to the next.
    """

    frames: Network
    steps: Network
    chain: Network
    inputs: np.ndarray
    period: int

    @classmethod
    def of(cls, network: Network, inputs: np.ndarray) -> Subject:
        """From a network in frames."""
        steps = balance(network)
        return cls(network, steps, levelize(network), inputs, steps_per_sample(steps, inputs.shape[1]))

    def padded(self) -> np.ndarray:
        """(samples, period, channels): each sample with the silence after it."""
        samples, frames, channels = self.inputs.shape
        padded = np.zeros((samples, self.period, channels), dtype=np.int64)
        padded[:, :frames] = self.inputs
        return padded

    def stream(self, depth: int) -> np.ndarray:
        """(samples · period + depth, channels): back to back, and the steps until the last spike is out."""
        flat = self.padded().reshape(-1, self.inputs.shape[2])
        return np.vstack([flat, np.zeros((depth, flat.shape[1]), dtype=np.int64)])


def reference_spikes(subject: Subject) -> Spikes:
    """Every population of the network in frames, each sample alone."""
    runs = [reference.run(subject.frames, sample) for sample in subject.padded()]
    return {name: np.stack([run[name].spikes for run in runs]) for name in runs[0]}


def student_spikes(student: MKSGN, frames: torch.Tensor) -> Spikes:
    """Every population of the integer student on `frames` (B, T, M, V, 3)."""
    with torch.no_grad():
        activity = student(frames)
    return {
        name: s.permute(2, 1, 0, 3).flatten(2).numpy().astype(np.uint8) for name, s in activity.spikes.items()
    }  # (V, T, B, C) to (B, T, N)


def by_sample(stream: np.ndarray, lag: int, subject: Subject) -> np.ndarray:
    """Cut a population's spikes (steps, N), which run `lag` steps behind, into (samples, period, N)."""
    samples = len(subject.inputs)
    return stream[lag : lag + samples * subject.period].reshape(samples, subject.period, -1)


def stream_spikes(subject: Subject, traces: dict[str, np.ndarray]) -> Spikes:
    """Spikes of the network in steps, back to each population's own time."""
    return {name: by_sample(trace, subject.steps.level[name], subject) for name, trace in traces.items()}


def chain_groups(chain: Network) -> Iterator[tuple[str, str, int, slice]]:
    """(level, population, lag, neurons) of each group of a chain; copies of one population come several times."""
    for k, level in enumerate(chain.populations, 1):
        start = 0
        for group in level.groups:
            yield level.name, group.name, k + group.delay, slice(start, start + group.size)
            start += group.size


def compare(source: str, target: str, network: Network, pairs: Iterator[tuple[str, np.ndarray, np.ndarray]]) -> Rung:
    """Compare (population, expected, found), each (samples, T, N), over the time that both cover."""
    mismatches, first, names, samples = 0, "", set(), 0
    for name, expected, found in pairs:
        names.add(name)
        samples = len(found)
        steps = min(expected.shape[1], found.shape[1])
        differs = expected[:, :steps] != found[:, :steps]
        if differs.any() and not first:
            sample, step, neuron = np.argwhere(differs)[0]
            values = f"{source} {int(expected[sample, step, neuron])}, {target} {int(found[sample, step, neuron])}"
            first = f"{network.describe(name, int(neuron))}: sample {sample}, frame {step}: {values}"
        mismatches += int(differs.sum())
    return Rung(source, target, samples, len(names), mismatches, first)


def student_rung(student: MKSGN, frames: torch.Tensor, subject: Subject, expected: Spikes) -> Rung:
    """Integer student against the reference simulation of its network."""
    found = student_spikes(student, frames)
    return compare(
        "student",
        "reference",
        subject.frames,
        ((name, found[name], expected[name]) for name in subject_order(subject, found)),
    )


def subject_order(subject: Subject, spikes: Spikes) -> list[str]:
    """Population names in topological order, so that the first difference is the cause and not a consequence."""
    return [p.name for p in subject.frames.order if p.name in spikes]


def steps_rung(subject: Subject, expected: Spikes, target: str, run: Callable[[], dict[str, np.ndarray]]) -> Rung:
    """A simulator of the network in steps, samples back to back. Gates may fire unasked before their sample."""
    found = stream_spikes(subject, run())
    names = [name for name in subject_order(subject, found) if name in found]
    return compare("reference", target, subject.frames, ((n, expected[n], found[n]) for n in names))


def chain_rung(subject: Subject, expected: Spikes, target: str, run: Callable[[], dict[str, np.ndarray]]) -> Rung:
    """A simulator of the chain, samples back to back: every group of every level that was read."""
    found = run()

    def pairs() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        for level, name, lag, neurons in chain_groups(subject.chain):
            if level in found:
                cut = by_sample(found[level][:, neurons], lag, subject)
                yield name, expected[name], cut

    return compare("reference", target, subject.frames, pairs())


def ladder(student: MKSGN, frames: torch.Tensor) -> list[Rung]:
    """All rungs for an integer student on `frames` (B, T, M, V, 3), integers in float32."""
    inputs = frames.flatten(2).numpy().astype(np.int64)
    subject = Subject.of(lower(student), inputs)
    expected = reference_spikes(subject)
    rungs = [student_rung(student, frames, subject, expected)]
    depth = max(subject.chain.level.values()) + subject.steps.flush

    def in_steps() -> dict[str, np.ndarray]:
        traces = reference.run(subject.steps, subject.stream(depth), period=subject.period)
        return {name: trace.spikes for name, trace in traces.items()}

    def in_levels() -> dict[str, np.ndarray]:
        traces = reference.run(subject.chain, subject.stream(depth), period=subject.period)
        return {name: trace.spikes for name, trace in traces.items()}

    rungs.append(steps_rung(subject, expected, "reference in steps", in_steps))
    rungs.append(chain_rung(subject, expected, "chain", in_levels))
    return rungs
