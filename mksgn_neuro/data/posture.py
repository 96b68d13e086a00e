"""Whether joints stand as a person does: upright, and with left and right where they are in the world.

What nobody says of a recording, which axis points up and whether its picture was mirrored, its joints mostly show.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mksgn_neuro.data.bodies import SYNONYMS
from mksgn_neuro.data.joints import canonical

LEANING = 0.3  # cosine of the angle to the vertical: who leans more lies, or another axis is up; NW-UCLA has 0.34 to 1
MIRRORED = 0.2  # share of frames; where fewer toes than that point forwards, left and right are exchanged
UPPER = (("left shoulder", "right shoulder"), ("shoulder centre",), ("neck",), ("head",), ("nose",))
LOWER = (("left hip", "right hip"), ("hip centre",), ("mid hip",))
POINTING = 0.02  # metres from the ankles to the toes, or from the ears to the nose, that say which way
FORWARDS = (
    (("left foot", "right foot"), ("left ankle", "right ankle")),
    (("left foot index", "right foot index"), ("left heel", "right heel")),
    (("nose",), ("left ear", "right ear")),
)


def torso_direction(positions: np.ndarray, names: Sequence[str]) -> np.ndarray | None:
    """From the hips to the shoulders, median over frames (T, V, C): (C,) of length 1; None where they are not seen."""
    upper, lower = (_middle(positions, names, ways) for ways in (UPPER, LOWER))
    if upper is None or lower is None:
        return None
    torso = upper - lower
    length = np.linalg.norm(torso, axis=1, keepdims=True)
    seen = np.isfinite(length[:, 0]) & (length[:, 0] > 0)
    if not seen.any():
        return None
    usual = np.median(torso[seen] / length[seen], axis=0)
    size = float(np.linalg.norm(usual))
    return usual / size if size > 0 else None


def standing(positions: np.ndarray, names: Sequence[str]) -> str:
    """What is odd about joints (T, V, C), y up: `upside down`, `lying`, or nothing."""
    direction = torso_direction(positions, names)
    if direction is None or direction[1] >= LEANING:
        return ""
    return "upside down" if direction[1] <= -LEANING else "lying"


def mirrored(positions: np.ndarray, names: Sequence[str]) -> bool:
    """Whether toes or nose (T, V, 3), in the Kinect's axes, point backwards for where left and right are."""
    if positions.shape[2] < 3:
        return False
    at = _places(names)
    if not {"left hip", "right hip"} <= at.keys():
        return False
    left = positions[:, at["left hip"]] - positions[:, at["right hip"]]
    upper, lower = (_middle(positions, names, ways) for ways in (UPPER, LOWER))
    for tip, root in FORWARDS:
        ends = [_middle(positions, names, (joints,)) for joints in (tip, root)]
        if upper is None or ends[0] is None or ends[1] is None:
            continue
        tips = ends[0] - ends[1]
        ahead = (np.cross(left, upper - lower) * tips).sum(axis=1)
        ahead = ahead[np.isfinite(ahead) & (ahead != 0) & (np.linalg.norm(tips, axis=1) > POINTING)]
        return len(ahead) > 0 and float((ahead > 0).mean()) < MIRRORED
    return False


def _places(names: Sequence[str]) -> dict[str, int]:
    spelled = (canonical(name) for name in names)
    return {SYNONYMS.get(name, name): v for v, name in enumerate(spelled)}


def _middle(positions: np.ndarray, names: Sequence[str], ways: tuple[tuple[str, ...], ...]) -> np.ndarray | None:
    """(T, C): the middle of the first joints that are all there by name."""
    at = _places(names)
    way = next((way for way in ways if all(name in at for name in way)), None)
    return None if way is None else np.mean([positions[:, at[name]] for name in way], axis=0, dtype=np.float64)
