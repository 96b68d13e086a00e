"""Options and output that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import click
from rich.console import Console

from mksgn_neuro.data.registry import DATASETS
from mksgn_neuro.errors import BadInput

SHIPPED_MODEL = "nw-ucla.pt"
stderr = Console(stderr=True)


def say(line: str) -> None:
    """One line to stderr, never wrapped: logs and pipes have no width."""
    stderr.print(line, highlight=False, markup=False, soft_wrap=True)


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout, nothing else.")
seed_option = click.option("--seed", default=0, show_default=True, help="Seed of everything that is drawn.")


def dataset_options(default: str | None = "synthetic") -> Callable:
    """--dataset, --data and --skip-bad."""

    def decorate(command: Callable) -> Callable:
        for option in reversed(
            (
                click.option("--dataset", type=click.Choice(DATASETS), default=default, show_default=True),
                click.option("--data", "data_path", type=click.Path(path_type=Path), help="Archive or folder."),
                click.option("--skip-bad", is_flag=True, help="Leave out clips that cannot be read, and list them."),
            )
        ):
            command = option(command)
        return command

    return decorate


def find_model(path: Path | None) -> Path:
    """The model the user named, else the newest under runs/, else the shipped one; says on stderr which."""
    if path is not None:
        return path
    trained = sorted(Path("runs").glob("**/model.pt"), key=lambda p: p.stat().st_mtime)
    shipped = Path(str(files("mksgn_neuro") / "assets" / SHIPPED_MODEL))
    if not trained and not shipped.exists():
        raise BadInput("no MODEL was given and runs/ holds none", remedy="run mksgn-neuro train first")
    chosen = trained[-1] if trained else shipped
    say(f"model: {chosen}")
    return chosen


def print_json(document: dict) -> None:
    """The one document that --json promises."""
    click.echo(json.dumps(document, indent=1, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"no JSON for {type(value)}")
