"""mksgn-neuro report: one HTML page on what a trained network does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mksgn_neuro.commands.options import (
    Output,
    beside,
    chip_option,
    dataset_options,
    energy_option,
    find_model,
    json_option,
    print_json,
    say,
    seed_option,
)
from mksgn_neuro.commands.recording_options import map_option
from mksgn_neuro.files import require_writable
from mksgn_neuro.names import SPLITS

if TYPE_CHECKING:
    from mksgn_neuro.report.collect import Report
    from mksgn_neuro.workflows.equivalence import EquivalenceCheck
    from mksgn_neuro.workflows.inputs import Request
    from mksgn_neuro.workflows.recognise import Recognised


@click.command(short_help="Write one HTML page on a network.")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@dataset_options(default=None)
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True, help="Which clips of the data.")
@click.option("--limit", type=click.IntRange(1), help="At most N clips, evenly spaced.")
@map_option
@click.option(
    "--output", type=Output(), help="FILE.html. Default: beside MODEL; for a network of the package, in this folder."
)
@click.option("--figures", type=Output(folder=True), help="Folder: also write every figure, as PNG and SVG.")
@click.option(
    "--verify/--no-verify",
    "verified",
    default=False,
    help="Also compare the spikes of all representations of a model.pt. Default: --no-verify.",
)
@click.option("--samples", default=3, show_default=True, type=click.IntRange(1), help="Clips to verify on.")
@energy_option
@chip_option
@seed_option
@json_option
def command(
    model: Path | None, dataset: str | None, data_path: Path | None, skip_bad: bool, split: str, limit: int | None,
    renames: dict[str, str], output: Path | None, figures: Path | None, verified: bool, samples: int, chip_name: str,
    energy_profile: str, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Write one HTML page on MODEL: accuracy, clips, spikes, energy, cores; simulated on CPU."""
    from mksgn_neuro.chip.catalog import load_chip
    from mksgn_neuro.commands.reading import load_clips, recognise_clips
    from mksgn_neuro.errors import BadInput
    from mksgn_neuro.report.page import write_report
    from mksgn_neuro.workflows.inputs import Request, clips_for
    from mksgn_neuro.workflows.load import load_networks
    from mksgn_neuro.workflows.recognise import default_protocols, document_of
    from mksgn_neuro.workflows.verdict import Verdict

    chip = load_chip(chip_name)
    path = find_model(model)
    output = require_writable(output or beside(path, ".html"))
    networks = load_networks(path)
    representation, network = networks.default_representation
    if network.task is None:
        raise BadInput("does not say what clips it takes", location=str(path), hint="give a model.pt")
    clips = clips_for(network.task, Request(dataset, data_path, split, limit, skip_bad, seed, renames), load_clips)
    if network.task.rate is None:
        say(f"{path} has no frame rate: it was trained on clips stretched to {network.task.frames} frames")
    runs = recognise_clips(network, clips, default_protocols(network.task), backend="emulator", chip=chip, seed=seed)
    document = document_of(path, representation, runs, energy_profile) | {"findings": networks.findings}
    request = Request(dataset, data_path, limit=samples, skip_bad=skip_bad, seed=seed, renames=renames)
    is_model = networks.kind == "model"
    if verified and not is_model:
        say(f"not verified: --verify is for a model.pt; mksgn-neuro verify {path} compares this file")
    checks = compare_representations(path, request) if verified and is_model else None
    report = collected(path, runs, document, checks)
    written = {"report": str(output), "bytes": write_report(report, output)}
    if checks is not None:
        written |= Verdict.of(checks).as_json()
    if figures is not None:
        from mksgn_neuro.report.figures import write_figures

        written["figures"] = [str(file) for file in write_figures(report, figures)]
    print_json({**written, "simulation": document}) if as_json else _print(written)


def collected(
    path: Path, runs: dict[str, Recognised], document: dict, checks: tuple[EquivalenceCheck, ...] | None
) -> Report:  # fmt: skip
    """`report_of` with a bar."""
    from mksgn_neuro.commands.progress import counting
    from mksgn_neuro.report.collect import report_of

    with counting("recording spikes") as progress:
        return report_of(path, runs, document, checks, progress)


def compare_representations(path: Path, request: Request) -> tuple[EquivalenceCheck, ...]:
    """The comparisons of `verify` up to the file for Loihi 2; a difference is shown in the report, no failure."""
    from mksgn_neuro.commands.verify import run_checks
    from mksgn_neuro.models.store import load_model

    checks, _ = run_checks(load_model(path), "loihi2", beside(path, ".net"), request)
    return tuple(checks)


def _print(written: dict) -> None:
    click.echo(f"wrote {written['report']}, {written['bytes'] / 1e6:.2f} MB, simulated on CPU")
    if "verdict" in written:
        click.echo(f"{written['verdict']}, simulated on CPU")
    for file in written.get("figures", ()):
        click.echo(f"wrote {file}")
