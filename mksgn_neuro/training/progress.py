"""What a person sees while training: one bar per stage, one line per epoch, on stderr."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mksgn_neuro.models.notes import HELD_OUT, WORDS


class TrainingDisplay:
    """Context manager whose `report` fits `stage.Report`."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description:<16}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}"),
        )
        self.progress = Progress(*columns, console=console, transient=True)
        self.tasks: dict[str, int] = {}

    def __enter__(self) -> TrainingDisplay:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
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
            self._say(f"note: {record['finding']}")
        if kind == "kept" and record["epoch"] is None:
            self._say(f"{stage}: no epoch was better than the state that it began with, which is kept")
        if kind != "epoch":
            return
        rate = record.get("validation_spike_rate")
        spiking = "" if rate is None else f"  spike rate {rate:.1%}"
        on = WORDS[record.get("validation_on", HELD_OUT)]
        self._say(
            f"{stage} {record['epoch'] + 1}/{record['epochs']}: loss {record['loss']:.3f}  "
            f"training {record['accuracy']:.1%}  {on} {record['validation_accuracy']:.1%}{spiking}  "
            f"{record['seconds']:.1f} s"
        )

    def _say(self, line: str) -> None:
        self.progress.console.print(line, highlight=False, soft_wrap=True)
