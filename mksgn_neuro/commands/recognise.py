"""mksgn-neuro recognise: any recording in, its class out."""

from __future__ import annotations

import csv
from pathlib import Path

import click

from mksgn_neuro.commands.options import Output, energy_option, find_model, json_option, print_findings, print_json, say
from mksgn_neuro.commands.recording_options import evidence_option, hold_option, recording_options
from mksgn_neuro.errors import BadInput

SHOWN = 3  # classes with most spikes


@click.command(short_help="Say which action each recording shows.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help="Default: the newest under runs/, else nw-ucla.")
@recording_options
@evidence_option
@hold_option
@energy_option
@click.option("--csv", "csv_path", type=Output(), help="OUT.csv: one clip a row.")
@json_option
def command(
    files: tuple[Path, ...], model: Path | None, unit: str | None, up: str | None, rate: float | None, flat: bool,
    aspect: float | None, evidence: int, hold: float | None, energy_profile: str, csv_path: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Say which action each clip of FILES shows: recordings of pose estimators and cameras, or folders of them.

    Formats are recognised by their content (docs/recordings.md). Each clip is simulated on CPU from rest, at the
    network's frame rate; the class with most spikes at its end is the answer.
    """
    from mksgn_neuro.commands.progress import counting
    from mksgn_neuro.data.gaps import HOLD
    from mksgn_neuro.data.recordings import Wanted
    from mksgn_neuro.workflows.load import load_networks
    from mksgn_neuro.workflows.recordings import Settings, recognise_all, require_task

    settings = Settings(Wanted(unit, up, rate, flat, aspect), evidence, HOLD if hold is None else hold, energy_profile)
    path = find_model(model)
    networks = load_networks(path)
    representation, network = networks.default_representation
    recordings, left_out = _read(files)
    with counting("recognising") as progress:
        found, refused = recognise_all(require_task(network, path), recordings, settings, progress)
    document = {
        "model": str(path),
        "representation": representation,
        "simulated_on": "CPU",
        "energy_profile": energy_profile,
        "evidence": evidence,
        "hold": settings.hold,
        "clips": [clip.as_json() for clip in found],
        "left_out": left_out + refused,
        "findings": networks.findings,
    }
    if csv_path:
        write_csv(document["clips"], csv_path)
        say(f"wrote {csv_path}")
    return print_json(document) if as_json else print_clips(document)


def _read(files: tuple[Path, ...]) -> tuple[list, list[str]]:
    """The recordings of all files, called by them, and what was left out."""
    from mksgn_neuro.workflows.recordings import recordings_of, renamed

    recordings, left_out = [], []
    for file in files:
        found, skipped = recordings_of(file)
        recordings += [renamed(recording, file, len(found) > 1) for recording in found]
        left_out += skipped
    if not recordings:
        raise BadInput("no clip in it", location=str(files[0]), hint="give recordings")
    return recordings, left_out


def print_clips(document: dict) -> None:
    """A table, then the notes: each said once, with the clips that it is of where it is not of all."""
    from rich.console import Console
    from rich.table import Column, Table

    print_findings(document["findings"])
    table = Table(Column("clip", overflow="fold"), "decision", "class spikes", "frames", "spikes", "mJ")
    for clip in document["clips"]:
        best = sorted(clip["scores"].items(), key=lambda item: -item[1])[:SHOWN]
        scores = ", ".join(f"{name} {spikes}" for name, spikes in best)
        cells = (clip["clip"], clip["decision"], scores, str(clip["frames"]), str(clip["spikes"]))
        table.add_row(*cells, f"{clip['joules'] * 1e3:.4f}")
    Console().print(table)
    notes: dict[str, list[str]] = {}
    for clip in document["clips"]:
        for note in (*clip["notes"], *_lost(clip)):
            notes.setdefault(note, []).append(clip["clip"])
    for note, clips in notes.items():
        every = len(clips) == len(document["clips"])
        click.echo(f"note: {note}" if every else f"note: {note} ({len(clips)} clips, first {clips[0]})")
    for line in document["left_out"]:
        click.echo(f"left out: {line}")
    click.echo(f"{len(document['clips'])} clips, simulated on CPU, energy profile {document['energy_profile']}")


def _lost(clip: dict) -> list[str]:
    """What is said of joints that were not seen."""
    held, absent = clip["joints_held"], clip["joints_absent"]
    return [f"joints not seen: {held:.1%} held at their last position, {absent:.1%} absent"] if held or absent else []


def write_csv(clips: list[dict], path: Path) -> None:
    """One clip a row: decision, spikes of each class, frames, spikes, joules."""
    from mksgn_neuro.files import atomic_write

    names = list(clips[0]["scores"])
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["clip", "decision", *names, "frames", "spikes", "joules"])
        for clip in clips:
            scores = [clip["scores"][name] for name in names]
            writer.writerow([clip["clip"], clip["decision"], *scores, clip["frames"], clip["spikes"], clip["joules"]])
