"""mksgn-neuro stream: frames in as a camera delivers them, the current decision out per frame."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from mksgn_neuro.commands.options import find_model, refuse_options, say
from mksgn_neuro.commands.recording_options import aspect_option, evidence_option, hold_option
from mksgn_neuro.errors import BadInput

if TYPE_CHECKING:
    from mksgn_neuro.ir import Network, Task
    from mksgn_neuro.workflows.answers import Options


@click.command(short_help="Recognise actions in a camera's frames, as they come.")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--rate", type=float, help="Frames per second of the camera. Default: the network's rate.")
@click.option(
    "--window",
    type=click.IntRange(1),
    help="Decide on the last N of the network's frames. Default: as many as it was trained for.",
)
@click.option(
    "--format",
    "line_format",
    type=click.Choice(("joints", "mediapipe")),
    default="joints",
    show_default=True,
    help="What a line holds.",
)
@evidence_option
@hold_option
@aspect_option
@click.option("--strict", is_flag=True, help="Stop at the first line that is not a whole frame.")
@click.option(
    "--serve", "port", type=click.IntRange(0, 65535), help="Show it on http://127.0.0.1:PORT; 0 takes a free port."
)
@click.option("--play", type=click.Path(path_type=Path), help="With --serve: play this recording over and over.")
def command(
    model: Path | None, rate: float | None, window: int | None, line_format: str, evidence: int, hold: float | None,
    aspect: float | None, strict: bool, port: int | None, play: Path | None,
) -> None:  # fmt: skip
    """Recognise actions in a stream of skeletons, simulated on CPU.

    Each line on stdin is one frame: a JSON array of joints, [x, y, z] in metres each, or {"t": seconds, "joints": …}
    with such an array or {name: [x, y, z]}. MediaPipe's 33 {x, y, z} are taken too; with --format mediapipe its
    landmarks in any layout. A network of two coordinates takes [x, y] in a picture. Several people are {"bodies":
    [{"id": …, "joints": …}, …]}; each answer then says who is where.

    With "t", or a --rate that is not the network's, frames are interpolated to the network's rate. An empty line, or
    more than a second between two "t", starts a new clip: the network is at rest again. The stream may go on for ever.

    A joint that is null, or missing from the frame, keeps its last position for --hold seconds; then it is absent.

    Each line is answered by one on stdout: "frame", the network's last frame; "frames", how many this line completed;
    "scores" by class; "decision"; "latency_ms". Where it applies there is a "gap" after more than a second without a
    frame; "held" and "absent", unseen joints; a "note" on what looks wrong; or "error" and "line", if the line cannot
    be read.

    With --serve, a page on this machine shows the skeleton, scores, spikes and joules per second. Frames come from
    stdin, from --play, or from a client of ws://127.0.0.1:PORT/stream, whose messages are such lines, each answered.
    """
    from mksgn_neuro.data.gaps import HOLD
    from mksgn_neuro.workflows.answers import Options

    if play is not None:
        if port is None:
            hint = "add --serve PORT, or give the file to mksgn-neuro recognise"
            raise BadInput("--play without --serve", hint=hint)
        refuse_options(("rate", "line_format", "aspect"), "is for a camera's lines, not for --play", "leave it out")
    path = find_model(model)
    options = Options(rate, window, line_format, evidence, HOLD if hold is None else hold, strict, aspect)
    network = frame_network(path)
    if port is None:
        return stream(network, sys.stdin, sys.stdout, path, options)
    return serve(network, port, play, path, options)


def frame_network(path: Path) -> Network:
    """The network that answers a frame at once where the file has it: in frames, not in time steps of the chip."""
    from mksgn_neuro.workflows.load import load_networks

    return load_networks(path).built_for("stream")


def stream(network: Network, source: Iterable[str], sink: TextIO, path: Path, options: Options) -> None:
    """Answer every line of `source` on `sink` at once. Raises BadInput, naming the line, for one that `strict` ends."""
    from mksgn_neuro.workflows.answers import Session

    session = Session(network, options, str(path))
    say_what_is_taken(session.task, path)
    doubted = False
    for number, line in enumerate(source, 1):
        answered = session(line, location := f"stdin line {number}", number)
        if answered is not None:
            doubt = answered.document.get("note")
            if doubt and not doubted:
                say(f"{location}: {doubt}")
            doubted = doubted or bool(doubt)
            sink.write(json.dumps(answered.document) + "\n")
            sink.flush()


def say_what_is_taken(task: Task, path: Path) -> None:
    """On stderr, where the network does not take frames at a rate."""
    if task.rate is None:
        trained = f"it was trained on clips stretched to {task.frames} frames"
        say(f"{path} has no frame rate: {trained}; frames are taken as they come")


def _announce(address: str) -> None:
    """Where the page is, under --quiet too: without it nobody finds a port that was chosen freely."""
    click.echo(f"open {address} (frames: {address.replace('http', 'ws')}stream); Ctrl-C ends", err=True)


def serve(network: Network, port: int, play: Path | None, path: Path, options: Options) -> None:
    """The same on a page, until it is told to end: raises KeyboardInterrupt or Terminated, when all is closed."""
    from mksgn_neuro.live.played import lines_of
    from mksgn_neuro.live.server import Live
    from mksgn_neuro.workflows.answers import Session

    clips = lines_of(network, play) if play else ()
    for clip in clips:
        for note in clip.notes:
            say(f"{clip.name}: {note}")
    session = Session(network, options, str(path), counted=True)
    say_what_is_taken(session.task, path)
    stdin = None if play or sys.stdin.isatty() else sys.stdin.fileno()
    live = Live(session, path.name, clips, stdin, sys.stdout)
    live.run(port, _announce)
