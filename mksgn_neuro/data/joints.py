"""Joint names in any usual spelling: `left_shoulder`, `LEFT_HIP`, `LeftShoulder`, `lshoulder`, `SHOULDER_LEFT`."""

from __future__ import annotations

import re
from collections.abc import Sequence

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}
OPPOSITE = {"left": "right", "right": "left"}
SPELLINGS = {"center": "centre", "handtip": "hand tip", "naval": "navel"}
# What may follow an `l` or `r` that nothing separates from it; any other word may begin with these letters itself.
PARTS = frozenset(
    [
        "shoulder",
        "elbow",
        "wrist",
        "hand",
        "finger",
        "thumb",
        "hip",
        "knee",
        "ankle",
        "foot",
        "toe",
        "heel",
        "eye",
        "ear",
        "collar",
        "clavicle",
        "arm",
        "leg",
    ]
)


def canonical(name: str) -> str:
    """The name in small letters, its side first: `SHOULDER_LEFT`, `lshoulder` -> `left shoulder`."""
    words = [part for word in WORD.findall(name) for part in _parts(word.lower())]
    side = [word for word in words if word in OPPOSITE]
    return " ".join([*side, *(word for word in words if word not in OPPOSITE)]) or name.strip().lower()


def _parts(word: str) -> list[str]:
    """A word as side and rest, where it holds both."""
    if word in SIDES:
        return [SIDES[word]]
    for side in OPPOSITE:
        if word.startswith(side):
            return [side, word[len(side) :]]
        if word.endswith(side):
            return [side, word[: -len(side)]]
    if word[0] in SIDES and word[1:] in PARTS:
        return [SIDES[word[0]], word[1:]]
    return SPELLINGS.get(word, word).split(" ")


def mirror_order(names: Sequence[str]) -> list[int]:
    """For each joint the one on the other side; joints without a side, or without a partner, stay."""
    spelled = [canonical(name) for name in names]
    at = {name: v for v, name in enumerate(spelled)}
    others = (" ".join(OPPOSITE.get(word, word) for word in name.split(" ")) for name in spelled)
    return [at.get(other, v) for v, other in enumerate(others)]
