"""Any netx file, ours or a stranger's: what our reader makes of it against what lava-dl's own loader runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mksgn_neuro.export.child import TRACEBACK, ChildFailed
from mksgn_neuro.export.netx.reader import read_file
from mksgn_neuro.export.netx.reading import NetxFile
from mksgn_neuro.export.netx.sidecar import require_described
from mksgn_neuro.export.netx.stock_loader import run_stock_loader
from mksgn_neuro.workflows.by_level import STEPS, ByLevel, is_run_by_level, parameters_check
from mksgn_neuro.workflows.checks import HELD, STOCK, Planned, Watch, carried_out, unless_missing
from mksgn_neuro.workflows.equivalence import EquivalenceCheck, Pair, compare
from mksgn_neuro.workflows.inputs import random_samples
from mksgn_neuro.workflows.load import Port, netx_findings, require_file
from mksgn_neuro.workflows.simulators import by_emulator, by_reference, limit_if_dense, require_memory_if_dense

READER = "netx file, our reader"
Spikes = dict[str, np.ndarray]  # population → (T, N)


@dataclass(frozen=True)
class Trial:
    """One run: inputs (T, N_in), constant where they are held, of `samples` samples of which each has its own rate."""

    inputs: np.ndarray
    samples: int


def read_for_check(path: Path, port: Port) -> tuple[NetxFile, list[str]]:
    """A netx file, and what there is to say about it; raises BadInput for one that its sidecar does not describe."""
    require_file(path)
    require_described(path)
    file = read_file(path, input_message_bits=port.bits, input_shape=port.shape)
    return file, netx_findings(path, file)


def check_file(
    path: Path,
    file: NetxFile,
    *,
    samples: int,
    steps: int,
    seed: int = 0,
    reset_interval: int | None = None,
    lava: bool = True,
    full: bool = False,
    watch: Watch | None = None,
) -> Iterator[EquivalenceCheck]:
    """Compare every layer at every step on random inputs, `samples` of `steps` steps each, one after the other.

    State is zeroed every `reset_interval` steps, where one is given. Without `lava`, only our own simulators are
    compared. A large file of dense levels runs there level by level, unless in `full`.
    """
    trials = list(_trials(file, samples, steps, np.random.default_rng(seed)))
    expected = [by_reference(file.network, trial.inputs, reset_interval) for trial in trials]
    emulated = lambda: [by_emulator(file.network, trial.inputs, reset_interval) for trial in trials]
    planned = [Planned("emulator", lambda: _check("emulator", file, expected, emulated(), trials))]
    if lava and _is_by_level(path, file, full):
        planned += _by_level(path, file, expected, trials, reset_interval)
    elif lava:
        run = lambda trial: _by_stock(path, file, trial, reset_interval)
        planned.append(_unless_refused(Planned(STOCK, lambda: _stock(file, expected, trials, run))))
    for check in carried_out(planned, watch):
        yield check if reset_interval is None else replace(check, steps=0)


def _trials(file: NetxFile, samples: int, steps: int, rng: np.random.Generator) -> Iterator[Trial]:
    """One stream; for a file whose input is held, a run for each sample."""
    if not file.held:
        yield Trial(np.concatenate(random_samples(file.network.source, samples, steps, rng)), samples)
        return
    highest = min(2 * file.network.order[0].vth + 1, file.network.source.max_payload - 1)
    for _ in range(samples):
        held = rng.integers(0, highest, file.network.source.size, endpoint=True)
        yield Trial(np.repeat(held[None], steps, axis=0), 1)


def _is_by_level(path: Path, file: NetxFile, full: bool) -> bool:
    return not file.held and file.num_layers is None and is_run_by_level(path, file.network, full=full)


def _by_level(
    path: Path, file: NetxFile, expected: list[Spikes], trials: list[Trial], reset_interval: int | None
) -> list[Planned]:
    """What each level fired, and what it held, of one run."""
    network = file.network
    by_level = ByLevel(path, len(network.order) + STEPS + (reset_interval or 0), network.source.message_bits)
    run = lambda trial: by_level(network, trial.inputs, reset_interval)

    def fired() -> EquivalenceCheck:
        check = _stock(file, expected, trials, run)
        return replace(check, how=by_level.how, steps=min(check.steps, by_level.most_steps))

    def held() -> EquivalenceCheck:
        if by_level.run is None:
            run(trials[0])
        return parameters_check(READER, HELD, network, by_level.done)

    return [_unless_refused(Planned(STOCK, fired)), _unless_refused(Planned(HELD, held))]


def _unless_refused(planned: Planned) -> Planned:
    """A check that says why it was not run: its part of Lava or the memory is missing, or the loader fails."""

    def run() -> EquivalenceCheck:
        try:
            return planned.run()
        except ChildFailed as failed:
            problem = f"not run: the stock loader cannot run this file ({_reason(failed)})"
            return EquivalenceCheck(READER, planned.target, not_run=problem)

    return unless_missing(Planned(planned.target, run), source=READER)


def _stock(
    file: NetxFile, expected: list[Spikes], trials: list[Trial], run: Callable[[Trial], Spikes]
) -> EquivalenceCheck:
    found = [run(trial) for trial in trials]
    late = 1 if file.held else 0  # our input neurons hear their values by a synapse, the loader's have them at once
    return _check(STOCK, file, [_shifted(spikes, late) for spikes in expected], found, trials)


def _by_stock(path: Path, file: NetxFile, trial: Trial, reset_interval: int | None) -> Spikes:
    network = file.network
    require_memory_if_dense(network, "the stock loader")
    given = {"input_bias": trial.inputs[0]} if file.held else {"inputs": trial.inputs}
    traces = run_stock_loader(
        path,
        **given,
        limit=limit_if_dense(network, len(trial.inputs)),
        input_message_bits=0 if file.held else network.source.message_bits,
        input_shape=file.input_shape,
        num_layers=file.num_layers,
        num_steps=len(trial.inputs),
        reset_interval=reset_interval,
        layers="all",
    )
    return {p.name: trace.spikes for p, trace in zip(network.order, traces.values(), strict=True)}


def _shifted(spikes: Spikes, late: int) -> Spikes:
    return {name: fired[late:] for name, fired in spikes.items()}


def _check(
    target: str, file: NetxFile, expected: list[Spikes], found: list[Spikes], trials: list[Trial]
) -> EquivalenceCheck:
    names = [p.name for p in file.network.order]
    stacked = (Pair(name, np.stack([e[name] for e in expected]), np.stack([f[name] for f in found])) for name in names)
    check = compare(READER, target, file.network, stacked)
    return replace(check, samples=sum(t.samples for t in trials), steps=sum(len(t.inputs) for t in trials))


def _reason(failed: ChildFailed) -> str:
    """The last line of the traceback, where there is one."""
    lines = [line for line in failed.log.splitlines() if line.strip() and not line[0].isspace()]
    return lines[-1] if TRACEBACK in failed.log and lines else failed.problem.splitlines()[0]
