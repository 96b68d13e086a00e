"""Kinect v2, 25 joints: one `.skeleton` file as NTU RGB+D has it, under whatever name."""

from __future__ import annotations

import numpy as np

from mksgn_neuro.data.bodies import BODIES
from mksgn_neuro.data.clips import KINECT_RATE
from mksgn_neuro.data.readers.ntu.bodies import people, tracks, two_bodies
from mksgn_neuro.data.readers.ntu.text import JOINTS, parse
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.recordings import Recording, of_body
from mksgn_neuro.errors import BadInput


def recognises(source: Source) -> bool:
    """By its ending: the file is nothing but numbers."""
    return source.path.is_file() and source.suffix == ".skeleton"


def read(source: Source) -> list[Recording]:
    """The one clip: the body that moves most, and the next where there is one."""
    found = tracks(parse(source.path.read_bytes(), str(source.path)))
    clip = two_bodies(found)
    if clip is None:
        raise BadInput("no skeleton in any frame", location=str(source.path), hint="leave it out")
    first, second = (np.where((x == 0).all(axis=(1, 2))[:, None, None], np.nan, x) for x in np.split(clip, [JOINTS], 1))
    second = second.astype(np.float32) if np.isfinite(second).any() else None
    real = len(people(found))
    notes = (*_left_out(len(found) - real, len(found)), *_put_together(real))
    rest = {"rate": KINECT_RATE, "second": second, "notes": notes}
    return [of_body(source.name, "kinect", first, BODIES["kinect25"], **rest)]


def _left_out(bodies: int, tracked: int) -> tuple[str, ...]:
    """What is said of tracked bodies that are no people."""
    said = f"{bodies} of {tracked} tracked bodies left out: seen too shortly, or furniture by their shape"
    return (said,) if bodies else ()


def _put_together(tracked: int) -> tuple[str, ...]:
    """What is said of more people, or people found again under another number, than there are places."""
    return (f"{tracked} tracked people in two places at most: who moves most comes first",) if tracked > 2 else ()


FORMAT = Format("kinect", "Kinect v2, one .skeleton file", recognises, read)
