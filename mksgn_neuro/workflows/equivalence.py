"""Equivalence checks: two representations of a network on the same inputs, every population at every step.

Compared with `array_equal`; the first neuron that differs is named (docs/design.md#equivalence-checks).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mksgn_neuro.ir import Network
from mksgn_neuro.lowering.passes import Built
from mksgn_neuro.workflows.simulators import Simulator
from mksgn_neuro.workflows.verification_case import (
    Spikes,
    VerificationCase,
    by_sample,
    lags_of,
    parts_of,
    reference_spikes,
    running_spikes,
)

if TYPE_CHECKING:
    import torch

    from mksgn_neuro.nn import SpikingNetwork


@dataclass(frozen=True)
class EquivalenceCheck:
    """One comparison. `mismatches` counts differing spikes; `first` names the first of them; `not_run` says why not.

    `steps` is the length of the one stream without resets that was compared on, 0 where samples were reset; `spikes`
    those that the source has in what was compared. Where the two hold so many `parameters`, those were compared and
    nothing was run. `how` says what kind of a run it was, where there are several.
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
    parameters: int = 0
    how: str = ""

    @property
    def unit(self) -> str:
        """What differs where something does."""
        return "parameters" if self.parameters else "spikes"

    @property
    def ok(self) -> bool:
        """Whether something was compared and nothing differed; a check that was not run does not fail."""
        return self.mismatches == 0 and (self.populations > 0 or bool(self.not_run))

    @property
    def verdict(self) -> str:
        """In words."""
        if self.not_run:
            return self.not_run
        if not self.populations:
            return "nothing could be compared"
        if self.mismatches:
            return f"{self.mismatches} {self.unit} differ, first {self.first}"
        how = f"; {self.how}" if self.how else ""
        if self.parameters:
            return f"all {self.parameters} parameters equal, {self.populations} populations{how}"
        inputs = f"{self.steps} steps without a reset" if self.steps else f"{self.samples} samples"
        equal = f"equal at every step, {self.populations} populations, {inputs}"
        if not self.spikes:
            equal += "; but nothing fired on these inputs"
        return equal + how

    def as_json(self) -> dict:
        """With the keys of docs/design.md#json."""
        fields = asdict(self)
        return {"from": fields.pop("source"), "to": fields.pop("target"), **fields}


def student_spikes(student: SpikingNetwork, frames: torch.Tensor) -> Spikes:
    """Every population of the integer student on `frames` (B, T, M, V, 3)."""
    import torch

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


def compare(source: str, target: str, network: Network, pairs: Iterator[Pair]) -> EquivalenceCheck:
    """Compare pairs over the samples and the time that both cover; `network` names the neurons."""
    mismatches, first, names, samples, spikes = 0, "", set(), 0, 0
    for name, expected, found, neurons in pairs:
        names.add(name)
        samples = len(found)
        steps = min(expected.shape[1], found.shape[1])
        expected, found = expected[:samples, :steps], found[:, :steps]
        differs = expected != found
        if differs.any() and not first:
            sample, step, neuron = np.argwhere(differs)[0]
            values = f"{source} {int(expected[sample, step, neuron])}, {target} {int(found[sample, step, neuron])}"
            described = network.describe(name, int(neuron if neurons is None else neurons[neuron]))
            first = f"{described}: sample {sample}, frame {step}: {values}"
        mismatches += int(differs.sum())
        spikes += int(expected.sum(dtype=np.int64))
    return EquivalenceCheck(source, target, samples, len(names), mismatches, first, spikes=spikes)


@dataclass(frozen=True)
class ReferenceRun:
    """The subject and what the reference says of it, which every other representation is compared with.

    `expected` is each sample from rest; `in_steps` and `in_layered` the same of representations that answer later.
    """

    case: VerificationCase
    expected: Spikes
    in_steps: Spikes
    in_layered: Spikes

    @classmethod
    def of(cls, built: Built, inputs: np.ndarray, *, reset: bool = True) -> ReferenceRun:
        """Run the reference on what was built, in frames, each sample from rest or all as one stream."""
        case = VerificationCase.of(built, inputs, reset=reset)
        expected = reference_spikes(case)
        if reset:
            return cls(case, expected, expected, expected)
        lags = lags_of(case.steps, case.frames)
        in_steps = running_spikes(case, lags)
        if case.layered is None or (own := lags_of(case.layered, case.frames)) == lags:
            return cls(case, expected, in_steps, in_steps)
        return cls(case, expected, in_steps, running_spikes(case, own))

    @property
    def depth(self) -> int:
        """Steps after the last sample until its last spike has left the longest representation."""
        representations = [self.case.steps, self.case.layered or self.case.steps]
        return (
            max(max(representation.level.values()) for representation in representations) + self.case.steps.drain_steps
        )

    def against_student(self, student: SpikingNetwork, frames: torch.Tensor) -> EquivalenceCheck:
        """The trained torch network."""
        found, network = student_spikes(student, frames), self.case.frames
        every = slice(None, None, network.task.steps_per_frame if network.task else 1)
        pairs = (Pair(p.name, found[p.name], self.expected[p.name][:, every]) for p in network.order if p.name in found)
        return self._compare("student", "reference", pairs)

    def against_steps(self, target: str, network: Network, run: Simulator) -> EquivalenceCheck:
        """A simulator of a network in steps, samples back to back."""
        return self._against(target, network, run, self.in_steps)

    def against_layered(self, target: str, layered: Network, run: Simulator) -> EquivalenceCheck:
        """A simulator of a layered network, samples back to back: every group of every level that it recorded.

        Relays of the source repeat no population.
        """
        return self._against(target, layered, run, self.in_layered)

    def _against(self, target: str, network: Network, run: Simulator, expected: Spikes) -> EquivalenceCheck:
        found = run(network, self.case.stream(self.depth), self.case.reset_interval)
        parts = (part for part in parts_of(network, self.case.frames) if part.level in found)
        pairs = (
            Pair(
                part.name,
                expected[part.name][:, :, part.of],
                by_sample(found[part.level][:, part.neurons], part.lag, self.case),
                part.of,
            )
            for part in parts
        )
        return self._compare("reference", target, pairs, min(map(len, found.values()), default=self.case.span))

    def _compare(self, source: str, target: str, pairs: Iterator[Pair], covered: int | None = None) -> EquivalenceCheck:
        check, span = compare(source, target, self.case.frames, pairs), self.case.span
        return replace(check, steps=0 if self.case.reset_interval else min(span, covered or span))
