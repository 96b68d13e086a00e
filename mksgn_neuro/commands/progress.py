"""Bars on stderr with the time that is left; without a terminal, or under --quiet, there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from mksgn_neuro.commands.options import say, stderr
from mksgn_neuro.models.notes import HELD_OUT, WORDS


def bars(*more: ProgressColumn) -> Progress:
    """The bars of every command: what is done, how much of it, the time that is left, and `more`."""
    columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, *more, console=stderr(), transient=True, disable=not stderr().is_terminal)


@contextmanager
def _shown(bar: Progress) -> Iterator[Callable[..., None]]:
    """What updates the one task of `bar`, which appears at the first update: until then another one may be there."""
    task = bar.add_task("", total=None)

    def update(**fields: object) -> None:
        bar.update(task, **fields)
        bar.start()

    try:
        yield update
    finally:
        if not bar.disable:  # else it would print an empty line
            bar.stop()


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Gives the `progress(done, total)` of something that counts."""
    with _shown(bars()) as update:
        yield lambda done, total: update(description=what, completed=done, total=total)


@contextmanager
def comparing() -> Iterator[Callable[[str, int, int], None]]:
    """Gives the `watch` of equivalence checks: the bar names what is compared now."""
    with _shown(bars()) as update:
        yield lambda target, done, total: update(description=f"comparing: {target}", completed=done, total=total)


class TrainingDisplay:
    """Context manager with a bar per stage and a line per epoch, whose `report` fits `stage.Report`."""

    def __init__(self) -> None:
        self.progress = bars(TextColumn("{task.fields[text]}"))
        self.tasks: dict[str, int] = {}

    def __enter__(self) -> TrainingDisplay:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self.progress.disable:
            self.progress.stop()

    def report(self, kind: str, record: dict) -> None:
        """A finished step or epoch."""
        stage = record["stage"]
        if kind == "step":
            if stage not in self.tasks:
                total = record["epochs"] * record["steps"]
                self.tasks[stage] = self.progress.add_task(stage, total=total, text="")
            done = record["epoch"] * record["steps"] + record["step"]
            text = f"loss {record['loss']:.3f}  accuracy {record['accuracy']:.1%}"
            self.progress.update(self.tasks[stage], completed=done, text=text)
            return
        if kind == "finding":
            say(f"note: {record['finding']}")
        if kind == "kept" and record["epoch"] is None:
            say(f"{stage}: no epoch was better than the state that it began with, which is kept")
        if kind != "epoch":
            return
        rate = record.get("validation_spike_rate")
        spiking = "" if rate is None else f"  spike rate {rate:.1%}"
        on = WORDS[record.get("validation_on", HELD_OUT)]
        say(
            f"{stage} {record['epoch'] + 1}/{record['epochs']}: loss {record['loss']:.3f}  "
            f"training {record['accuracy']:.1%}  {on} {record['validation_accuracy']:.1%}{spiking}  "
            f"{record['seconds']:.1f} s"
        )
