"""mksgn-neuro verify: the equivalence checks as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mksgn_neuro.commands.options import (
    beside,
    dataset_options,
    find_model,
    full_option,
    json_option,
    port_options,
    print_findings,
    print_json,
    refuse_options,
    say,
    seed_option,
)
from mksgn_neuro.errors import WorkFailed

if TYPE_CHECKING:
    from mksgn_neuro.lowering.passes import Built
    from mksgn_neuro.models.store import Model
    from mksgn_neuro.workflows.equivalence import EquivalenceCheck
    from mksgn_neuro.workflows.inputs import Drawn, Request
    from mksgn_neuro.workflows.load import Port
    from mksgn_neuro.workflows.verify import Driven


ONLY_MODELS = ("net", "dataset", "data_path", "skip_bad")
ONLY_FILES = ("steps", "seed", "reset_interval", "input_bits", "input_shape")
STEPS = 50


def file_options(command: Callable) -> Callable:
    """What only makes sense where a .net file is verified."""
    for option in reversed(
        (
            click.option(
                "--steps",
                default=STEPS,
                show_default=True,
                type=click.IntRange(1),
                help="Length of a random sample.",
            ),
            click.option(
                "--reset-interval", "--period", type=click.IntRange(1), help="Reset a .net file every N steps."
            ),
            seed_option,
        )
    ):
        command = option(command)
    return port_options(command)


@click.command(short_help="Compare the spikes of all representations.")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option(
    "--samples", default=3, show_default=True, type=click.IntRange(1), help="Clips, or random samples, to compare on."
)
@click.option(
    "--file",
    "net",
    type=click.Path(path_type=Path),
    help="The .net file exported from MODEL. Default: the one beside it.",
)
@click.option(
    "--lava/--no-lava",
    default=True,
    help="Also run SLAYER, Lava and Intel's loader, which takes minutes. Default: --lava.",
)
@full_option
@dataset_options(default=None)
@file_options
@json_option
def command(
    model: Path | None, samples: int, net: Path | None, lava: bool, dataset: str | None, data_path: Path | None,
    full: bool, skip_bad: bool, steps: int, seed: int, reset_interval: int | None,
    input_shape: tuple[int, ...] | None, input_bits: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Compare the spikes of all representations of MODEL: torch, emulator, SLAYER, Lava, netx file and others.

    MODEL may also be anybody's .net file: on random inputs, our simulation of it is then compared with Intel's loader,
    at every layer and step. The representations of a .nir or .ir.h5 file are compared on random inputs too.
    """
    from mksgn_neuro.workflows.inputs import Drawn, Request
    from mksgn_neuro.workflows.load import Port, suffix_of

    path = find_model(model)
    if suffix_of(path) not in (".pt", ""):
        refuse_options(ONLY_MODELS, f"is for a model.pt, not for a {suffix_of(path)} file", "leave it out")
        drawn = Drawn(samples, steps, seed, reset_interval)
        verify_any = verify_file if path.suffix == ".net" else verify_network
        return verify_any(path, Port(input_bits, input_shape), drawn, lava=lava, full=full, as_json=as_json)
    refuse_options(ONLY_FILES, "is for a .net, .nir or .ir.h5 file, not for a model", "leave it out")
    from mksgn_neuro.models.store import load_model

    request = Request(dataset, data_path, limit=samples, skip_bad=skip_bad)
    file = net or beside(path, ".net")
    checks, what = run_checks(load_model(path), "loihi2", file, request, everything=True, lava=lava, full=full)
    return print_verdict(checks, what, file_findings(file), as_json)


def said(checks: Iterable[EquivalenceCheck]) -> list[EquivalenceCheck]:
    """The checks, each verdict said as it comes."""
    found = []
    for check in checks:
        say(f"  {check.source} → {check.target}: {check.verdict}")
        found.append(check)
    return found


def verify_file(path: Path, port: Port, drawn: Drawn, *, lava: bool, full: bool, as_json: bool) -> None:
    """Compare a netx file's network with Intel's loader on random inputs."""
    from mksgn_neuro.commands.progress import comparing
    from mksgn_neuro.workflows.verify_file import check_file, read_for_check

    file, findings = read_for_check(path, port)
    drawn = replace(drawn, reset_interval=drawn.reset_interval or file.reset_interval)
    what = f"{drawn}, reset every {drawn.reset_interval}" if drawn.reset_interval else str(drawn)
    say(f"comparing every layer at every step on {what}, simulated on CPU")
    with comparing() as watch:
        checks = said(check_file(path, file, lava=lava, full=full, watch=watch, **asdict(drawn)))
    print_verdict(checks, what, findings, as_json)


def verify_network(path: Path, port: Port, drawn: Drawn, *, lava: bool, full: bool, as_json: bool) -> None:
    """Compare the representations of a .nir or .ir.h5 file's network, the layered one among them."""
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
    checks, what = run_network_checks(built, "loihi2", None, drawn, everything=True, lava=lava, full=full)
    print_verdict(checks, what, findings, as_json)


def run_network_checks(
    built: Built, target: str, file: Path | None, drawn: Drawn, *, everything: bool = False, lava: bool = True,
    full: bool = False,
) -> tuple[list[EquivalenceCheck], str]:  # fmt: skip
    """`check_network`, each verdict said as it comes: the checks, and what was compared on."""
    from mksgn_neuro.commands.progress import comparing
    from mksgn_neuro.workflows.verify import check_network

    what = f"{drawn}, each followed by a reset" if drawn.reset_interval else str(drawn)
    say(f"comparing every population at every step on {what}, simulated on CPU")
    options = {**asdict(drawn), "everything": everything, "lava": lava, "full": full}
    with comparing() as watch:
        checks = said(check_network(built, target, file, watch=watch, **options))
    return checks, what


def file_findings(file: Path) -> list[str]:
    """Of the netx file that was verified; none where it was written for this and is gone."""
    from mksgn_neuro.workflows.load import Port
    from mksgn_neuro.workflows.verify_file import read_for_check

    return read_for_check(file, Port())[1] if file.exists() else []


def print_verdict(checks: list[EquivalenceCheck], inputs: str, findings: list[str], as_json: bool) -> None:
    """The checks for people or machines; raises WorkFailed for the first check that differs."""
    from mksgn_neuro.workflows.verdict import Verdict

    verdict = Verdict.of(checks)
    if as_json:
        document = {"checks": [check.as_json() for check in checks]}
        print_json({**document, **verdict.as_json(), "inputs": inputs, "findings": findings})
    else:
        print_findings(findings)
        print_checks(checks)
        click.echo(f"{verdict}, simulated on CPU")
    raise_if_different(checks)


def run_checks(
    model: Model, target: str, file: Path, request: Request, *, everything: bool = False, lava: bool = True,
    full: bool = False, driven: Driven | None = None, built: Built | None = None,
) -> tuple[list[EquivalenceCheck], str]:  # fmt: skip
    """`check_all` on the clips of a request: the checks, and what was compared on; says each verdict as it comes.

    Without resets all run on one long stream; no `driven`: as the file says. `built`: what was written, where it was.
    """
    from mksgn_neuro.commands.progress import comparing
    from mksgn_neuro.commands.reading import load_clips
    from mksgn_neuro.workflows.verify_model import check_model

    asked = {"driven": driven, "built": built, "everything": everything, "lava": lava, "full": full}
    with comparing() as watch:
        checked, what = check_model(model, target, file, request, **asked, read=load_clips, watch=watch)
        say(f"comparing every population at every step on {what}, simulated on CPU")
        return said(checked), what


def raise_if_different(checks: list[EquivalenceCheck]) -> None:
    """Raises WorkFailed for the first check that differs."""
    failed = next((check for check in checks if not check.ok), None)
    if failed:
        location, hint = f"{failed.source} → {failed.target}", "do not deploy this"
        raise WorkFailed(failed.verdict, location=location, hint=hint)


def print_checks(checks: list) -> None:
    """One row per check; below it what is too long for a row: how it was done, or why it was not run."""
    from rich.console import Console
    from rich.table import Table

    table = Table("from", "to", "samples", "populations", "differences", "first difference")
    for check in checks:
        found = "not run" if check.not_run else check.first or "none"
        counts = ("", "", "") if check.not_run else (str(check.samples), str(check.populations), str(check.mismatches))
        table.add_row(check.source, check.target, *counts, found)
    Console().print(table)
    for check in checks:
        if check.how or check.not_run:
            click.echo(f"{check.target}: {check.not_run or check.how}")
