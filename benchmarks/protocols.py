"""What networks recognise when clips are stretched, played as recorded, or follow each other without an end.

python -m benchmarks.protocols DATA MODEL ...

MODEL is a model.pt or a .net, with a frame rate or without. Each stream of frames is simulated once; decisions after
different windows come from the same class spikes. In `continuous` nothing is ever reset, and a network whose origin is
the first frame has that of the whole stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.protocols import Streams, streams
from mksgn_neuro.data.recognition import recognition
from mksgn_neuro.ir import Network
from mksgn_neuro.workflows.inputs import Request, clips_for, encoded, timing_of
from mksgn_neuro.workflows.load import load_networks
from mksgn_neuro.workflows.simulate import emulated, reset_interval_of

STRETCHED = {"stretched": 1.0, "stretched to half": 0.5, "stretched to 1.5 times": 1.5}
WINDOWS = (20, 40)
ORDERS = (0, 1)  # seeds of the order in which clips follow each other
HEAD = ("frames", "standard", "clean", "second half", "frames to decision", "false changes a minute")


@dataclass(frozen=True)
class Row:
    """One line of the table: `accuracy` has a standard and a clean value; `more` only on the endless stream."""

    name: str
    accuracy: dict[str, float | None]
    more: dict[str, float | None] | None = None

    def __str__(self) -> str:
        shares = [_percent(self.accuracy["standard"]), _percent(self.accuracy["clean"])]
        if self.more is None:
            return f"| {' | '.join((self.name, *shares, '', '', ''))} |"
        delay, false = self.more["median_frames_to_decision"], self.more["false_changes_per_minute"]
        rest = (_percent(self.more["second_half"]), "–" if delay is None else f"{delay:g}", f"{false:.1f}")
        return f"| {' | '.join((self.name, *shares, *rest))} |"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def rows_of(network: Network, clips: Clips) -> Iterator[Row]:
    """Every row for one network, each as soon as it is known."""
    timing, rate = timing_of(network.task), network.task.rate or clips.rate
    for what, factor in STRETCHED.items():
        frames = max(1, int(factor * timing.frames))
        given = streams("offline", clips, replace(timing, frames=frames))
        found = recognition(class_spikes(network, given, clips), given, clips, rate)
        yield Row(f"{what}, {frames} frames", found["accuracy"])
    given = streams("clip", clips, timing)
    found = recognition(class_spikes(network, given, clips), given, clips, rate)
    yield Row("as recorded, at the last frame", found["accuracy"])
    yield Row(f"as recorded, last pose held to {timing.frames}", found["accuracy_held"])
    for seed in ORDERS:
        given = streams("continuous", clips, timing, seed)
        spikes = class_spikes(network, given, clips)
        for window in sorted({*WINDOWS, timing.window or WINDOWS[0]}):
            found = recognition(spikes, replace(given, window=window), clips, rate)
            own = ", its own" if window == timing.window else ""
            yield Row(f"continuous, order {seed}, window {window}{own}", found["accuracy"], found)


def class_spikes(network: Network, given: Streams, clips: Clips) -> list[np.ndarray]:
    """(T_s, classes) of each stream; all but the endless one begin at rest."""
    inputs = [encoded(network.task, network.source.message_bits, clips.skeleton, x) for x in given.positions]
    reset_interval = None if given.protocol == "continuous" else reset_interval_of(network, inputs)
    rows = np.concatenate([rows for rows, _ in emulated(network, inputs, reset_interval)])
    return np.split(rows, np.cumsum([len(x) for x in given.positions])[:-1])


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.argument("models", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def main(data: Path, models: tuple[Path, ...]) -> None:
    """A table for each of MODELs on the test clips of DATA, in percent."""
    for path in models:
        representation, network = load_networks(path).default_representation
        clips = clips_for(network.task, Request(path=data))
        rate = "no frame rate" if network.task.rate is None else f"{network.task.rate:g} frames a second"
        leaked = int(clips.leaked.sum())
        click.echo(f"{path} ({representation}, {rate}): {len(clips)} test clips, {leaked} of them also in training\n")
        click.echo(f"| {' | '.join(HEAD)} |\n{'|---' * len(HEAD)}|")
        for row in rows_of(network, clips):
            click.echo(str(row))
        click.echo()


if __name__ == "__main__":
    main()
