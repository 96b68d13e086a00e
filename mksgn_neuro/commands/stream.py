"""mksgn-neuro stream: frames in on stdin as a camera delivers them, the current decision out per frame."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from mksgn_neuro.commands.options import find_model, say
from mksgn_neuro.errors import BadInput

if TYPE_CHECKING:
    from mksgn_neuro.ir import Network
    from mksgn_neuro.workflows.frame_lines import Frame
    from mksgn_neuro.workflows.streaming import Recogniser


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--rate", type=float, help="Frames per second of the camera; default: as many as the network takes.")
@click.option(
    "--window",
    type=click.IntRange(1),
    help="Decide on the last N of the network's frames; default: as many as it was trained for, else all of the clip.",
)
@click.option(
    "--format", "line_format", type=click.Choice(("joints", "mediapipe")), default="joints", show_default=True
)
@click.option("--evidence", type=click.IntRange(0), default=0, show_default=True, help="With fewer class spikes: none.")
@click.option("--hold", type=click.FloatRange(0), help="Seconds for which a lost joint stays. Default: 0.5.")
@click.option("--strict", is_flag=True, help="End at the first line that is no whole frame.")
def command(
    model: Path | None, rate: float | None, window: int | None, line_format: str, evidence: int, hold: float | None,
    strict: bool,
) -> None:  # fmt: skip
    """Recognise actions in a stream of skeletons, simulated on CPU.

    Each line on stdin is one frame: a JSON array of joints, [x, y, z] in metres each, or {"t": seconds, "joints": …}
    with such an array or {name: [x, y, z]}; with --format mediapipe its 33 world landmarks. With "t", or at another
    --rate than the network's, frames are interpolated to the network's rate. The stream may go on for ever. An empty
    line, or more than a second between two "t", starts a new clip: the network is at rest again, and the window holds
    nothing older.

    A joint that is null, or a frame with too few joints or none, holds its last position for --hold seconds; then the
    joint is absent, and what rests on it is 0. A line that cannot be read is answered with its error.

    Each line on stdout answers one frame: the network's last frame, how many this one completed, scores by class,
    decision, latency in milliseconds from reading the line; "gap" after more than a second without a frame; "held" and
    "absent" name joints that were lost; "note" where a body is too large for metres; "error" and "line" where the line
    cannot be read.
    """
    from mksgn_neuro.data.gaps import HOLD

    path = find_model(model)
    options = Options(rate, window, line_format, evidence, HOLD if hold is None else hold, strict)
    stream(frame_network(path), sys.stdin, sys.stdout, path, options)


@dataclass(frozen=True)
class Options:
    """What the command line says: see `command`."""

    rate: float | None = None
    window: int | None = None
    line_format: str = "joints"
    evidence: int = 0
    hold: float = 0.5
    strict: bool = False


def frame_network(path: Path) -> Network:
    """The network that answers a frame at once where the file has it: in frames, not in time steps of the chip."""
    from mksgn_neuro.workflows.load import load_networks

    return load_networks(path).built_for("stream")


def stream(network: Network, source: Iterable[str], sink: TextIO, path: Path, options: Options) -> None:
    """Answer every line of `source` on `sink` at once. Raises BadInput, naming the line, for one that `strict` ends."""
    from mksgn_neuro.data.clips import require_rate
    from mksgn_neuro.workflows.frame_lines import FrameLines
    from mksgn_neuro.workflows.streaming import Recogniser

    if options.rate is not None:
        require_rate(options.rate, "--rate")
    recogniser = Recogniser(network, rate=options.rate, window=options.window, location=str(path))
    task = recogniser.task
    if task.coordinates != 3:
        hint = "give recordings to mksgn-neuro recognise"
        raise BadInput(
            "takes two coordinates of a picture, whose scale a stream does not say", location=str(path), hint=hint
        )
    if task.rate is None:
        trained = f"it was trained on clips stretched to {task.frames} frames"
        say(f"{path} has no frame rate: {trained}; frames are taken as they come")
    rate = options.rate or task.rate
    doubted = False
    lines = FrameLines(
        recogniser.skeleton, line_format=options.line_format, rate=rate, hold=options.hold, strict=options.strict
    )
    for number, line in enumerate(source, 1):
        line = line.lstrip("\ufeff")
        if not line.strip():
            recogniser.new_clip()
            lines.new_clip()
            continue
        started, location = time.perf_counter(), f"stdin line {number}"
        try:
            frame = lines(line, location)
            document = answered(recogniser, frame, location, options.evidence)
            if frame.doubt and not doubted:
                say(f"{location}: {frame.doubt}")
            doubted = doubted or bool(frame.doubt)
        except BadInput as error:
            if options.strict:
                raise
            document = {"error": str(error), "line": number}
        document["latency_ms"] = round(1e3 * (time.perf_counter() - started), 3)
        sink.write(json.dumps(document) + "\n")
        sink.flush()


def answered(recogniser: Recogniser, frame: Frame, location: str, evidence: int) -> dict:
    """The answer to one frame as it is printed."""
    answer, names = recogniser(frame.positions, frame.seconds, location), recogniser.task.class_names
    enough = answer.scores[answer.decision] >= evidence
    document = {
        "frame": answer.frame,
        "frames": answer.frames,
        "scores": dict(zip(names, answer.scores.tolist())),
        "decision": names[answer.decision] if enough else "none",
    }
    if answer.gap is not None:
        document["gap"] = round(answer.gap, 3)
    if frame.doubt:
        document["note"] = frame.doubt
    document |= {name: list(joints) for name, joints in (("held", frame.held), ("absent", frame.absent)) if joints}
    return document
