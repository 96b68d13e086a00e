"""mksgn-neuro data inspect: what a path holds, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import click

from mksgn_neuro.commands.options import json_option, print_json

NAMED = 5  # clips that a line names before it only counts


@click.group(name="data")
def command() -> None:
    """Look at data before training on it."""


@command.command()
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def inspect(path: Path, as_json: bool) -> None:
    """Recognise the format of PATH; count clips, classes and splits; list defects and test clips that leak."""
    from mksgn_neuro.commands.reading import reading
    from mksgn_neuro.data import inspection

    with reading() as progress:
        report = inspection.inspect(path, progress)
    if as_json:
        print_json(report)
        return
    click.echo(f"{path}: {report['description']}")
    if "clip" in report:
        clip = report["clip"]
        click.echo(f"{clip['frames']} frames, {clip['joints']} joints{', constant' if clip['constant'] else ''}")
    for dataset in report["datasets"]:
        click.echo("\n".join(["", *_lines(dataset)]))


def _lines(d: dict) -> list[str]:
    frames = d["frames"]
    subjects = f"{d['subjects']} subjects" if d["subjects"] else "subjects unknown"
    lines = [
        f"{d['dataset']}: {d['clips']} clips, {len(d['classes'])} classes, {d['joints']} joints, {subjects}",
        f"frames: {frames['min']} min, {frames['median']:g} median, {frames['max']} max, at {d['rate']:g} Hz",
        *(f"note: {line}" for line in d["assumed"]),
        f"split: {d['train']} train, {d['test']} test",
        _leaks(d),
        "",
        *_class_table(d["classes"]),
        "",
    ]
    for kind, names in d["defects"].items():
        lines.append(f"{kind}: {_some(names)}")
    lines.append(f"left out: {_some(d['left_out'], separator=chr(10) + '  ')}")
    return lines


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
