"""From tracked bodies, as a Kinect reports them, to two slots of joints."""

from __future__ import annotations

import numpy as np

from mksgn_neuro.data.clips import SHORTEST_BODY
from mksgn_neuro.data.readers.ntu.text import JOINTS, Sightings

SLOTS = 2
SHORTEST = 11  # frames; shorter tracks are mostly furniture (the threshold of CTR-GCN's preprocessing)
# As that preprocessing has it: a frame is none of a person that is wider than WIDE times its height; furniture is what
# is so in this share of its frames. Lower than SHORTEST_BODY along every axis is nobody either.
WIDE, WIDE_FRAMES = 0.8, 0.69754


def tracks(seen: Sightings) -> np.ndarray:
    """(M, T, 25, 3) float32, one row per tracking id, 0 where the body is not seen."""
    ids, row = np.unique(seen.body, return_inverse=True)
    positions = np.zeros((len(ids), seen.frames, JOINTS, 3), dtype=np.float32)
    positions[row, seen.frame] = seen.xyz
    return positions


def two_bodies(positions: np.ndarray, *, cleaned: bool = False) -> np.ndarray | None:
    """Tracks (M, T, 25, 3) -> (T', 50, 3): the body that moves most, then the next; None if nobody is ever seen.

    Furniture takes no part where there is anybody else; `cleaned`: somebody has left it out already.
    A track that shares no frame with a slot continues it, for people are lost and found under a new id. The clip is
    cut to the frames from the first to the last sight of the main body; where it is lost in between it stands still.
    A second body that is not seen is 0.
    """
    here = (positions != 0).any(axis=(2, 3))
    candidates = _long(here) if cleaned else people(positions)
    if len(candidates) == 0:
        return None
    motion = np.array([_motion(positions[m][here[m]]) for m in candidates])
    slots = np.zeros((SLOTS, *positions.shape[1:]), dtype=np.float32)
    filled = np.zeros((SLOTS, positions.shape[1]), dtype=bool)
    for m in candidates[np.argsort(-motion, kind="stable")]:
        free = [s for s in range(SLOTS) if not (filled[s] & here[m]).any()]
        if free:
            slots[free[0]][here[m]] = positions[m][here[m]]
            filled[free[0]] |= here[m]
    frames = np.flatnonzero(filled[0])
    window = slice(frames[0], frames[-1] + 1)
    last_seen = np.maximum.accumulate(np.where(filled[0], np.arange(len(filled[0])), 0))[window]
    return np.concatenate([slots[0][last_seen], slots[1][window]], axis=1)


def people(positions: np.ndarray) -> np.ndarray:
    """Which of the tracks (M, T, 25, 3) are people: seen for long enough, and no furniture, where any are."""
    here = (positions != 0).any(axis=(2, 3))
    candidates = _long(here)
    real = [m for m in candidates if not is_furniture(positions[m][here[m]])]
    return np.array(real, dtype=np.int64) if real else candidates


def _long(here: np.ndarray) -> np.ndarray:
    """Which of the bodies that are in these frames, bool (M, T), are there for long enough, where any are."""
    long = here.sum(axis=1) >= SHORTEST
    return np.flatnonzero(long if long.any() else here.any(axis=1))


def is_furniture(track: np.ndarray) -> bool:
    """Whether a body (F, 25, 3), y up, lies too flat or is too small to be a person."""
    wide, small = looks(track)
    return bool(wide.mean() >= WIDE_FRAMES or 2 * small.sum() > len(small))


def looks(track: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bool (F,) each: in which frames a body (F, V, 3), y up, is too wide and too small for a person."""
    extent = np.ptp(track, axis=1)
    return extent[:, 0] > WIDE * extent[:, 1], extent.max(axis=1) < SHORTEST_BODY


def _motion(track: np.ndarray) -> float:
    """How far a body (F, 25, 3) strays from its mean pose, summed over frames: squared metres."""
    return float(np.square(track - track.mean(axis=0), dtype=np.float64).sum())
