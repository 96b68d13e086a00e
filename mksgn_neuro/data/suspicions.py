"""What looks wrong with a data set that can be read: found by looking, never refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np

from mksgn_neuro.data.clips import SHORTEST_BODY, TALLEST_BODY, Clips
from mksgn_neuro.data.recordings import height
from mksgn_neuro.evenly import evenly

LOOKED_AT = 50  # clips, evenly spaced, for the size of the body


def body_height(clips: Clips) -> float:
    """Median metres from the lowest to the highest joint of the first body, along the up axis."""
    skeleton = clips.skeleton
    chosen = evenly(len(clips), LOOKED_AT)
    first = skeleton.joints // skeleton.bodies
    return float(np.median([height(clips[i][:, :first], skeleton.up_axis) for i in chosen])) if len(chosen) else 0.0


def suspicions(clips: Clips) -> list[str]:
    """One line for each thing that looks wrong."""
    return [*_size(clips), *_zeros(clips), *_twins(clips), *about_classes(clips), *_left_over(clips)]


def about_classes(clips: Clips) -> list[str]:
    """Those of them that need no look at positions."""
    return [*_names(clips), *_classes(clips)]


def _size(clips: Clips) -> Iterator[str]:
    if clips.skeleton.coordinates == 3 and len(clips):
        size = body_height(clips)
        if not SHORTEST_BODY <= size <= TALLEST_BODY:
            yield f"a body of {size:.3g} metres along axis {'xyz'[clips.skeleton.up_axis]}: another unit or up axis?"


def _zeros(clips: Clips) -> Iterator[str]:
    """Frames with every joint at 0, by clip."""
    empty = {clips.names[i]: int((clips[i] == 0).all(axis=(1, 2)).sum()) for i in range(len(clips))}
    empty = {name: frames for name, frames in empty.items() if frames}
    if empty:
        name = max(empty, key=empty.__getitem__)
        total = sum(empty.values())
        yield f"{total} frames with every joint at 0 in {len(empty)} clips (most in {name}: {empty[name]})"


def _twins(clips: Clips) -> Iterator[str]:
    """Clips that are byte-identical within training, and identical clips whose labels differ."""
    same: dict[bytes, list[int]] = defaultdict(list)
    for i in range(len(clips)):
        same[clips.digest(i)].append(i)
    groups = [group for group in same.values() if len(group) > 1]
    again = sum(max(0, int(clips.train[group].sum()) - 1) for group in groups)
    if again:
        yield f"{again} training clips are copies of other training clips"
    contradicting = [group for group in groups if len(set(clips.labels[group].tolist())) > 1]
    if contradicting:
        first = ", ".join(f"{clips.names[i]} ({clips.class_names[clips.labels[i]]})" for i in contradicting[0][:2])
        yield f"{len(contradicting)} times equal clips have different classes: {first}"


def _names(clips: Clips) -> Iterator[str]:
    for name, times in Counter(clips.class_names).items():
        if times > 1:
            yield f"{times} classes are called {name!r}"
    alike = Counter(" ".join(name.split()).casefold() for name in set(clips.class_names))
    for name, times in alike.items():
        if times > 1:
            yield f"{times} classes differ in capitals or spaces only: {name!r}"
    if any(not name.isprintable() or not name.strip() for name in clips.class_names):
        yield "a class has no name, or one that cannot be printed"


def _classes(clips: Clips) -> Iterator[str]:
    """Classes that cannot be learned, or that nothing is told apart from."""
    tested, trained = (set(clips.labels[side].tolist()) for side in (~clips.train, clips.train))
    for label in sorted(tested - trained) if trained else ():
        yield f"class {clips.class_names[label]!r} is tested and never trained"
    if len(tested | trained) == 1:
        yield "all clips are of one class: every answer is right"


def _left_over(clips: Clips) -> Iterator[str]:
    """Frames that no clip of a whole data set holds."""
    left = 0 if clips.part_of is not None else len(clips.positions) - int(clips.lengths.sum())
    if left > 0:
        yield f"{left} frames at the end belong to no clip"
