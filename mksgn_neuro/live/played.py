"""A recording as the lines that a camera would have sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mksgn_neuro.data.bodies import body_named
from mksgn_neuro.data.recordings import Wanted
from mksgn_neuro.data.skeleton import Skeleton
from mksgn_neuro.ir import Network
from mksgn_neuro.workflows.recordings import prepared, recordings_of
from mksgn_neuro.workflows.streaming import skeleton_of


@dataclass(frozen=True)
class Played:
    """`lines` of one clip, each due at its one of `seconds` after the first; `notes`: what was guessed."""

    name: str
    lines: tuple[str, ...]
    seconds: tuple[float, ...]
    notes: tuple[str, ...]


def lines_of(network: Network, path: Path) -> tuple[Played, ...]:
    """The clips of a file or folder with the network's joints; raises BadInput where there is none or one does not fit.

    Each line says its time where the network has a frame rate. A joint that was not seen is null.
    """
    recordings, _ = recordings_of(path)
    found = []
    for recording in recordings:
        ready = prepared(network, recording, Wanted())
        seconds = tuple(t / ready.rate for t in range(len(ready.positions)))
        given = _as_seen(ready.positions, skeleton_of(network.task))
        frames = [[None if np.isnan(joint).any() else joint.tolist() for joint in frame] for frame in given]
        stamps = [{} if network.task.rate is None else {"t": t} for t in seconds]
        lines = tuple(json.dumps({**stamp, "joints": joints}) for stamp, joints in zip(stamps, frames))
        found.append(Played(ready.name, lines, seconds, ready.notes))
    return tuple(found)


def _as_seen(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Positions (T, V, 3) as a camera says them: for two coordinates (T, V, 2), along the picture's axes."""
    if skeleton.coordinates == 3:
        return positions
    body = body_named(skeleton.joint_names)
    return positions[..., :2] * np.array(body.signs[:2] if body else (1, 1), dtype=np.float32)
