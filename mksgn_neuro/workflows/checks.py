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
from mksgn_neuro.lowering import balance
from mksgn_neuro.processes.memory import NotEnoughMemory
from mksgn_neuro.sim.stepwise import run_stepwise
from mksgn_neuro.workflows.forms import by_emulator, by_lava, by_reference, by_slayer, by_stock_loader
from mksgn_neuro.workflows.ladder import Rung, Truth

Distribution = Literal["lava-nc", "lava-dl"]
Check = Callable[[Truth, Path, bool], Iterator[Rung]]  # of a written file; the flag: in Lava too


def netx_rungs(truth: Truth, path: Path, lava: bool) -> Iterator[Rung]:
    """What our reader finds in a netx file, and what Intel's loader computes from it."""
    chain, _ = read_netx(path, input_message_bits=truth.subject.frames.source.message_bits)
    yield truth.against_chain("netx file, our reader", chain, by_emulator)
    if lava:
        run = lambda t: truth.against_chain(t, chain, by_stock_loader(path))
        yield unless_missing("netx file, stock lava-dl loader", run)


def slayer_rungs(truth: Truth, path: Path, lava: bool) -> Iterator[Rung]:
    """SLAYER's own file; it names no groups, so its levels are taken in order."""
    chain = truth.subject.chain
    run = by_stock_loader(path)
    if lava:
        yield unless_missing("SLAYER's netx file, stock lava-dl loader", lambda t: truth.against_chain(t, chain, run))


def lava_rungs(truth: Truth, path: Path, lava: bool) -> Iterator[Rung]:
    """The bundle's network."""
    network = load(path)
    yield truth.against_steps("bundle's network, emulator", network, by_emulator)
    if lava:
        run = lambda t: truth.against_steps(t, network, by_lava)
        yield unless_missing("bundle's network, Lava process graph", run, "lava-nc")


def nir_rungs(truth: Truth, path: Path, lava: bool) -> Iterator[Rung]:
    """What our reader finds in a NIR file."""
    network, _ = read_nir(path)
    yield truth.against_steps("NIR file, our reader", balance(network), by_emulator)


def form_rungs(truth: Truth, *, lava: bool = True) -> Iterator[Rung]:
    """The simulators of the network's forms, short of files; without `lava`, only those that we wrote ourselves."""
    steps, chain = truth.subject.steps, truth.subject.chain
    yield truth.against_steps("reference in time steps", steps, by_reference)
    yield truth.against_steps("emulator", steps, by_emulator)
    if truth.subject.period is None:
        yield truth.against_steps("emulator, frame by frame", steps, lambda *run: run_stepwise(*run[:2]))
    if chain is not None:
        yield truth.against_chain("chain of levels", chain, by_emulator)
    if lava and chain is not None:
        yield unless_missing("SLAYER blocks", lambda t: truth.against_chain(t, chain, by_slayer))
    if lava:
        yield unless_missing("Lava process graph", lambda t: truth.against_steps(t, steps, by_lava), "lava-nc")


def unless_missing(target: str, rung: Callable[[str], Rung], needs: Distribution = "lava-dl") -> Rung:
    """The rung, or that it was not run where the part of Lava or the memory that it needs is not there."""
    try:
        require_lava(needs)
    except Unsupported as missing:
        return Rung("reference", target, not_run=not_run(missing, needs))
    try:
        return rung(target)
    except NotEnoughMemory as missing:
        return Rung("reference", target, not_run=f"not run: {missing}")


def not_run(missing: Unsupported, needs: Distribution) -> str:
    """What a rung says that a missing part of Lava keeps from running."""
    return f"not run: needs {needs} on Python 3.10; {missing.remedy}"
