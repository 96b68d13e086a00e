"""What training leaves for people and programs to read: metrics.json after every epoch, TensorBoard if asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import write_text
from mksgn_neuro.processes.locks import locked
from mksgn_neuro.processes.together import is_first
from mksgn_neuro.training.stage import Report

LOCK = ".training.lock"


@contextmanager
def only_one_in(directory: Path) -> Iterator[None]:
    """Make the folder and keep other trainings out of it; raises Busy where there is one."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    hint = "wait until it has ended, or train into another folder with --output"
    held = locked(directory / LOCK, 0, "another training writes into this folder", hint)
    with held if is_first() else nullcontext():
        yield


class Recorder:
    """Passes reports on to `display` and keeps every epoch of every stage, restored ones too.

    `kept`: which epoch each stage chose, None for the state that it began with.
    """

    def __init__(self, directory: Path, display: Report) -> None:
        self.path = Path(directory) / "metrics.json"
        self.display = display
        self.history: list[dict] = []
        self.kept: dict[str, int | None] = {}

    def report(self, kind: str, record: dict) -> None:
        """A `stage.Report`."""
        if not is_first():
            return
        self.display(kind, record)
        if kind == "kept":
            self.kept[record["stage"]] = record["epoch"]
        if kind in ("epoch", "restored"):
            self.history += [record] if kind == "epoch" else record["history"]
            write_json(self.path, {"history": self.history})

    def finish(self, summary: dict) -> None:
        """The whole history and what came of it."""
        write_json(self.path, {"history": self.history, **summary})


class TensorBoard:
    """A `stage.Report` that writes scalars into `directory` beside what `display` shows.

    Raises BadInput where the package is not installed.
    """

    def __init__(self, directory: Path, display: Report) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise BadInput("no TensorBoard here", location="--tensorboard", hint="pip install tensorboard") from error
        self.writer, self.display = SummaryWriter(str(directory)), display

    def report(self, kind: str, record: dict) -> None:
        """A `stage.Report`."""
        self.display(kind, record)
        for epoch in {"epoch": [record], "restored": record.get("history", [])}.get(kind, []):
            for name, value in _scalars(epoch):
                self.writer.add_scalar(f"{epoch['stage']}/{name}", value, epoch["epoch"])
            self.writer.flush()


def _scalars(record: dict) -> list[tuple[str, float]]:
    nested = {f"rate/{name}": rate for name, rate in record.get("validation_rates", {}).items()}
    names = ("loss", "accuracy", "validation_accuracy", "learning_rate", "seconds")
    return [(name, record[name]) for name in names] + list(nested.items())


def write_json(path: Path, content: dict) -> None:
    """Write JSON in one piece."""
    write_text(json.dumps(content, indent=1) + "\n", path)
