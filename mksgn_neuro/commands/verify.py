"""mksgn-neuro verify: the ladder as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from mksgn_neuro.commands.options import (
    dataset_options,
    find_model,
    json_option,
    port_options,
    print_findings,
    print_json,
    refuse_options,
    say,
    seed_option,
)
from mksgn_neuro.errors import WorkFailed
from mksgn_neuro.workflows.load import Port, suffix_of

if TYPE_CHECKING:
    from mksgn_neuro.lowering.passes import Built
    from mksgn_neuro.models.store import Model
    from mksgn_neuro.workflows.inputs import Request
    from mksgn_neuro.workflows.ladder import Rung
    from mksgn_neuro.workflows.verify import Driven


ONLY_MODELS = ("net", "dataset", "data_path", "skip_bad")
ONLY_FILES = ("steps", "seed", "period", "input_bits", "input_shape")
STEPS = 50


def file_options(command: Callable) -> Callable:
    """What only makes sense where a .net file is verified."""
    for option in reversed(
        (
            click.option(
                "--steps", default=STEPS, show_default=True, type=click.IntRange(1), help="Of a random sample."
            ),
            click.option("--period", type=click.IntRange(1), help="Of a .net file: reset every N steps."),
            seed_option,
        )
    ):
        command = option(command)
    return port_options(command)


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--samples", default=3, show_default=True, type=click.IntRange(1), help="Clips or samples to compare on.")
@click.option(
    "--file", "net", type=click.Path(path_type=Path), help="The .net file of MODEL; default: the one beside it."
)
@click.option(
    "--lava/--no-lava", default=True, help="Also run SLAYER, Lava and Intel's loader: minutes for a few clips."
)
@dataset_options(default=None)
@file_options
@json_option
def command(
    model: Path | None, samples: int, net: Path | None, lava: bool, dataset: str | None, data_path: Path | None,
    skip_bad: bool, steps: int, seed: int, period: int | None, input_shape: tuple[int, ...] | None,
    input_bits: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Prove that every form of MODEL computes the same spikes: torch, IR, chain, emulator, SLAYER, Lava, netx.

    MODEL may also be any .net file: what we read of it is then compared with what Intel's loader runs, on random
    inputs, at every layer and step. Of a .nir or .ir.h5 file every form is compared, on random inputs.
    """
    from mksgn_neuro.models.store import load_model
    from mksgn_neuro.workflows.inputs import Request

    path = find_model(model)
    if suffix_of(path) not in (".pt", ""):
        refuse_options(ONLY_MODELS, f"is for a model.pt, not for a {suffix_of(path)} file", "leave it out")
        drawn = {"samples": samples, "steps": steps, "seed": seed, "period": period, "lava": lava, "as_json": as_json}
        verify_any = verify_file if path.suffix == ".net" else verify_network
        return verify_any(path, Port(input_bits, input_shape), **drawn)
    refuse_options(ONLY_FILES, "is for a .net, .nir or .ir.h5 file, not for a model", "leave it out")
    request = Request(dataset, data_path, limit=samples, skip_bad=skip_bad)
    file = net or path.with_suffix(".net")
    rungs, what = climb(load_model(path), "loihi2", file, request, everything=True, lava=lava)
    return print_verdict(rungs, what, file_findings(file), as_json)


def verify_file(
    path: Path, port: Port, *, samples: int, steps: int, seed: int, period: int | None, lava: bool, as_json: bool
) -> None:
    """Compare a netx file's network with Intel's loader on random inputs."""
    from mksgn_neuro.workflows.verify_file import check_file, read_for_check

    file, findings = read_for_check(path, port)
    period = period or file.period
    what = f"{samples} samples of {steps} random inputs, seed {seed}" + (f", reset every {period}" if period else "")
    say(f"comparing every layer at every step on {what}, simulated on CPU")
    rungs = []
    for rung in check_file(path, file, samples=samples, steps=steps, seed=seed, period=period, lava=lava):
        say(f"  {rung.source} → {rung.target}: {rung.verdict}")
        rungs.append(rung)
    print_verdict(rungs, what, findings, as_json)


def verify_network(
    path: Path, port: Port, *, samples: int, steps: int, seed: int, period: int | None, lava: bool, as_json: bool
) -> None:
    """Compare the forms of a .nir or .ir.h5 file's network, the chain among them where it has one."""
    from mksgn_neuro.errors import Unsupported
    from mksgn_neuro.workflows.load import load_networks
    from mksgn_neuro.workflows.targets import build

    networks = load_networks(path, port)
    findings = list(networks.findings)
    try:
        built = build(networks.given, "loihi2")
    except Unsupported as refusal:
        built = build(networks.given, "emulator")
        findings.append(f"no netx file can hold it: {refusal}")
    rungs, what = climb_network(built, "loihi2", None, period, samples, steps, seed, everything=True, lava=lava)
    print_verdict(rungs, what, findings, as_json)


def climb_network(
    built: Built, target: str, file: Path | None, period: int | None, samples: int, steps: int, seed: int, *,
    everything: bool = False, lava: bool = True,
) -> tuple[list[Rung], str]:  # fmt: skip
    """`check_network`, each verdict said as it comes: the rungs, and what was compared on."""
    from mksgn_neuro.workflows.verify import check_network

    what = f"{samples} samples of {steps} random inputs, seed {seed}" + (", each followed by a reset" if period else "")
    say(f"comparing every population at every step on {what}, simulated on CPU")
    drawn = {"samples": samples, "steps": steps, "seed": seed, "period": period, "everything": everything}
    rungs = []
    for rung in check_network(built, target, file, lava=lava, **drawn):
        say(f"  {rung.source} → {rung.target}: {rung.verdict}")
        rungs.append(rung)
    return rungs, what


def file_findings(file: Path) -> list[str]:
    """Of the netx file that was verified; none where it was written for this and is gone."""
    from mksgn_neuro.workflows.verify_file import read_for_check

    return read_for_check(file, Port())[1] if file.exists() else []


def print_verdict(rungs: list[Rung], inputs: str, findings: list[str], as_json: bool) -> None:
    """The ladder for people or machines; raises WorkFailed for the first rung that differs."""
    if as_json:
        ok = all(rung.ok for rung in rungs)
        print_json({"rungs": [rung.as_json() for rung in rungs], "ok": ok, "inputs": inputs, "findings": findings})
    else:
        print_findings(findings)
        print_ladder(rungs)
    raise_if_different(rungs)


def climb(
    model: Model, target: str, file: Path, request: Request, *, everything: bool = False, lava: bool = True,
    driven: Driven | None = None, built: Built | None = None,
) -> tuple[list[Rung], str]:  # fmt: skip
    """`check_all` on the clips of a request: the rungs, and what was compared on; says each verdict as it comes.

    Without resets all run on one long stream; no `driven`: as the file says. `built`: what was written, where it was.
    """
    from mksgn_neuro.commands.reading import load_clips
    from mksgn_neuro.workflows.verify_model import check_model

    checked, what = check_model(
        model, target, file, request, driven=driven, built=built, everything=everything, lava=lava, read=load_clips
    )
    say(f"comparing every population at every step on {what}, simulated on CPU")
    rungs = []
    for rung in checked:
        say(f"  {rung.source} → {rung.target}: {rung.verdict}")
        rungs.append(rung)
    return rungs, what


def raise_if_different(rungs: list[Rung]) -> None:
    """Raises WorkFailed for the first rung that differs."""
    failed = next((rung for rung in rungs if not rung.ok), None)
    if failed:
        place, remedy = f"{failed.source} → {failed.target}", "do not deploy this"
        raise WorkFailed(f"{failed.mismatches} spikes differ, first {failed.first}", place=place, remedy=remedy)


def print_ladder(rungs: list) -> None:
    """One row per rung."""
    from rich.console import Console

    table = Table("from", "to", "samples", "populations", "differing spikes", "first difference")
    for rung in rungs:
        found = rung.not_run or rung.first or "none"
        counts = ("", "", "") if rung.not_run else (str(rung.samples), str(rung.populations), str(rung.mismatches))
        table.add_row(rung.source, rung.target, *counts, found)
    Console().print(table)
