"""mksgn-neuro data: what a path holds and what is wrong with it; recordings as a data set."""

from __future__ import annotations

from pathlib import Path

import click

from mksgn_neuro.commands.options import Output, json_option, print_json
from mksgn_neuro.commands.recording_options import recording_options
from mksgn_neuro.errors import BadInput
from mksgn_neuro.names import BODIES

NAMED = 5  # clips that a line names before it only counts
DEFECTS = {  # the keys of --json, in words
    "not finite": "clips with coordinates that are not finite",
    "one frame": "clips of one frame",
    "constant": "clips in which nothing moves",
    "moves against its label": "clips that move against their label",
}


@click.group(name="data", short_help="Inspect data, or make a data set of recordings.")
def command() -> None:
    """Look at data, or make a data set of recordings, before training."""


@command.command(short_help="Show format, classes, split and defects of a path.")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def inspect(path: Path, as_json: bool) -> None:
    """Recognise the format of PATH; count clips, classes and splits; list defects and leaked test clips."""
    from mksgn_neuro.commands.progress import counting
    from mksgn_neuro.data import inspection
    from mksgn_neuro.data.formats import notes_of

    with counting("reading") as progress:
        report = inspection.inspect(path, progress)
    if as_json:
        print_json(report)
        return
    click.echo(f"{path}: {report['description']}")
    found = report.get("recordings", ())
    for recording in found:
        click.echo("\n".join(_recording_lines(recording)))
    for note in notes_of([recording["notes"] for recording in found]):
        click.echo(f"note: {note}")
    for line in report.get("left_out", ()):
        click.echo(f"left out: {line}")
    for dataset in report["datasets"]:
        click.echo("\n".join(["", *_lines(dataset)]))


@command.command(name="import", short_help="Make a data set of a folder of recordings.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("output", type=Output())
@click.option("--skeleton", type=click.Choice(BODIES), help="Map every clip onto this one. Default: the first clip's.")
@click.option("--bodies", type=click.IntRange(1, 2), default=1, show_default=True, help="People in each clip.")
@click.option(
    "--people", metavar="REGEX",
    help="Who is in a clip: what this matches in its path inside its class's folder, such as ^[a-z]+. Then the clips "
    "of some people are for testing only.",
)  # fmt: skip
@recording_options
@json_option
def import_folder(
    folder: Path, output: Path, skeleton: str | None, bodies: int, people: str | None, unit: str | None, up: str | None,
    rate: float | None, flat: bool, aspect: float | None, as_json: bool,
) -> None:  # fmt: skip
    """Write the recordings in FOLDER as one data set, OUTPUT.npz, to train on with --dataset npz --data OUTPUT.npz.

    FOLDER holds a folder for each class (docs/recordings.md), or train and test with such folders; or is a pickle file
    of pyskl or MMAction2. Prints what was guessed and left out.
    """
    from mksgn_neuro.commands.progress import counting
    from mksgn_neuro.data import inspection
    from mksgn_neuro.data.readers import npz
    from mksgn_neuro.data.recordings import Wanted
    from mksgn_neuro.workflows.importing import import_recordings

    if output.suffix != ".npz":
        raise BadInput("is no .npz", location=str(output), hint="call it OUTPUT.npz")
    with counting("reading") as progress:
        clips = import_recordings(folder, Wanted(unit, up, rate, flat, aspect), skeleton, progress, bodies, people)
    npz.save(clips, output)
    report = inspection.summary_of(clips)
    if as_json:
        print_json({"output": str(output), **report})
        return
    click.echo("\n".join(_lines(report)))
    click.echo(f"wrote {output}")


def _lines(d: dict) -> list[str]:
    frames = d["frames"]
    subjects = f"{d['subjects']} subjects" if d["subjects"] else "subjects unknown"
    lines = [
        f"{d['dataset']}: {d['clips']} clips, {len(d['classes'])} classes, {d['joints']} joints, {subjects}",
        f"frames: {frames['min']} to {frames['max']}, median {frames['median']:g}, at {d['rate']:g} Hz",
        *(f"note: {line}" for line in d["assumed"]),
        f"body: {d['body_height']:.3g} high along {d['up_axis']}, {d['coordinates']} coordinates, unit {d['unit']}",
        *(f"looks wrong: {line}" for line in d["suspicions"]),
        *([f"in training, {d['mirroring']}"] if d["mirroring"] else []),
        f"split: {d['train']} train, {d['test']} test",
        _leaks(d),
        "",
        *_class_table(d["classes"]),
        "",
    ]
    for kind, names in d["defects"].items():
        lines.append(f"{DEFECTS[kind]}: {_some(names)}")
    lines.append(f"clips left out: {_some(d['left_out'], separator=chr(10) + '  ')}")
    return lines


def _recording_lines(r: dict) -> list[str]:
    rate = f"at {r['rate']:g} Hz" if r["rate"] else "frame rate unknown"
    unit, up = r["unit"] or "unit unknown", r["up"] or "unknown"
    made = f"{r['joints']} joints ({r['skeleton'] or 'no known skeleton'}), {r['coordinates']} coordinates"
    bodies = ", two bodies" if r["bodies"] > 1 else ""
    lines = [
        f"{r['clip']}: {r['format']}, {r['frames']} frames, {rate}, {made}{bodies}",
        f"  body {r['height']:.4g} high in y ({unit}), up: {up}, joints not seen: {r['joints_missing']:.1%}",
    ]
    return [*lines, *(f"  looks wrong: {said}" for said in r["wrong"])]


def _leaks(d: dict) -> str:
    if not d["leaked"]:
        return "leaks: no test clip is byte-identical to a training clip"
    kinds = ", ".join(f"{c['name']} {c['leaked']}" for c in d["classes"] if c["leaked"])
    counts = f"{d['leaked']} leaked of {d['test']}; {d['test_clean']} clean"
    return f"leaks: test clips byte-identical to a training clip: {counts} ({kinds})"


def _class_table(classes: list[dict]) -> list[str]:
    width = max(len(c["name"]) for c in classes)
    rows = [f"{c['name']:<{width}} {c['train']:>7} {c['test']:>7} {c['leaked'] or '':>7}" for c in classes]
    return [f"{'class':<{width}} {'train':>7} {'test':>7} {'leaked':>7}", *rows]


def _some(items: list[str], separator: str = ", ") -> str:
    if not items:
        return "none"
    more = f"{separator}and {len(items) - NAMED} more" if len(items) > NAMED else ""
    first = separator if "\n" in separator else " "
    return f"{len(items)}{first}{separator.join(items[:NAMED])}{more}"
