"""mksgn-neuro verify: the ladder as a table."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from mksgn_neuro.commands.options import dataset_options, find_model, json_option, print_json, stderr
from mksgn_neuro.errors import WorkFailed


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--samples", default=3, show_default=True, type=click.IntRange(1), help="Clips to compare on.")
@dataset_options(default=None)
@json_option
def command(
    model: Path | None, samples: int, dataset: str | None, data_path: Path | None, skip_bad: bool, as_json: bool
) -> None:
    """Prove that every form of MODEL computes the same spikes: torch, IR, chain, emulator, SLAYER, Lava, netx."""
    from mksgn_neuro.commands.clips import verification_frames
    from mksgn_neuro.models.store import load_model
    from mksgn_neuro.verify import ladder

    loaded = load_model(find_model(model))
    frames, what = verification_frames(loaded, samples, dataset, data_path)
    stderr.print(f"comparing every population at every step on {what}, simulated on CPU")
    rungs = ladder(loaded, frames, report=lambda rung: stderr.print(f"  {rung.source} → {rung.target}: {rung.verdict}"))
    ok = all(rung.ok for rung in rungs)
    if as_json:
        print_json({"rungs": [rung.as_json() for rung in rungs], "ok": ok, "inputs": what})
    else:
        print_ladder(rungs)
    failed = next((rung for rung in rungs if not rung.ok), None)
    if failed:
        raise WorkFailed(
            f"{failed.mismatches} spikes differ, first {failed.first}", place=f"{failed.source} → {failed.target}"
        )


def print_ladder(rungs: list) -> None:
    """One row per rung."""
    from rich.console import Console

    table = Table("from", "to", "samples", "populations", "differing spikes", "first difference")
    for rung in rungs:
        found = rung.not_run or rung.first or "none"
        counts = ("", "", "") if rung.not_run else (str(rung.samples), str(rung.populations), str(rung.mismatches))
        table.add_row(rung.source, rung.target, *counts, found)
    Console().print(table)
