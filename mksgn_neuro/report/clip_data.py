"""The clips of the player: positions, spikes at joints, a raster and votes, packed small."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import resample
from mksgn_neuro.ir import Network
from mksgn_neuro.report.observe import Place, at_joints, places, recorded, votes_of
from mksgn_neuro.sim.readout import decide

MOST_CLIPS = 20
BYTES = 1_500_000  # of all clips before base64; with it and the rest the page stays under 5 MB
RASTER_ROWS = 8  # neurons of each population in the raster, evenly spaced
GLOW_ROLES = ("encode", "fuse", "graph", "query", "gate", "temporal")
MILLIMETRES = 1000
ABSENT = -32768  # of a body that is not in the frame


@dataclass(frozen=True)
class PlayerData:
    """`layers` that joints may glow with, `raster` (population, first row, rows); `clips` as the page's script reads.

    Each clip has base64 arrays, little endian: `positions` int16 (T, V, 3) millimetres (right, up, depth), `glow`
    uint8 (layers, T, V) share of the joint's neurons that fire in 1/255, `raster` bits (T, rows), `votes` uint8
    (T, classes).
    """

    layers: tuple[str, ...]
    raster: tuple[tuple[str, int, int], ...]
    clips: tuple[dict, ...]


def choose(scores: np.ndarray, labels: np.ndarray, most: int = MOST_CLIPS) -> np.ndarray:
    """Clips for the player, in order: of each class in turn a right one and its surest mistake, up to `most`.

    `scores` (N, classes), `labels` (N,).
    """
    every = np.arange(len(labels))
    lead = scores.max(axis=1) - scores[every, labels]
    right, surest = decide(scores) == labels, np.argsort(-lead, kind="stable")
    queues = [[i for i in surest if labels[i] == c and right[i] == r] for c in np.unique(labels) for r in (True, False)]
    chosen: list[int] = []
    while len(chosen) < most and any(queues):
        chosen += [int(queue.pop(0)) for queue in queues if queue]
    return np.sort(np.array(chosen[:most], dtype=np.int64))


def player_data(network: Network, clips: Clips, inputs: np.ndarray, scores: np.ndarray) -> PlayerData:
    """Record chosen clips; `inputs` (N, T, channels) are those of `clips`, `scores` (N, classes) theirs."""
    every = places(network)
    layers = [place for place in every if place.joint is not None and place.role in GLOW_ROLES]
    rows = _raster_rows(every)
    frames, joints = inputs.shape[1], len(network.task.parents)
    size = frames * (joints * (6 + len(layers)) + len(network.task.class_names)) + frames * _row_count(rows) // 8
    chosen = choose(scores, clips.labels, max(1, min(MOST_CLIPS, BYTES // size)))
    decided, packed, done = decide(scores), [], 0
    for result in recorded(network, inputs[chosen]):
        votes = votes_of(network, result, frames)
        glow = [at_joints(place, place.of(result, frames), joints) for place in layers]
        raster = np.concatenate([place.of(result, frames)[:, :, kept] for place, kept in rows], axis=2)
        for b in range(len(votes)):
            i = int(chosen[done + b])
            packed.append(
                {
                    "name": clips.names[i],
                    "label": int(clips.labels[i]),
                    "decided": int(decided[i]),
                    "leaked": bool(clips.leaked[i]),
                    "positions": _text(_millimetres(clips, i, frames)),
                    "glow": _text(np.round(np.stack([g[b] for g in glow]) * 255).astype(np.uint8)),
                    "raster": _text(np.packbits(raster[b], axis=1)),
                    "votes": _text(np.minimum(votes[b], 255).astype(np.uint8)),
                }
            )
        done += len(votes)
    return PlayerData(tuple(place.name for place in layers), _raster_legend(rows), tuple(packed))


def _raster_rows(every: tuple[Place, ...]) -> list[tuple[Place, np.ndarray]]:
    return [
        (place, np.unique(np.linspace(0, place.size - 1, min(RASTER_ROWS, place.size)).astype(int))) for place in every
    ]


def _row_count(rows: list[tuple[Place, np.ndarray]]) -> int:
    return sum(len(kept) for _, kept in rows)


def _raster_legend(rows: list[tuple[Place, np.ndarray]]) -> tuple[tuple[str, int, int], ...]:
    ends = np.cumsum([len(kept) for _, kept in rows])
    return tuple((place.name, int(end) - len(kept), len(kept)) for (place, kept), end in zip(rows, ends))


def _millimetres(clips: Clips, i: int, frames: int) -> np.ndarray:
    """Clip i as the network sees it in time, relative to its centre joint in the first frame."""
    skeleton = clips.skeleton
    metres = resample(clips[i], frames, skeleton.bodies)
    absent = ~metres.reshape(frames, skeleton.bodies, -1).any(axis=2).repeat(skeleton.joints // skeleton.bodies, axis=1)
    moved = np.round((metres - metres[0, skeleton.centre_joint]) * MILLIMETRES)
    axes = {0: (1, 0, 2), 1: (0, 1, 2), 2: (0, 2, 1)}[skeleton.up_axis]
    whole = np.clip(moved, -32767, 32767).astype("<i2")[:, :, axes]
    if skeleton.bodies > 1:
        whole[absent] = ABSENT
    return whole


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
