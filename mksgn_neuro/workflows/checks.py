"""What proves each target's file: it is read back, and run by whoever it was written for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.export.lava_graph import require_lava
from mksgn_neuro.export.netx.reader import read_netx
from mksgn_neuro.export.nir.reader import read_nir
from mksgn_neuro.ir.store import load
from mksgn_neuro.lowering import balance_delays
from mksgn_neuro.processes.memory import NotEnoughMemory
from mksgn_neuro.workflows.equivalence import EquivalenceCheck, ReferenceRun
from mksgn_neuro.workflows.simulators import by_emulator, by_lava, by_reference, by_slayer, by_stock_loader

Distribution = Literal["lava-nc", "lava-dl"]
Check = Callable[[ReferenceRun, Path, bool], Iterator[EquivalenceCheck]]  # of a written file; the flag: in Lava too


def netx_checks(reference_run: ReferenceRun, path: Path, lava: bool) -> Iterator[EquivalenceCheck]:
    """What our reader finds in a netx file, and what Intel's loader computes from it."""
    layered, _ = read_netx(path, input_message_bits=reference_run.case.frames.source.message_bits)
    yield reference_run.against_layered("netx file, our reader", layered, by_emulator)
    if lava:
        run = lambda t: reference_run.against_layered(t, layered, by_stock_loader(path))
        yield unless_missing("netx file, stock lava-dl loader", run)


def slayer_checks(reference_run: ReferenceRun, path: Path, lava: bool) -> Iterator[EquivalenceCheck]:
    """SLAYER's own file; it names no groups, so its levels are taken in order."""
    layered = reference_run.case.layered
    run = by_stock_loader(path)
    if lava:
        yield unless_missing(
            "SLAYER's netx file, stock lava-dl loader", lambda t: reference_run.against_layered(t, layered, run)
        )


def lava_checks(reference_run: ReferenceRun, path: Path, lava: bool) -> Iterator[EquivalenceCheck]:
    """The bundle's network."""
    network = load(path)
    yield reference_run.against_steps("bundle's network, emulator", network, by_emulator)
    if lava:
        run = lambda t: reference_run.against_steps(t, network, by_lava)
        yield unless_missing("bundle's network, Lava process graph", run, "lava-nc")


def nir_checks(reference_run: ReferenceRun, path: Path, lava: bool) -> Iterator[EquivalenceCheck]:
    """What our reader finds in a NIR file."""
    network, _ = read_nir(path)
    yield reference_run.against_steps("NIR file, our reader", balance_delays(network), by_emulator)


def representation_checks(reference_run: ReferenceRun, *, lava: bool = True) -> Iterator[EquivalenceCheck]:
    """The simulators of the network's representations, short of files; without `lava`, only those that we wrote
    ourselves.
    """
    steps, layered = reference_run.case.steps, reference_run.case.layered
    yield reference_run.against_steps("reference in time steps", steps, by_reference)
    yield reference_run.against_steps("emulator", steps, by_emulator)
    if reference_run.case.reset_interval is None:
        from mksgn_neuro.sim.stepwise import run_stepwise

        yield reference_run.against_steps("emulator, frame by frame", steps, lambda *run: run_stepwise(*run[:2]))
    if layered is not None:
        yield reference_run.against_layered("layered network", layered, by_emulator)
    if lava and layered is not None:
        yield unless_missing("SLAYER blocks", lambda t: reference_run.against_layered(t, layered, by_slayer))
    if lava:
        yield unless_missing("Lava process graph", lambda t: reference_run.against_steps(t, steps, by_lava), "lava-nc")


def unless_missing(
    target: str, check: Callable[[str], EquivalenceCheck], needs: Distribution = "lava-dl"
) -> EquivalenceCheck:
    """The check, or that it was not run where the part of Lava or the memory that it needs is not there."""
    try:
        require_lava(needs)
    except Unsupported as missing:
        return EquivalenceCheck("reference", target, not_run=not_run(missing, needs))
    try:
        return check(target)
    except NotEnoughMemory as missing:
        return EquivalenceCheck("reference", target, not_run=f"not run: {missing}")


def not_run(missing: Unsupported, needs: Distribution) -> str:
    """What a check says that a missing part of Lava keeps from running."""
    return f"not run: needs {needs} on Python 3.10; {missing.hint}"
