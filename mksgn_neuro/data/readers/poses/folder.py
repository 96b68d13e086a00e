"""A folder with a file for each frame, its number in its name: what the readers of OpenPose and Ultralytics share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mksgn_neuro.data.bodies import BODIES
from mksgn_neuro.data.readers.poses.people import followed, picture_unit
from mksgn_neuro.data.readers.times import in_order
from mksgn_neuro.data.recordings import Recording, of_body

Frames = list[tuple[int, Path]]  # each one's number and file


def numbered(path: Path, suffix: str, pattern: re.Pattern[str]) -> tuple[dict[str, Frames], list[str]]:
    """Frames in order, by clip, where `pattern` finds a file's clip and number; and the names of other such files."""
    clips: dict[str, Frames] = {}
    others = []
    for file in sorted(path.glob(f"*{suffix}")):
        match = pattern.fullmatch(file.name)
        if match:
            clips.setdefault(match.group(1), []).append((int(match.group(2)), file))
        else:
            others.append(file.name)
    return {clip: sorted(frames) for clip, frames in sorted(clips.items())}, others


def one_of(
    name: str, source: str, body: str, frames: Frames, people: Callable[[Path], list[np.ndarray]],
    notes: Sequence[str] = (),
) -> Recording:  # fmt: skip
    """One person through the frames; `people` reads those of a file, joints (V, 2) of a picture."""
    found, order = in_order([people(file) for _, file in frames], [number for number, _ in frames], [])
    positions, who = followed(found, BODIES[body].skeleton.joints, 2)
    rest = {"unit": picture_unit(positions), "notes": (*notes, *order, *who)}
    return of_body(name, source, positions, BODIES[body], **rest)
