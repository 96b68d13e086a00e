"""Whether clips may be mirrored in training: not where joints have no known sides, nor where classes have some."""

from __future__ import annotations

import re

import numpy as np

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.joints import OPPOSITE, WORD, canonical, mirror_order
from mksgn_neuro.data.skeleton import Skeleton
from mksgn_neuro.evenly import evenly

TURNS = re.compile(r"(counter|anti)?[\s_-]?clockwise|\bccw\b|\bcw\b", re.IGNORECASE)
NEARER = 0.5  # in a mirror, two classes must be so much nearer to each other than to themselves
NOTICEABLE = 0.2  # of what moves, how much must be on another side then
LOOKED_AT = 50  # clips of a class, evenly spaced
SIDED = re.compile(r"(left|right)[a-z]*", re.IGNORECASE)  # a word: not "upright"


def without_pairs(skeleton: Skeleton) -> str | None:
    """Why left and right joints cannot be exchanged; None where each joint that has a side has its partner."""
    order, names = mirror_order(skeleton.joint_names), skeleton.joint_names
    if order == list(range(len(order))):
        return "no joint's name says left or right"
    sided = [any(word in OPPOSITE for word in canonical(name).split(" ")) for name in names]
    alone = [names[v] for v, w in enumerate(order) if v == w and sided[v]]
    return f"joint {alone[0]!r} has no partner on the other side" if alone else None


def sided_classes(class_names: tuple[str, ...]) -> list[str]:
    """Classes whose names tell left from right, or one sense of turning from the other."""
    return [name for name in class_names if TURNS.search(name) or any(map(SIDED.fullmatch, WORD.findall(name)))]


def twins_in_the_mirror(clips: Clips) -> list[tuple[str, str]]:
    """Pairs of classes of which each looks in a mirror like the other and not like itself, whatever they are called.

    By how far each joint strays and how high it is, on average over a class's training clips: no view changes that.
    """
    order = mirror_order(clips.skeleton.joint_names)
    known = [k for k in range(len(clips.class_names)) if (clips.train & (clips.labels == k)).any()]
    seen = np.array([_looks(clips, k) for k in known])
    mirrored = seen[:, :, order] if len(seen) else seen

    def apart(a: int, b: int) -> float:
        return float(np.linalg.norm(mirrored[a] - seen[b]))

    def exchanged(a: int, b: int) -> bool:
        itself = min(apart(a, a), apart(b, b))
        noticeable = itself > NOTICEABLE * float(np.linalg.norm(seen[a, 0]))
        return noticeable and max(apart(a, b), apart(b, a)) < NEARER * itself

    pairs = [(a, b) for b in range(len(known)) for a in range(b) if exchanged(a, b)]
    return [(clips.class_names[known[a]], clips.class_names[known[b]]) for a, b in pairs]


def _looks(clips: Clips, k: int) -> np.ndarray:
    """(2, V) metres: how far each joint strays from its mean, and how high that is; means over some clips."""
    skeleton, members = clips.skeleton, np.flatnonzero(clips.train & (clips.labels == k))
    chosen = members[evenly(len(members), LOOKED_AT)]
    found = []
    for i in chosen:
        x = clips[i][..., : skeleton.coordinates] - clips[i][:, skeleton.centre_joint, None, : skeleton.coordinates]
        seen = np.isfinite(x).all(axis=2, keepdims=True)
        times = np.maximum(seen.sum(axis=0), 1)
        mean = np.sum(x, axis=0, where=seen) / times
        strays = np.sqrt((np.square(x - mean).sum(axis=0, where=seen) / times).sum(axis=1))
        found.append([strays, mean[:, skeleton.up_axis]])
    return np.mean(found, axis=0)


def why_not_mirrored(clips: Clips, *, sided: bool = False) -> str | None:
    """One line on why these clips are not mirrored in training; None where they may be.

    `sided`: although their classes have sides, by their names or by what is seen.
    """
    why = without_pairs(clips.skeleton)
    if why is not None:
        return f"mirroring is off: {why}"
    found = [] if sided else sided_classes(clips.class_names)
    if found:
        shown = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        return f"mirroring is off: classes have sides ({shown})"
    pairs = [] if sided else twins_in_the_mirror(clips)
    if pairs:
        return "mirroring is off: in a mirror {!r} looks like {!r}".format(*pairs[0])
    return None
