"""mksgn-neuro stream: frames in on stdin as a camera delivers them, the current decision out per frame."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TextIO

import click
import numpy as np

from mksgn_neuro.commands.options import find_model
from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import Network


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--window", type=click.IntRange(1), help="Decide on the last N frames; default: on all since the start.")
def command(model: Path | None, window: int | None) -> None:
    """Recognise actions in a stream of skeletons, simulated on CPU.

    Each line on stdin is one frame: a JSON array of joints, [x, y, z] in metres each. An empty line starts a new clip.
    Each line on stdout answers one frame: scores by class, decision, latency in milliseconds from reading the line.
    """
    path = find_model(model)
    stream(frame_network(path), sys.stdin, sys.stdout, path, window)


def frame_network(path: Path) -> Network:
    """The network that answers a frame at once where the file has it: in frames, not in time steps of the chip."""
    from mksgn_neuro.workflows.load import load_networks

    if path.suffix != ".pt" or not path.exists():
        return load_networks(path).simulated[1]
    from mksgn_neuro.lowering import lower
    from mksgn_neuro.models.store import load_model

    model = load_model(path)
    return lower(model.student, model.task())


def stream(network: Network, source: TextIO, sink: TextIO, path: Path, window: int | None) -> None:
    """Answer every line of `source` on `sink` at once. Raises BadInput, naming the line."""
    from mksgn_neuro.data.frames import FrameEncoder, Scaling
    from mksgn_neuro.data.skeleton import Skeleton
    from mksgn_neuro.sim.stepwise import StepEmulator

    task = network.task
    if task is None:
        raise BadInput("does not say what frames it takes", place=str(path), remedy="give a model.pt")
    scaling = Scaling(tuple(task.counts_per_metre), task.centre_joint, task.modalities, network.source.message_bits)
    skeleton = Skeleton(task.joint_names, task.parents, task.centre_joint, bodies=max(task.parents.count(-1), 1))
    emulator = StepEmulator(network, window=window)
    emulator.step(np.zeros(network.source.size, dtype=np.int32))  # compiles what is not compiled yet
    emulator.reset()
    encoder = FrameEncoder(scaling, skeleton)
    for number, line in enumerate(source, 1):
        if not line.strip():
            encoder = FrameEncoder(scaling, skeleton)
            emulator.reset()
            continue
        started = time.perf_counter()
        frame = parse(line, len(task.parents), number)
        result = emulator.step(encoder(frame).ravel())
        answer = {
            "frame": result.step,
            "scores": dict(zip(task.class_names, result.scores.tolist())),
            "decision": task.class_names[result.decision],
            "latency_ms": round(1e3 * (time.perf_counter() - started), 3),
        }
        sink.write(json.dumps(answer) + "\n")
        sink.flush()


def parse(line: str, joints: int, number: int) -> np.ndarray:
    """One line as positions (V, 3) float64; raises BadInput for anything else, values that are not finite included."""
    remedy = f"give {joints} joints as [[x, y, z], …] in metres"
    try:
        frame = np.array(json.loads(line), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise BadInput(f"not a JSON array of numbers ({error})", place=f"stdin line {number}", remedy=remedy) from error
    if frame.shape != (joints, 3):
        raise BadInput(f"has shape {frame.shape}", place=f"stdin line {number}", remedy=remedy)
    if not np.isfinite(frame).all():
        raise BadInput("has values that are not finite", place=f"stdin line {number}", remedy=remedy)
    return frame
