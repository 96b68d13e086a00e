"""Joints as `one_clip` reads them, by name or in order, and one clip of NW-UCLA; what is known of them by their names.

Joints that are named as those of a body in `BODIES` have its axes; millimetres are told from metres by their size.
"""

from __future__ import annotations

import numpy as np

from mksgn_neuro.data.bodies import BODIES, body_named
from mksgn_neuro.data.clips import KINECT_RATE
from mksgn_neuro.data.readers import one_clip
from mksgn_neuro.data.readers.poses.people import numbers, rate_of
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.recordings import TALLEST_BODY, Recording, height, of_body
from mksgn_neuro.errors import BadInput


def recognises(source: Source) -> bool:
    """By its ending; or a JSON object with `skeletons`."""
    if source.suffix == ".json":
        return isinstance(source.document, dict) and "skeletons" in source.document
    return source.path.is_file() and source.suffix in one_clip.SUFFIXES


def read(source: Source) -> list[Recording]:
    """The one clip."""
    if source.suffix == ".json":
        return [_of_nw_ucla(source)]
    frames, names, seconds = one_clip.read_named(source.path)
    rate = rate_of(seconds)
    body = body_named(names) if names else None
    if body is None or body.coordinates == 2:
        return [Recording(source.name, "plain", frames, names, rate=rate)]
    notes = [f"joints named as {body.name}'s: its axes"]
    unit = body.unit
    if unit == "mm" and max(height(frames, axis) for axis in range(3)) <= TALLEST_BODY:
        unit = "m"
        notes.append(f"{body.name} is in millimetres, this body is of metres: taken as metres")
    return [Recording(source.name, "plain", frames, names, body, unit, body.signs, rate, tuple(notes))]


def _of_nw_ucla(source: Source) -> Recording:
    location = str(source.path)
    frames = numbers(source.document["skeletons"], location)
    if frames.ndim != 3 or frames.shape[1:] != (20, 3) or not len(frames):
        raise BadInput(
            f"skeletons of shape {frames.shape}, expected (frames, 20, 3)", location=location, hint="repair it"
        )
    return of_body(source.name, "nw-ucla", frames.astype(np.float32), BODIES["kinect20"], rate=KINECT_RATE)


FORMAT = Format("plain", "one clip, CSV or JSON lines", recognises, read)
