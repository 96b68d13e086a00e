"""What proves each target's file: it is read back, and run by whoever it was written for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.export.lava_graph import require_lava
from mksgn_neuro.export.netx.reader import read_netx
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.store import load
from mksgn_neuro.lowering import balance_delays
from mksgn_neuro.processes.memory import NotEnoughMemory
from mksgn_neuro.workflows.by_level import STEPS, ByLevel, is_run_by_level, parameters_check
from mksgn_neuro.workflows.equivalence import EquivalenceCheck, ReferenceRun
from mksgn_neuro.workflows.simulators import (
    Simulator,
    by_emulator,
    by_lava,
    by_reference,
    by_slayer,
    by_stock_loader,
)

Distribution = Literal["lava-nc", "lava-dl"]
Watch = Callable[[str, int, int], None]  # told what is compared next, how many comparisons are done, and of how many


@dataclass(frozen=True)
class Planned:
    """A comparison with `target` that is still to be run."""

    target: str
    run: Callable[[], EquivalenceCheck]


# Of a written file; the flags: in Lava too, and there always the whole file at once.
Check = Callable[[ReferenceRun, Path, bool, bool], list[Planned]]
STOCK = "netx file, stock lava-dl loader"
HELD = "netx file, parameters in the stock loader"


def carried_out(planned: Sequence[Planned], watch: Watch | None = None) -> Iterator[EquivalenceCheck]:
    """Run the comparisons one after the other, each given as soon as it is known."""
    for done, check in enumerate(planned):
        if watch:
            watch(check.target, done, len(planned))
        yield check.run()


def netx_checks(reference_run: ReferenceRun, path: Path, lava: bool, full: bool = False) -> list[Planned]:
    """What our reader finds in a netx file, and what Intel's loader computes from it: a large one level by level."""
    layered, _ = read_netx(path, input_message_bits=reference_run.case.frames.source.message_bits)
    planned = [_in_layers(reference_run, "netx file, our reader", layered, by_emulator)]
    if lava and is_run_by_level(path, layered, full=full):
        planned += map(unless_missing, _by_level(reference_run, path, layered))
    elif lava:
        planned.append(unless_missing(_in_layers(reference_run, STOCK, layered, by_stock_loader(path))))
    return planned


def _by_level(reference_run: ReferenceRun, path: Path, layered: Network) -> list[Planned]:
    """Two comparisons from one run: of what each level fired, and of what it held."""
    case = reference_run.case
    by_level = ByLevel(path, reference_run.depth + STEPS + (case.reset_interval or 0))

    def fired() -> EquivalenceCheck:
        check = reference_run.against_layered(STOCK, layered, by_level)
        return replace(check, how=by_level.how)

    def held() -> EquivalenceCheck:
        if by_level.run is None:
            by_level(layered, case.stream(reference_run.depth), case.reset_interval)
        written = case.layered
        sizes = lambda network: [(p.name, p.size) for p in network.order]
        if written is None or sizes(written) != sizes(layered):  # a file of another version, say
            return parameters_check("netx file, our reader", HELD, layered, by_level.run)
        return parameters_check("layered network", HELD, written, by_level.run)

    return [Planned(STOCK, fired), Planned(HELD, held)]


def slayer_checks(reference_run: ReferenceRun, path: Path, lava: bool, full: bool = False) -> list[Planned]:
    """SLAYER's own file; it names no groups, so its levels are taken in order."""
    layered = reference_run.case.layered
    stock = _in_layers(reference_run, "SLAYER's netx file, stock lava-dl loader", layered, by_stock_loader(path))
    return [unless_missing(stock)] if lava else []


def lava_checks(reference_run: ReferenceRun, path: Path, lava: bool, full: bool = False) -> list[Planned]:
    """The bundle's network."""
    network = load(path)
    planned = [_in_steps(reference_run, "bundle's network, emulator", network, by_emulator)]
    if lava:
        graph = _in_steps(reference_run, "bundle's network, Lava process graph", network, by_lava)
        planned.append(unless_missing(graph, "lava-nc"))
    return planned


def nir_checks(reference_run: ReferenceRun, path: Path, lava: bool, full: bool = False) -> list[Planned]:
    """What our reader finds in a NIR file."""
    from mksgn_neuro.export.nir.reader import read_nir  # which every command would load otherwise

    network, _ = read_nir(path)
    return [_in_steps(reference_run, "NIR file, our reader", balance_delays(network), by_emulator)]


def representation_checks(reference_run: ReferenceRun, *, lava: bool = True) -> list[Planned]:
    """The simulators of the network's representations, short of files; without `lava`, only those that we wrote
    ourselves.
    """
    steps, layered = reference_run.case.steps, reference_run.case.layered
    planned = [
        _in_steps(reference_run, "reference in time steps", steps, by_reference),
        _in_steps(reference_run, "emulator", steps, by_emulator),
    ]
    if reference_run.case.reset_interval is None:
        from mksgn_neuro.sim.stepwise import run_stepwise

        by_frames = lambda *run: run_stepwise(*run[:2])
        planned.append(_in_steps(reference_run, "emulator, frame by frame", steps, by_frames))
    if layered is not None:
        planned.append(_in_layers(reference_run, "layered network", layered, by_emulator))
    if lava and layered is not None:
        planned.append(unless_missing(_in_layers(reference_run, "SLAYER blocks", layered, by_slayer)))
    if lava:
        planned.append(unless_missing(_in_steps(reference_run, "Lava process graph", steps, by_lava), "lava-nc"))
    return planned


def _in_steps(reference_run: ReferenceRun, target: str, network: Network, run: Simulator) -> Planned:
    return Planned(target, lambda: reference_run.against_steps(target, network, run))


def _in_layers(reference_run: ReferenceRun, target: str, layered: Network, run: Simulator) -> Planned:
    return Planned(target, lambda: reference_run.against_layered(target, layered, run))


def unless_missing(planned: Planned, needs: Distribution = "lava-dl", source: str = "reference") -> Planned:
    """A check that says that it was not run where the part of Lava or the memory that it needs is not there."""

    def run() -> EquivalenceCheck:
        try:
            require_lava(needs)
        except Unsupported as missing:
            return EquivalenceCheck(source, planned.target, not_run=_not_run(missing, needs))
        try:
            return planned.run()
        except NotEnoughMemory as missing:
            return EquivalenceCheck(source, planned.target, not_run=f"not run: {missing}")

    return Planned(planned.target, run)


def _not_run(missing: Unsupported, needs: Distribution) -> str:
    """What a check says that a missing part of Lava keeps from running."""
    return f"not run: needs {needs} on Python 3.10; {missing.hint}"
