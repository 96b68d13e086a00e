"""mksgn-neuro stream: frames in on stdin as a camera delivers them, the current decision out per frame."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from mksgn_neuro.commands.options import find_model, say

if TYPE_CHECKING:
    from mksgn_neuro.ir import Network


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--rate", type=float, help="Frames per second of the camera; default: as many as the network takes.")
@click.option(
    "--window",
    type=click.IntRange(1),
    help="Decide on the last N of the network's frames; default: as many as it was trained for, else all of the clip.",
)
def command(model: Path | None, rate: float | None, window: int | None) -> None:
    """Recognise actions in a stream of skeletons, simulated on CPU.

    Each line on stdin is one frame: a JSON array of joints, [x, y, z] in metres each, or {"t": seconds, "joints": …}
    with such an array or {name: [x, y, z]}. With "t", or at another --rate than the network's, frames are interpolated
    to the network's rate. The stream may go on for ever. An empty line, or more than a second between two "t", starts a
    new clip: the network is at rest again, and the window holds nothing older.

    Each line on stdout answers one frame: the network's last frame, how many this one completed, scores by class,
    decision, latency in milliseconds from reading the line; "gap" after more than a second without a frame.
    """
    path = find_model(model)
    stream(frame_network(path), sys.stdin, sys.stdout, path, rate=rate, window=window)


def frame_network(path: Path) -> Network:
    """The network that answers a frame at once where the file has it: in frames, not in time steps of the chip."""
    from mksgn_neuro.workflows.load import load_networks

    if path.suffix != ".pt" or not path.exists():
        return load_networks(path).simulated[1]
    from mksgn_neuro.lowering import lower
    from mksgn_neuro.models.store import load_model

    model = load_model(path)
    return lower(model.student, model.task())


def stream(
    network: Network, source: Iterable[str], sink: TextIO, path: Path, *, rate: float | None = None,
    window: int | None = None,
) -> None:  # fmt: skip
    """Answer every line of `source` on `sink` at once. Raises BadInput, naming the line."""
    from mksgn_neuro.data.clips import require_rate
    from mksgn_neuro.data.readers.one_clip import stamped_frame
    from mksgn_neuro.workflows.streaming import Recogniser

    if rate is not None:
        require_rate(rate, "--rate")
    recogniser = Recogniser(network, rate=rate, window=window, place=str(path))
    task = recogniser.task
    if task.rate is None:
        trained = f"it was trained on clips stretched to {task.frames} frames"
        say(f"{path} has no frame rate: {trained}; frames are taken as they come")
    for number, line in enumerate(source, 1):
        if not line.strip():
            recogniser.new_clip()
            continue
        started, place = time.perf_counter(), f"stdin line {number}"
        answer = recogniser(*stamped_frame(line, recogniser.skeleton, place), place)
        document = {
            "frame": answer.frame,
            "frames": answer.frames,
            "scores": dict(zip(task.class_names, answer.scores.tolist())),
            "decision": task.class_names[answer.decision],
            "latency_ms": round(1e3 * (time.perf_counter() - started), 3),
        }
        if answer.gap is not None:
            document["gap"] = round(answer.gap, 3)
        sink.write(json.dumps(document) + "\n")
        sink.flush()
