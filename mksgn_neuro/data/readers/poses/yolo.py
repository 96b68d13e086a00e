"""Ultralytics' `save_txt`: a folder with a text file for each frame with somebody in it, `CLIP_12.txt`.

A line is a person: class, box (4 numbers), then x, y, or x, y and visibility, of COCO's 17 joints, as shares of the
picture's width and height; and, where that was asked for, a confidence or the number of a track.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mksgn_neuro.data.readers.poses.folder import numbered, one_of
from mksgn_neuro.data.readers.poses.people import numbers, seen
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.recordings import Recording
from mksgn_neuro.errors import BadInput

JOINTS, BEFORE = 17, 5  # numbers of a person before the joints: class and box
WIDTHS = {BEFORE + JOINTS * each + more: each for each in (2, 3) for more in (0, 1, 2)}
FRAME = re.compile(r"(.+)_(\d+)\.txt")
HINT = "run Ultralytics' pose model with save_txt=True"


def recognises(source: Source) -> bool:
    """Whether the folder's first numbered text has a person with COCO's joints."""
    if not source.path.is_dir():
        return False
    first = next((frames[0][1] for frames in numbered(source.path, ".txt", FRAME)[0].values()), None)
    if first is None or not (lines := Source(first).lines):
        return False
    try:
        return len([float(word) for word in lines[0][1].split()]) in WIDTHS
    except ValueError:
        return False


def read(source: Source) -> list[Recording]:
    """The folder's clips."""
    clips, _ = numbered(source.path, ".txt", FRAME)
    return [one_of(name, "yolo", "coco17", frames, _people) for name, frames in clips.items()]


def _people(file: Path) -> list[np.ndarray]:
    return [_person(line.split(), f"{file}, line {n}") for n, line in Source(file).lines]


def _person(words: list[str], location: str) -> np.ndarray:
    """(17, 2) float32, NaN where a joint is not seen: no visibility, or at the corner 0, 0 where none is said."""
    if len(words) not in WIDTHS:
        raise BadInput(f"{len(words)} numbers, expected class, box and 17 joints", location=location, hint=HINT)
    each = WIDTHS[len(words)]
    table = numbers(words, location)[BEFORE : BEFORE + JOINTS * each].reshape(JOINTS, each)
    visible = table[:, 2] if each == 3 else (table != 0).any(axis=1).astype(float)
    return seen(table[:, :2], visible)


FORMAT = Format("yolo", "Ultralytics save_txt, a text file per frame", recognises, read)
