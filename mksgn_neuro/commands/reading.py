"""Reading and simulating clips for a command: progress bars and what was left out, all on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from mksgn_neuro.commands.options import say, stderr

if TYPE_CHECKING:
    from mksgn_neuro.chip.spec import Chip
    from mksgn_neuro.data.clips import Clips
    from mksgn_neuro.ir import Network
    from mksgn_neuro.workflows.recognise import Recognised

LISTED = 20  # clips that were left out


@contextmanager
def reading(what: str = "reading") -> Iterator[Callable[[int, int], None]]:
    """Gives the `progress(done, total)` that the readers call."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
        task = bar.add_task(what, total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)


def load_clips(dataset: str, path: Path | None, *, skip_bad: bool = False, seed: int = 0) -> Clips:
    """`registry.load` with a bar; lists on stderr what was left out."""
    from mksgn_neuro.data.registry import load

    with reading(f"reading {dataset}") as progress:
        clips = load(dataset, path, skip_bad=skip_bad, seed=seed, progress=progress)
    for line in clips.assumed:
        say(f"{path}: {line}")
    if clips.skipped:
        say(f"left out {len(clips.skipped)} clips:")
        for line in clips.skipped[:LISTED]:
            say(f"  {line}")
        if len(clips.skipped) > LISTED:
            say(f"  and {len(clips.skipped) - LISTED} more: mksgn-neuro data inspect {path} --json")
    return clips


def recognise_clips(
    network: Network, clips: Clips, protocols: tuple[str, ...], *, backend: str, chip: Chip, seed: int
) -> dict[str, Recognised]:  # fmt: skip
    """Simulate clips under each protocol, with a bar; a Ctrl-C ends with what is done so far, if anything is."""
    from mksgn_neuro.workflows.recognise import recognise

    runs = {}
    with Progress(console=stderr, transient=True) as bar:
        for protocol in protocols:
            task = bar.add_task(f"simulating {protocol}", total=None)
            report = partial(_advance, bar, task)
            try:
                runs[protocol] = recognise(
                    network, clips, protocol, backend=backend, chip=chip, seed=seed, progress=report
                )
            except KeyboardInterrupt:
                if not runs:
                    raise
                break
            if runs[protocol].simulation.partial:
                break
    return runs


def _advance(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)
