"""The ladder: every form of a network computes the same spikes, or the first neuron that does not is named.

Each rung runs two neighbouring forms on the same clips and compares every population at every step with
`array_equal` (DESIGN.md 12).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.export.lava_graph import require_lava
from mksgn_neuro.export.netx.metadata import metadata_in
from mksgn_neuro.export.netx.reader import read_netx
from mksgn_neuro.export.nir.reader import read_nir
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.store import load
from mksgn_neuro.lowering import balance, lower
from mksgn_neuro.lowering.interleave import interleave
from mksgn_neuro.models.store import Model
from mksgn_neuro.nn import SpikingNetwork
from mksgn_neuro.processes.guarded import scratch_folder
from mksgn_neuro.processes.memory import NotEnoughMemory
from mksgn_neuro.sim.stepwise import run_stepwise
from mksgn_neuro.workflows.export import resets_by_default, write_target
from mksgn_neuro.workflows.forms import RunForm, by_emulator, by_lava, by_reference, by_slayer, by_stock_loader
from mksgn_neuro.workflows.inputs import in_steps
from mksgn_neuro.workflows.subject import (
    Spikes,
    Subject,
    by_sample,
    chain_groups,
    chain_lags,
    reference_spikes,
    running_spikes,
)

Distribution = Literal["lava-nc", "lava-dl"]


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
        """Whether nothing differed; a rung that was not run does not fail."""
        return self.mismatches == 0

    @property
    def verdict(self) -> str:
        """In words."""
        if self.not_run:
            return self.not_run
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


def compare(source: str, target: str, network: Network, pairs: Iterator[tuple[str, np.ndarray, np.ndarray]]) -> Rung:
    """Compare (population, expected, found), each (samples, T, N), over the time that both cover."""
    mismatches, first, names, samples, spikes = 0, "", set(), 0, 0
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
        spikes += int(expected[:, :steps].sum(dtype=np.int64))
    return Rung(source, target, samples, len(names), mismatches, first, spikes=spikes)


def in_order(network: Network, spikes: Spikes) -> list[str]:
    """Population names in topological order, so that the first difference is the cause and not a consequence."""
    return [p.name for p in network.order if p.name in spikes]


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
    def of(cls, network: Network, inputs: np.ndarray, *, reset: bool = True) -> Truth:
        """Run the reference on a network in frames, each sample from rest or all as one stream."""
        subject = Subject.of(network, inputs, reset=reset)
        expected = reference_spikes(subject)
        if reset:
            return cls(subject, expected, expected, expected)
        in_steps = running_spikes(subject, subject.steps.level)
        lags = chain_lags(subject.chain)
        same = all(subject.steps.level[name] == lag for name, lag in lags.items() if name in expected)
        return cls(subject, expected, in_steps, in_steps if same else running_spikes(subject, lags))

    @property
    def depth(self) -> int:
        """Steps after the last sample until its last spike has left the longest form."""
        return len(self.subject.chain.populations) + self.subject.steps.flush

    def against_student(self, student: SpikingNetwork, frames: torch.Tensor) -> Rung:
        """The trained torch network."""
        found, network = student_spikes(student, frames), self.subject.frames
        every = slice(None, None, network.task.steps_per_frame if network.task else 1)
        pairs = ((name, found[name], self.expected[name][:, every]) for name in in_order(network, found))
        return self._compare("student", "reference", pairs)

    def against_steps(self, target: str, run: RunForm) -> Rung:
        """A simulator of the network in steps, samples back to back."""
        subject, level = self.subject, self.subject.steps.level
        found = run(subject.steps, subject.stream(self.depth), subject.period)
        cut = {name: by_sample(spikes, level[name], subject) for name, spikes in found.items()}
        pairs = ((name, self.in_steps[name], cut[name]) for name in in_order(subject.frames, cut))
        return self._compare("reference", target, pairs)

    def against_chain(self, target: str, chain: Network, run: RunForm) -> Rung:
        """A simulator of the chain, samples back to back: every group of every level that it recorded."""
        found = run(chain, self.subject.stream(self.depth), self.subject.period)

        def pairs() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
            for level, name, lag, neurons in chain_groups(self.subject.chain):
                if level in found and name in self.in_chain:  # relays of the source repeat no population
                    yield name, self.in_chain[name], by_sample(found[level][:, neurons], lag, self.subject)

        return self._compare("reference", target, pairs())

    def _compare(self, source: str, target: str, pairs: Iterator[tuple[str, np.ndarray, np.ndarray]]) -> Rung:
        rung = compare(source, target, self.subject.frames, pairs)
        return replace(rung, steps=0 if self.subject.period else self.subject.span)


def file_rungs(truth: Truth, path: Path, target: str = "loihi2", *, lava: bool = True) -> Iterator[Rung]:
    """What was written for a target, read back or run; without `lava`, only read back."""
    return FILE_RUNGS[target](truth, path, lava)


def _lava_rungs(truth: Truth, path: Path, lava: bool) -> Iterator[Rung]:
    network = load(path)
    yield truth.against_steps("bundle's network, emulator", lambda *rest: by_emulator(network, *rest[1:]))
    run = lambda *rest: by_lava(network, *rest[1:])
    if lava:
        yield _unless_missing("bundle's network, Lava process graph", lambda t: truth.against_steps(t, run), "lava-nc")


def _nir_rungs(truth: Truth, path: Path, lava: bool) -> Iterator[Rung]:
    network, _ = read_nir(path)
    steps = balance(network)
    yield truth.against_steps("NIR file, our reader", lambda *rest: by_emulator(steps, *rest[1:]))


def _slayer_rungs(truth: Truth, path: Path, lava: bool) -> Iterator[Rung]:
    """SLAYER's own file; it names no groups, so its levels are taken in order."""
    chain = truth.subject.chain
    run = by_stock_loader(path)
    if lava:
        yield _unless_missing("SLAYER's netx file, stock lava-dl loader", lambda t: truth.against_chain(t, chain, run))


def _netx_rungs(truth: Truth, path: Path, lava: bool) -> Iterator[Rung]:
    """What our reader finds in a netx file, and what Intel's loader computes from it."""
    chain, _ = read_netx(path)
    yield truth.against_chain("netx file, our reader", chain, by_emulator)
    if lava:
        run = lambda t: truth.against_chain(t, chain, by_stock_loader(path))
        yield _unless_missing("netx file, stock lava-dl loader", run)


FILE_RUNGS: dict[str, Callable[[Truth, Path, bool], Iterator[Rung]]] = {
    "loihi2": _netx_rungs,
    "slayer": _slayer_rungs,
    "lava": _lava_rungs,
    "nir": _nir_rungs,
}


def model_rungs(truth: Truth, student: SpikingNetwork, frames: torch.Tensor, *, lava: bool = True) -> Iterator[Rung]:
    """Everything short of files; without `lava`, only what we wrote ourselves."""
    yield truth.against_student(student, frames)
    yield truth.against_steps("reference in time steps", by_reference)
    yield truth.against_steps("emulator", by_emulator)
    if truth.subject.period is None:
        yield truth.against_steps("emulator, frame by frame", lambda *run: run_stepwise(*run[:2]))
    chain = truth.subject.chain
    yield truth.against_chain("chain of levels", chain, by_emulator)
    if lava:
        yield _unless_missing("SLAYER blocks", lambda t: truth.against_chain(t, chain, by_slayer))
        yield _unless_missing("Lava process graph", lambda t: truth.against_steps(t, by_lava), "lava-nc")


def _unless_missing(target: str, rung: Callable[[str], Rung], needs: Distribution = "lava-dl") -> Rung:
    """The rung, or that it was not run where the part of Lava or the memory that it needs is not there."""
    try:
        require_lava(needs)
    except Unsupported as missing:
        return Rung("reference", target, not_run=f"not run: {missing.remedy}")
    try:
        return rung(target)
    except NotEnoughMemory as missing:
        return Rung("reference", target, not_run=f"not run: {missing}")


@dataclass(frozen=True)
class Driven:
    """How a deployed network is driven: whether state is zeroed between samples, and its time steps per frame."""

    reset: bool
    steps_per_frame: int = 1

    @classmethod
    def of(cls, model: Model, target: str, file: Path) -> Driven:
        """As the netx file says where it is one of ours, else as it would be written now."""
        said = metadata_in(file) if target == "loihi2" and file.exists() else None
        if said is None:
            return cls(resets_by_default(model.task()))
        return cls(said.period is not None, said.task.steps_per_frame if said.task else 1)


def check_all(
    model: Model, frames: torch.Tensor, target: str, file: Path, *, driven: Driven, everything: bool = False,
    lava: bool = True,
) -> Iterator[Rung]:  # fmt: skip
    """Every rung to the target's `file`, compared on `frames` (B, T, M, V, 3), each as soon as it is known.

    The file is written anew, elsewhere, where it does not exist; `everything` takes the SLAYER and Lava forms on the
    way, no `lava` only forms that we wrote. Without resets `frames` are one long stream, (1, T, M, V, 3).
    """
    reset, steps = driven.reset, driven.steps_per_frame
    network = interleave(lower(model.student, model.task()), steps)
    inputs = np.stack([in_steps(clip, steps) for clip in frames.flatten(2).numpy().astype("int64")])
    truth = Truth.of(network, inputs, reset=reset)
    with scratch_folder() as folder:
        options = {"reset": reset, "steps_per_frame": steps}
        written = file if file.exists() else write_target(model, target, folder / "model", **options).main
        yield from model_rungs(truth, model.student, frames, lava=everything and lava)
        yield from file_rungs(truth, written, target, lava=lava)
