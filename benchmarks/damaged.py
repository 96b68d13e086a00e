"""What a stream loses where some of its frames are damaged: through `stream` itself, line by line.

python -m benchmarks.damaged DATA [MODEL]

All test clips of DATA one after another, nothing reset, as `simulate --protocol continuous` gives them. In a damaged
stream a share of the frames, drawn one by one, is broken in one of KINDS. What counts is the last decision that was
answered before a clip's end: a line that cannot be read has none.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

from mksgn_neuro.commands.stream import frame_network, stream
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.protocols import Streams, streams
from mksgn_neuro.data.recognition import accuracies
from mksgn_neuro.ir import Network
from mksgn_neuro.workflows.answers import Options
from mksgn_neuro.workflows.inputs import Request, clips_for, timing_of
from mksgn_neuro.workflows.load import resolve

Joints = list[list[float] | None]
MOST_LOST = 0.5  # of a frame's joints, where some are lost
FLAGS = ("held", "absent", "error")


def _some(joints: Joints, lost: object, rng: np.random.Generator) -> str:
    """At least one joint, at most MOST_LOST of them, as `lost`."""
    gone = rng.permutation(len(joints))[: rng.integers(1, int(MOST_LOST * len(joints)) + 1)]
    return json.dumps([lost if v in gone else xyz for v, xyz in enumerate(joints)])


def _short(joints: Joints, rng: np.random.Generator) -> str:
    return json.dumps(joints[: rng.integers(1, len(joints))])


def _bad(joints: Joints, rng: np.random.Generator) -> str:
    line = json.dumps(joints)
    return line[: rng.integers(1, len(line))]


KINDS: dict[str, Callable[[Joints, np.random.Generator], str]] = {
    "joints lost": lambda joints, rng: _some(joints, None, rng),
    "NaN": lambda joints, rng: _some(joints, [float("nan")] * 3, rng),
    "empty detection": lambda joints, rng: "[]",
    "short frame": _short,
    "bad line": _bad,
}


def damaged(positions: np.ndarray, share: float, kinds: tuple[str, ...], seed: int) -> tuple[list[str], Counter]:
    """A stream (T, V, 3) as lines, about `share` of them broken, and how many in which way."""
    rng, made, lines = np.random.default_rng(seed), Counter(), []
    for frame in positions.tolist():
        kind = kinds[rng.integers(len(kinds))] if rng.random() < share else None
        made[kind] += 1
        lines.append(json.dumps(frame) if kind is None else KINDS[kind](frame, rng))
    return lines, made


class Answers:
    """A sink that keeps, for every line, what was decided last, and counts flags."""

    def __init__(self, bar: Callable[[int], None]) -> None:
        self.decided: list[str | None] = []
        self.flags, self._bar = Counter(), bar

    def write(self, line: str) -> None:
        """The answer to one line."""
        answer = json.loads(line)
        self.flags.update(flag for flag in FLAGS if flag in answer)
        before = self.decided[-1] if self.decided else None
        self.decided.append(answer.get("decision", before))
        self._bar(1)

    def flush(self) -> None:
        """Nothing is kept back."""


def accuracy_of(network: Network, lines: list[str], given: Streams, clips: Clips) -> tuple[dict, Counter]:
    """The accuracy at clips' ends of a stream of lines, and how often answers had which flag."""
    with click.progressbar(length=len(lines), file=sys.stderr) as bar:
        sink = Answers(bar.update)
        stream(network, lines, sink, Path("stream"), Options())
    at_end = [sink.decided[end - 1] for end in given.end]
    right = np.array([name == clips.class_names[label] for name, label in zip(at_end, clips.labels[given.clip])])
    return accuracies(right, given, clips), sink.flags


def said(accuracy: dict) -> str:
    """In percent: all clips / those not in training."""
    return " / ".join("–" if share is None else f"{100 * share:.1f}" for share in accuracy.values())


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.argument("model", default="nw-ucla", type=click.Path(path_type=Path))
@click.option("--share", default=0.05, show_default=True, help="Of the frames that are damaged.")
@click.option("--seeds", default=3, show_default=True, help="Streams that are damaged anew, seeds from 0.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice([*KINDS]), help="Only these. Default: all alike.")
@click.option("--split", default="test", show_default=True, type=click.Choice(("train", "test")))
@click.option("--limit", type=int, help="At most N clips, evenly spaced.")
def main(
    data: Path, model: Path, share: float, seeds: int, kinds: tuple[str, ...], split: str, limit: int | None
) -> None:  # fmt: skip
    """Clip-end accuracy of MODEL on the clips of DATA in one stream, whole and damaged, and the points it loses."""
    network = frame_network(resolve(model))
    clips = clips_for(network.task, Request(path=data, split=split, limit=limit))
    given = streams("continuous", clips, timing_of(network.task))
    positions = np.asarray(given.positions[0])
    whole, _ = accuracy_of(network, [json.dumps(frame) for frame in positions.tolist()], given, clips)
    click.echo(f"{len(clips)} {split} clips, {len(positions)} frames, simulated on CPU: {said(whole)} % undamaged")
    lost = []
    for seed in range(seeds):
        lines, made = damaged(positions, share, kinds or tuple(KINDS), seed)
        found, flags = accuracy_of(network, lines, given, clips)
        lost.append([100 * (whole[part] - found[part]) for part in whole if whole[part] is not None])
        broken = ", ".join(f"{made[kind]} {kind}" for kind in KINDS if made[kind])
        answers = ", ".join(f"{flags[flag]} {flag}" for flag in FLAGS)
        points = " / ".join(f"{points:.1f}" for points in lost[-1])
        click.echo(f"seed {seed}: {said(found)} %, {points} points lost; damaged: {broken}; answers: {answers}")
    mean, worst = (" / ".join(f"{value:.1f}" for value in f(lost, axis=0)) for f in (np.mean, np.max))
    click.echo(f"points lost: {mean} mean, {worst} at most")


if __name__ == "__main__":
    main()
