"""The ladder: every form of a network computes the same spikes, or the first neuron that does not is named.

Each rung runs two neighbouring forms on the same clips and compares every population at every step with
`array_equal` (DESIGN.md 12).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.export.lava_graph import require_lava
from mksgn_neuro.export.netx.reader import read_netx
from mksgn_neuro.export.nir.reader import read_nir
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.store import load
from mksgn_neuro.lowering import balance, levelize, lower, steps_per_sample
from mksgn_neuro.models.store import Model
from mksgn_neuro.models.student import MKSGN
from mksgn_neuro.sim import reference
from mksgn_neuro.workflows.export import write_target
from mksgn_neuro.workflows.forms import RunForm, by_emulator, by_lava, by_reference, by_slayer, by_stock_loader

Distribution = Literal["lava-nc", "lava-dl"]
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

    @property
    def ok(self) -> bool:
        """Whether nothing differed; a rung that was not run does not fail."""
        return self.mismatches == 0

    @property
    def verdict(self) -> str:
        """In words."""
        if self.not_run:
            return self.not_run
        equal = f"equal at every step, {self.populations} populations, {self.samples} samples"
        return f"{self.mismatches} spikes differ, first {self.first}" if self.mismatches else equal

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


def in_order(network: Network, spikes: Spikes) -> list[str]:
    """Population names in topological order, so that the first difference is the cause and not a consequence."""
    return [p.name for p in network.order if p.name in spikes]


@dataclass(frozen=True)
class Truth:
    """The subject and what the reference says of it, which every other form is compared with."""

    subject: Subject
    expected: Spikes

    @classmethod
    def of(cls, network: Network, inputs: np.ndarray) -> Truth:
        """Run the reference on a network in frames."""
        subject = Subject.of(network, inputs)
        return cls(subject, reference_spikes(subject))

    @property
    def depth(self) -> int:
        """Steps after the last sample until its last spike has left the longest form."""
        return len(self.subject.chain.populations) + self.subject.steps.flush

    def against_student(self, student: MKSGN, frames: torch.Tensor) -> Rung:
        """The trained torch network."""
        found, network = student_spikes(student, frames), self.subject.frames
        pairs = ((name, found[name], self.expected[name]) for name in in_order(network, found))
        return compare("student", "reference", network, pairs)

    def against_steps(self, target: str, run: RunForm) -> Rung:
        """A simulator of the network in steps, samples back to back."""
        subject, level = self.subject, self.subject.steps.level
        found = run(subject.steps, subject.stream(self.depth), subject.period)
        cut = {name: by_sample(spikes, level[name], subject) for name, spikes in found.items()}
        pairs = ((name, self.expected[name], cut[name]) for name in in_order(subject.frames, cut))
        return compare("reference", target, subject.frames, pairs)

    def against_chain(self, target: str, chain: Network, run: RunForm) -> Rung:
        """A simulator of the chain, samples back to back: every group of every level that it recorded."""
        found = run(chain, self.subject.stream(self.depth), self.subject.period)

        def pairs() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
            for level, name, lag, neurons in chain_groups(self.subject.chain):
                if level in found:
                    yield name, self.expected[name], by_sample(found[level][:, neurons], lag, self.subject)

        return compare("reference", target, self.subject.frames, pairs())


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


def model_rungs(truth: Truth, student: MKSGN, frames: torch.Tensor, *, lava: bool = True) -> Iterator[Rung]:
    """Everything short of files; without `lava`, only what we wrote ourselves."""
    yield truth.against_student(student, frames)
    yield truth.against_steps("reference in time steps", by_reference)
    yield truth.against_steps("emulator", by_emulator)
    chain = truth.subject.chain
    yield truth.against_chain("chain of levels", chain, by_emulator)
    if lava:
        yield _unless_missing("SLAYER blocks", lambda t: truth.against_chain(t, chain, by_slayer))
        yield _unless_missing("Lava process graph", lambda t: truth.against_steps(t, by_lava), "lava-nc")


def _unless_missing(target: str, rung: Callable[[str], Rung], needs: Distribution = "lava-dl") -> Rung:
    """The rung, or that it was not run where the part of Lava that it needs cannot run."""
    try:
        require_lava(needs)
    except Unsupported as missing:
        return Rung("reference", target, not_run=f"not run: {missing.remedy}")
    return rung(target)


def check_all(
    model: Model, frames: torch.Tensor, target: str, file: Path, *, everything: bool = False, lava: bool = True
) -> Iterator[Rung]:
    """Every rung to the target's `file`, compared on `frames` (B, T, M, V, 3), each as soon as it is known.

    The file is written anew, elsewhere, where it does not exist; `everything` takes the SLAYER and Lava forms on the
    way, no `lava` only forms that we wrote.
    """
    truth = Truth.of(lower(model.student, model.task()), frames.flatten(2).numpy().astype("int64"))
    with tempfile.TemporaryDirectory() as folder:
        written = file if file.exists() else write_target(model, target, Path(folder) / "model").main
        yield from model_rungs(truth, model.student, frames, lava=everything and lava)
        yield from file_rungs(truth, written, target, lava=lava)
