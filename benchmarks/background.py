"""What a class `none of these` buys on a stream, and what it costs: trained on view 1 of NW-UCLA, tested on view 2.

python -m benchmarks.background all_sqe.zip

Two networks of one preset, from the labels alone. The first knows the classes that are neither OTHERS nor UNKNOWN; the
second also `none of these`, from pauses and OTHERS. UNKNOWN is seen by neither. Both get the clips of all classes of
view 2 and pauses in one stream, nothing reset; an action that is named while another or none of theirs goes on is a
false decision. Evidence: with fewer class spikes than that, `none of these` is said, with either network.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np

from benchmarks.protocols import class_spikes
from benchmarks.views import tested
from mksgn_neuro.data.background import background_of, for_classes, with_background
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.protocols import streams
from mksgn_neuro.data.recognition import evidence, false_decisions
from mksgn_neuro.data.registry import load
from mksgn_neuro.ir import Network
from mksgn_neuro.names import NONE_OF_THESE
from mksgn_neuro.training.preset import Preset
from mksgn_neuro.training.presets import preset
from mksgn_neuro.training.train import train
from mksgn_neuro.workflows.inputs import timing_of
from mksgn_neuro.workflows.load import load_networks

OTHERS, UNKNOWN = ("walk around", "throw"), ("carry", "donning")
LEAST = (0, 2, 4, 6, 8, 10, 12, 15)  # class spikes
HEAD = ("evidence", "right at the end of its actions", "false decisions an hour", "while nothing it knows goes on")


def of_classes(clips: Clips, names: tuple[str, ...]) -> Clips:
    """The clips of some classes, which are all that there are."""
    at = {clips.class_names.index(name): k for k, name in enumerate(names)}
    part = clips.subset(np.isin(clips.labels, list(at)))
    return replace(part, labels=[at[label] for label in part.labels.tolist()], class_names=names, part_of=None)


def trained(clips: Clips, chosen: Preset, seed: int) -> Network:
    """The integer zero-delay network."""
    with TemporaryDirectory() as directory:
        train(clips.subset(clips.train), chosen, Path(directory), seed=seed, report=lambda kind, record: None)
        return load_networks(Path(directory) / "model.pt").built_for("stream")


def rows(network: Network, clips: Clips) -> list[tuple[str, ...]]:
    """One for each of LEAST; `clips` have NONE_OF_THESE as their last class."""
    given = streams("continuous", clips, timing_of(network.task))
    rate, last = network.task.rate, background_of(clips.class_names)
    counted = evidence(class_spikes(network, given, clips)[0], given.window)
    labels = clips.labels[given.clip]
    truth = np.repeat(labels, given.end - given.first)
    found = []
    for least in LEAST:
        decided = np.where(counted.max(axis=1) >= least, counted.argmax(axis=1), last)
        right = (decided[given.end - 1] == labels)[labels != last].mean()
        false = false_decisions(decided, truth, last, rate).values()
        found.append((str(least), f"{100 * right:.1f} %", *(f"{per_hour:.0f}" for per_hour in false)))
    return found


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.option("--preset", "name", default="tiny", show_default=True)
@click.option("--epochs", default=5, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--only", type=click.Choice(("without", "with")), help="One of the two networks.")
def main(data: Path, name: str, epochs: int, seed: int, only: str | None) -> None:
    """A table for the network without `none of these` and one for that with it, simulated on CPU.

    Both are quantized without further training, and keep their last epoch.
    """
    views = load("nw-ucla-views", data)
    known = tuple(c for c in views.class_names if c not in OTHERS + UNKNOWN)
    chosen = preset(name, epochs=epochs, integer_epochs=0, held_out=0.0, soft_label_weight=0.0, feature_weight=0.0)
    stream = for_classes(tested(views), (*known, NONE_OF_THESE))
    nothing = stream.labels == len(known)
    click.echo(f"{len(stream)} clips of view 2, {int(nothing.sum())} of them pauses or of classes it does not know")
    given = {
        "without": of_classes(views, known),
        "with": with_background(of_classes(views, known + OTHERS), OTHERS),
    }
    for kind in (only,) if only else given:
        clips = given[kind]
        click.echo(f"\n{name}, {epochs} epochs, {len(known)} classes, {kind} none of these\n")
        click.echo(f"| {' | '.join(HEAD)} |\n{'|---' * len(HEAD)}|")
        for row in rows(trained(clips, chosen, seed), stream):
            click.echo(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
