"""mksgn-neuro models: the networks in the package, by the names that MODEL takes."""

from __future__ import annotations

from pathlib import Path

import click

from mksgn_neuro.commands.options import json_option, print_json
from mksgn_neuro.commands.training import shares


@click.command(short_help="List the networks in the package.")
@json_option
def command(as_json: bool) -> None:
    """List the networks in the package, whose names every command takes as MODEL: `simulate nw-ucla --data PATH`."""
    from mksgn_neuro.workflows.load import shipped

    cards = [card(path) for path in shipped().values()]
    if as_json:
        return print_json({"models": cards})
    for found in cards:
        click.echo("\n".join(_lines(found)))
    return None


def card(path: Path) -> dict:
    """What a model file says of itself; accuracies on its data set's test clips are those that training measured."""
    from mksgn_neuro.models.store import load_model

    model = load_model(path)
    task = model.task()
    return {
        "name": path.stem,
        "file": str(path),
        "bytes": path.stat().st_size,
        "hash": model.hash(),
        "kind": model.student.kind,
        "dataset": model.dataset,
        "classes": list(model.class_names),
        "joints": model.skeleton.joints,
        "rate": task.rate,
        "window": task.window,
        "seed": model.training.get("seed"),
        "test": model.training.get("test", {}).get("integer", {}),
    }


def _lines(found: dict) -> list[str]:
    rate = "clips stretched to one length" if found["rate"] is None else f"{found['rate']:g} frames a second"
    window = "" if found["window"] is None else f", the last {found['window']} decide"
    lines = [
        f"{found['name']}: {found['kind']} for {found['dataset']}, {found['bytes'] / 1e6:.1f} MB, {found['hash']}",
        f"  classes: {', '.join(found['classes'])}",
        f"  input: {found['joints']} joints, {rate}{window}",
    ]
    for protocol, figures in found["test"].items():
        lines.append(f"  test clips, {protocol}, simulated on CPU when trained: {shares(figures['accuracy'])}")
    return [*lines, f"  use it: mksgn-neuro simulate {found['name']} --data PATH"]
