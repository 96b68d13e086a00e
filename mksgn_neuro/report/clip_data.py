"""The clips of the player: positions, spikes at joints, a raster and class spikes, packed small."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.data.made import lengths_of
from mksgn_neuro.data.protocols import hold
from mksgn_neuro.data.skeleton import Skeleton
from mksgn_neuro.evenly import evenly
from mksgn_neuro.ir import Network, Role, role_of
from mksgn_neuro.report.observe import PopulationView, at_joints, class_spikes_of, population_views, recorded
from mksgn_neuro.report.shown import Shown
from mksgn_neuro.sim.engine import Result
from mksgn_neuro.workflows.inputs import encoded
from mksgn_neuro.workflows.recognise import Recognised

MOST_CLIPS = 20
MOST_FRAMES, TAIL = 240, 12  # of one clip; and those for which its last pose is held at least, so that its end shows
BYTES = 1_500_000  # of all clips before base64; with it and the rest the page stays under 5 MB
RASTER_ROWS = 8  # neurons of each population in the raster, evenly spaced
MILLIMETRES = 1000
ABSENT = -32768  # of a body that is not in the frame


@dataclass(frozen=True)
class PlayerData:
    """`layers` that joints may glow with, `raster` (population, first row, rows); `clips` as the page's script reads.

    A clip has `frames` T that are shown, `end`, how many it has itself (more where it was cut, fewer where its last
    pose was held), and `rate`, frames per second that play it as fast as it happened. Its base64 arrays, little endian:
    `positions` int16 (T, V, 3) millimetres (right, up, depth), `glow` uint8 (layers, T, V) share of the joint's neurons
    that fire in 1/255, `raster` bits (T, rows), `class_spikes` uint8 (T, classes).
    """

    layers: tuple[str, ...]
    raster: tuple[tuple[str, int, int], ...]
    clips: tuple[dict, ...]


def choose(shown: Shown, sizes: np.ndarray, most: int = MOST_CLIPS) -> np.ndarray:
    """Clips for the player, in order: of each class in turn a right one and its surest mistake.

    Up to `most`, and one at least; together not above BYTES. `sizes` (N,) bytes.
    """
    chosen: list[int] = []
    left = BYTES
    for i in _by_interest(shown.scores, shown.decided, shown.clips.labels):
        if len(chosen) < most and (sizes[i] <= left or not chosen):
            chosen.append(i)
            left -= int(sizes[i])
    return np.sort(np.array(chosen, dtype=np.int64))


def _by_interest(scores: np.ndarray, decided: np.ndarray, labels: np.ndarray) -> list[int]:
    """All clips; `scores` (N, classes), `decided` and `labels` (N,)."""
    lead = scores.max(axis=1) - scores[np.arange(len(labels)), labels]
    right, surest = decided == labels, np.argsort(-lead, kind="stable")
    queues = [[i for i in surest if labels[i] == c and right[i] == r] for c in np.unique(labels) for r in (True, False)]
    found: list[int] = []
    while any(queues):
        found += [int(queue.pop(0)) for queue in queues if queue]
    return found


def _glows(role: Role) -> bool:
    """Whether joints can be shown with the spikes of a population: gated ones are seen by their gates."""
    return not (role.foreign or role.selects)


def player_data(run: Recognised, shown: Shown) -> PlayerData:
    """Record chosen clips of a run once more, and for a while after they ended."""
    network = run.simulation.network
    every = population_views(network)
    layers = [view for view in every if view.joint is not None and _glows(role_of(view.role))]
    rows = _raster_rows(every)
    frames = player_frames(run, shown)
    joints, raster = len(network.task.parents), -(-sum(len(kept) for _, kept in rows) // 8)
    chosen = choose(shown, frames * (joints * (6 + len(layers)) + len(network.task.class_names) + raster))
    positions = [hold(run.given.positions[i], frames[i])[: frames[i]] for i in chosen]
    bits, skeleton = network.source.message_bits, shown.clips.skeleton
    packed: list[dict] = []
    for result in recorded(network, (encoded(network.task, bits, skeleton, x) for x in positions)):
        own = slice(len(packed), len(packed) + len(result.steps))
        spikes = _packed(network, result, frames[chosen[own]], layers, rows)
        packed += [
            {**_described(shown, i), **_moving(x, skeleton), **s}
            for i, x, s in zip(chosen[own], positions[own], spikes)
        ]
    return PlayerData(tuple(view.name for view in layers), _raster_legend(rows), tuple(packed))


def player_frames(run: Recognised, shown: Shown) -> np.ndarray:
    """Frames (N,) that the player would show of each clip: its stream's, and of one at a rate TAIL after it ended."""
    streams = lengths_of(run.inputs)[: len(shown.ends)]
    after = shown.ends + (0 if shown.rate is None else TAIL)
    return np.minimum(np.maximum(streams, after), MOST_FRAMES)


def _packed(
    network: Network,
    result: Result,
    frames: np.ndarray,
    layers: list[PopulationView],
    rows: list[tuple[PopulationView, np.ndarray]],
) -> list[dict[str, str]]:
    """The spikes of each recorded clip; `frames` (B,)."""
    longest, joints = int(frames.max()), len(network.task.parents)
    class_spikes = class_spikes_of(network, result, longest)
    glow = np.stack([at_joints(view, view.of(result, longest), joints) for view in layers])
    raster = np.concatenate([view.of(result, longest)[:, :, kept] for view, kept in rows], axis=2)
    return [
        {
            "glow": _text(np.round(glow[:, b, :end] * 255).astype(np.uint8)),
            "raster": _text(np.packbits(raster[b, :end], axis=1)),
            "class_spikes": _text(np.minimum(class_spikes[b, :end], 255).astype(np.uint8)),
        }
        for b, end in enumerate(frames)
    ]


def _described(shown: Shown, i: int) -> dict:
    """What clip i is, how long, and what was decided at its end."""
    clips, end = shown.clips, int(shown.ends[i])
    return {
        "name": clips.names[i],
        "label": int(clips.labels[i]),
        "decided": int(shown.decided[i]),
        "leaked": bool(clips.leaked[i]),
        "end": end,
        "rate": shown.rate or clips.rate * end / int(clips.lengths[i]),
    }


def _moving(positions: np.ndarray, skeleton: Skeleton) -> dict:
    return {"frames": len(positions), "positions": _text(_millimetres(positions, skeleton))}


def _raster_rows(every: tuple[PopulationView, ...]) -> list[tuple[PopulationView, np.ndarray]]:
    return [(view, evenly(view.size, RASTER_ROWS)) for view in every]


def _raster_legend(rows: list[tuple[PopulationView, np.ndarray]]) -> tuple[tuple[str, int, int], ...]:
    ends = np.cumsum([len(kept) for _, kept in rows])
    return tuple((view.name, int(end) - len(kept), len(kept)) for (view, kept), end in zip(rows, ends))


def _millimetres(metres: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Positions (T, V, 3) relative to the centre joint in the first frame, as right, up, depth."""
    bodies = metres.reshape(len(metres), skeleton.bodies, -1).any(axis=2)
    absent = ~bodies.repeat(skeleton.joints // skeleton.bodies, axis=1)
    gone = np.isnan(metres).any(axis=2)
    moved = np.round((metres - np.nan_to_num(metres[0, skeleton.centre_joint])) * MILLIMETRES)
    axes = {0: (1, 0, 2), 1: (0, 1, 2), 2: (0, 2, 1)}[skeleton.up_axis]
    whole = np.clip(np.nan_to_num(moved), -32767, 32767).astype("<i2")[:, :, axes]
    if skeleton.bodies > 1:
        whole[absent] = ABSENT
    whole[gone] = ABSENT
    return whole


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
