"""Labels that the movement itself contradicts: somebody who sits down sinks, somebody who stands up rises."""

from __future__ import annotations

import numpy as np

from mksgn_neuro.data.clips import Clips

RISES = {"sit down": -1, "stand up": 1}  # by class, which way the trunk goes; the names of NW-UCLA and NTU RGB+D
HEAD = "head"
CLEARLY = 0.1  # metres: smaller movements prove nothing
ENDS = 3  # frames at either end that are averaged


def moves_against_label(clips: Clips) -> np.ndarray:
    """Bool (N,): clips whose trunk clearly rises or sinks against their class; other classes are never marked."""
    signs = np.array([RISES.get(name, 0) for name in clips.class_names])[clips.labels]
    marked = np.zeros(len(clips), dtype=bool)
    if HEAD not in _without_body(clips.skeleton.joint_names):
        return marked
    for i in np.flatnonzero(signs):
        marked[i] = signs[i] * rise(clips, i) < -CLEARLY
    return marked


def rise(clips: Clips, i: int) -> float:
    """By how many metres the centre joint of clip i ends higher than it starts; up is where the head is."""
    skeleton = clips.skeleton
    heights = clips[i][:, :, skeleton.up_axis]
    centre = heights[:, skeleton.centre_joint]
    head = _without_body(skeleton.joint_names).index(HEAD)
    up = np.sign(np.mean(heights[:, head] - centre))
    return float(up * (centre[-ENDS:].mean() - centre[:ENDS].mean()))


def _without_body(joint_names: tuple[str, ...]) -> list[str]:
    return [name.split(" (")[0] for name in joint_names]
