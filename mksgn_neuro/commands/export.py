"""mksgn-neuro export: the integer network in the form that a target reads."""

from __future__ import annotations

from pathlib import Path

import click

from mksgn_neuro.commands.options import dataset_options, find_model, json_option, print_json, stderr
from mksgn_neuro.errors import WorkFailed

TARGETS = ("loihi2", "lava", "slayer", "nir")


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--target", type=click.Choice(TARGETS), required=True)
@click.option("--output", type=click.Path(path_type=Path), help="File or folder; default: beside MODEL.")
@click.option("--verify/--no-verify", "verified", default=True, help="Run what was written and compare every spike.")
@click.option("--samples", default=3, show_default=True, type=click.IntRange(1), help="Clips to verify on.")
@dataset_options(default=None)
@json_option
def command(
    model: Path | None, target: str, output: Path | None, verified: bool, samples: int, dataset: str | None,
    data_path: Path | None, skip_bad: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write MODEL for a target: loihi2 (netx HDF5), lava (process graph), slayer (lava-dl's own export) or nir."""
    from mksgn_neuro.commands.clips import verification_frames
    from mksgn_neuro.export.bundle import write_target
    from mksgn_neuro.models.store import load_model
    from mksgn_neuro.verify import file_rungs

    path = find_model(model)
    loaded = load_model(path)
    written = write_target(loaded, target, output or path.with_name(f"{path.stem}"))
    rungs = []
    if verified:
        frames, what = verification_frames(loaded, samples, dataset, data_path)
        stderr.print(f"verifying on {what}, simulated on CPU")
        rungs = file_rungs(loaded, frames, target, written.main)
    summary = written.summary() | {"verified": bool(rungs) and all(rung.ok for rung in rungs)}
    summary["rungs"] = [rung.as_json() for rung in rungs]
    print_json(summary) if as_json else _print(summary)
    failed = next((rung for rung in rungs if not rung.ok), None)
    if failed:
        problem = f"{failed.mismatches} spikes differ, first {failed.first}"
        raise WorkFailed(problem, place=f"{failed.source} → {failed.target}", remedy="do not deploy this file")


def _print(summary: dict) -> None:
    for file in summary["files"]:
        click.echo(f"wrote {file}")
    click.echo(f"{summary['neurons']} neurons, {summary['synapses']} synapses")
    for rung in summary["rungs"]:
        verdict = rung["not_run"] or f"{rung['mismatches']} differing spikes in {rung['samples']} samples"
        click.echo(f"{rung['from']} → {rung['to']}: {verdict}, simulated on CPU")
