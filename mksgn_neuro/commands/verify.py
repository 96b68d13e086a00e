"""mksgn-neuro verify: the ladder as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from mksgn_neuro.commands.options import dataset_options, find_model, json_option, print_json, say
from mksgn_neuro.errors import WorkFailed

if TYPE_CHECKING:
    from mksgn_neuro.models.store import Model
    from mksgn_neuro.workflows.inputs import Request
    from mksgn_neuro.workflows.verify import Driven, Rung


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--samples", default=3, show_default=True, type=click.IntRange(1), help="Clips to compare on.")
@click.option(
    "--file", "net", type=click.Path(path_type=Path), help="The .net file of MODEL; default: the one beside it."
)
@click.option(
    "--lava/--no-lava", default=True, help="Also run SLAYER, Lava and Intel's loader: minutes for a few clips."
)
@dataset_options(default=None)
@json_option
def command(
    model: Path | None, samples: int, net: Path | None, lava: bool, dataset: str | None, data_path: Path | None,
    skip_bad: bool, as_json: bool,
) -> None:  # fmt: skip
    """Prove that every form of MODEL computes the same spikes: torch, IR, chain, emulator, SLAYER, Lava, netx."""
    from mksgn_neuro.models.store import load_model
    from mksgn_neuro.workflows.inputs import Request

    path = find_model(model)
    request = Request(dataset, data_path, limit=samples, skip_bad=skip_bad)
    file = net or path.with_suffix(".net")
    rungs, what = climb(load_model(path), "loihi2", file, request, everything=True, lava=lava)
    ok = all(rung.ok for rung in rungs)
    if as_json:
        print_json({"rungs": [rung.as_json() for rung in rungs], "ok": ok, "inputs": what})
    else:
        print_ladder(rungs)
    raise_if_different(rungs)


def climb(
    model: Model, target: str, file: Path, request: Request, *, everything: bool = False, lava: bool = True,
    driven: Driven | None = None,
) -> tuple[list[Rung], str]:  # fmt: skip
    """`check_all` on the clips of a request: the rungs, and what was compared on; says each verdict as it comes.

    Without resets all run on one long stream; no `driven`: as the file says.
    """
    from mksgn_neuro.commands.reading import load_clips
    from mksgn_neuro.workflows.inputs import verification_frames, verification_stream
    from mksgn_neuro.workflows.verify import Driven, check_all

    driven = driven or Driven.of(model, target, file)
    inputs = verification_frames if driven.reset else verification_stream
    frames, what = inputs(model.task(), model.scaling.bits, request, load_clips)
    say(f"comparing every population at every step on {what}, simulated on CPU")
    rungs = []
    for rung in check_all(model, frames, target, file, driven=driven, everything=everything, lava=lava):
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
