"""The ladder's rungs: two forms of a network on the same inputs, every population at every step.

Compared with `array_equal`; the first neuron that differs is named (DESIGN.md 12).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

import numpy as np
import torch

from mksgn_neuro.ir import Network
from mksgn_neuro.lowering.passes import Built
from mksgn_neuro.nn import SpikingNetwork
from mksgn_neuro.workflows.forms import RunForm
from mksgn_neuro.workflows.subject import (
    Spikes,
    Subject,
    by_sample,
    lags_of,
    parts_of,
    reference_spikes,
    running_spikes,
)


@dataclass(frozen=True)
class Rung:
    """One comparison. `mismatches` counts differing spikes; `first` names the first of them; `not_run` says why not.

    `steps` is the length of the one stream without resets that was compared on, 0 where samples were reset; `spikes`
    those that the source has in what was compared.
    """

    source: str
    target: str
    samples: int = 0
    populations: int = 0
    mismatches: int = 0
    first: str = ""
    not_run: str = ""
    steps: int = 0
    spikes: int = 0

    @property
    def ok(self) -> bool:
        """Whether something was compared and nothing differed; a rung that was not run does not fail."""
        return self.mismatches == 0 and (self.populations > 0 or bool(self.not_run))

    @property
    def verdict(self) -> str:
        """In words."""
        if self.not_run:
            return self.not_run
        if not self.populations:
            return "nothing could be compared"
        inputs = f"{self.steps} steps without a reset" if self.steps else f"{self.samples} samples"
        equal = f"equal at every step, {self.populations} populations, {inputs}"
        if not self.spikes:
            equal += "; but nothing fired on these inputs"
        return f"{self.mismatches} spikes differ, first {self.first}" if self.mismatches else equal

    def as_json(self) -> dict:
        """With the keys of DESIGN.md 13."""
        fields = asdict(self)
        return {"from": fields.pop("source"), "to": fields.pop("target"), **fields}


def student_spikes(student: SpikingNetwork, frames: torch.Tensor) -> Spikes:
    """Every population of the integer student on `frames` (B, T, M, V, 3)."""
    with torch.no_grad():
        activity = student(frames)
    return {
        name: s.permute(2, 1, 0, 3).flatten(2).numpy().astype(np.uint8) for name, s in activity.spikes.items()
    }  # (V, T, B, C) to (B, T, N)


class Pair(NamedTuple):
    """Spikes (samples, T, N) of a population; `neurons` (N,) says which of it, None: all, in order."""

    name: str
    expected: np.ndarray
    found: np.ndarray
    neurons: np.ndarray | None = None


def compare(source: str, target: str, network: Network, pairs: Iterator[Pair]) -> Rung:
    """Compare pairs over the time that both cover; `network` names the neurons."""
    mismatches, first, names, samples, spikes = 0, "", set(), 0, 0
    for name, expected, found, neurons in pairs:
        names.add(name)
        samples = len(found)
        steps = min(expected.shape[1], found.shape[1])
        differs = expected[:, :steps] != found[:, :steps]
        if differs.any() and not first:
            sample, step, neuron = np.argwhere(differs)[0]
            values = f"{source} {int(expected[sample, step, neuron])}, {target} {int(found[sample, step, neuron])}"
            described = network.describe(name, int(neuron if neurons is None else neurons[neuron]))
            first = f"{described}: sample {sample}, frame {step}: {values}"
        mismatches += int(differs.sum())
        spikes += int(expected[:, :steps].sum(dtype=np.int64))
    return Rung(source, target, samples, len(names), mismatches, first, spikes=spikes)


@dataclass(frozen=True)
class Truth:
    """The subject and what the reference says of it, which every other form is compared with.

    `expected` is each sample from rest; `in_steps` and `in_chain` the same of forms that answer later.
    """

    subject: Subject
    expected: Spikes
    in_steps: Spikes
    in_chain: Spikes

    @classmethod
    def of(cls, built: Built, inputs: np.ndarray, *, reset: bool = True) -> Truth:
        """Run the reference on what was built, in frames, each sample from rest or all as one stream."""
        subject = Subject.of(built, inputs, reset=reset)
        expected = reference_spikes(subject)
        if reset:
            return cls(subject, expected, expected, expected)
        lags = lags_of(subject.steps, subject.frames)
        in_steps = running_spikes(subject, lags)
        if subject.chain is None or (own := lags_of(subject.chain, subject.frames)) == lags:
            return cls(subject, expected, in_steps, in_steps)
        return cls(subject, expected, in_steps, running_spikes(subject, own))

    @property
    def depth(self) -> int:
        """Steps after the last sample until its last spike has left the longest form."""
        forms = [self.subject.steps, self.subject.chain or self.subject.steps]
        return max(max(form.level.values()) for form in forms) + self.subject.steps.flush

    def against_student(self, student: SpikingNetwork, frames: torch.Tensor) -> Rung:
        """The trained torch network."""
        found, network = student_spikes(student, frames), self.subject.frames
        every = slice(None, None, network.task.steps_per_frame if network.task else 1)
        pairs = (Pair(p.name, found[p.name], self.expected[p.name][:, every]) for p in network.order if p.name in found)
        return self._compare("student", "reference", pairs)

    def against_steps(self, target: str, network: Network, run: RunForm) -> Rung:
        """A simulator of a network in steps, samples back to back."""
        return self._against(target, network, run, self.in_steps)

    def against_chain(self, target: str, chain: Network, run: RunForm) -> Rung:
        """A simulator of a chain, samples back to back: every group of every level that it recorded.

        Relays of the source repeat no population.
        """
        return self._against(target, chain, run, self.in_chain)

    def _against(self, target: str, network: Network, run: RunForm, expected: Spikes) -> Rung:
        found = run(network, self.subject.stream(self.depth), self.subject.period)
        parts = (part for part in parts_of(network, self.subject.frames) if part.level in found)
        pairs = (
            Pair(
                part.name,
                expected[part.name][:, :, part.of],
                by_sample(found[part.level][:, part.neurons], part.lag, self.subject),
                part.of,
            )
            for part in parts
        )
        return self._compare("reference", target, pairs)

    def _compare(self, source: str, target: str, pairs: Iterator[Pair]) -> Rung:
        rung = compare(source, target, self.subject.frames, pairs)
        return replace(rung, steps=0 if self.subject.period else self.subject.span)
