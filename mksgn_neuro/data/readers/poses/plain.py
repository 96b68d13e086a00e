"""Joints as `one_clip` reads them, by name or in order, and one clip of NW-UCLA; what is known of them by their names.

Joints that are named as those of a body in `BODIES` have its axes; millimetres are told from metres by their size.
"""

from __future__ import annotations

import numpy as np

from mksgn_neuro.data.bodies import BODIES, body_named
from mksgn_neuro.data.clips import KINECT_RATE
from mksgn_neuro.data.readers import one_clip
from mksgn_neuro.data.readers.poses import mediapipe
from mksgn_neuro.data.readers.poses.people import WITH_CONFIDENCE, is_picture, numbers, picture_unit, seen
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.readers.times import evenly
from mksgn_neuro.data.recordings import LEAST_CONFIDENCE, TALLEST_BODY, Recording, height, of_body
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
    timed = evenly(frames, seconds)
    frames, rest = timed.positions, timed.fields
    landmarks = _landmarks(frames) if names is None else None
    if landmarks is not None:
        notes = (*timed.notes, "a frame's numbers are as many as MediaPipe's: taken as its landmarks")
        return [mediapipe.recording_of(source.name, landmarks, None, notes, rest, "plain")]
    body = body_named(names) if names else None
    unnamed = source.first is not None  # in JSON; a table's columns say z
    if body is not None and body.coordinates == 2 and unnamed and is_picture(frames, 0.0):
        shown = np.where(frames[..., 2:] >= LEAST_CONFIDENCE, frames[..., :2], np.nan).astype(np.float32)
        notes = (*timed.notes, WITH_CONFIDENCE)
        return [
            Recording(source.name, "plain", shown, names, body, picture_unit(shown), body.signs, notes=notes, **rest)
        ]
    if body is None or body.coordinates == 2:
        return [Recording(source.name, "plain", frames, names, notes=timed.notes, **rest)]
    notes = [*timed.notes, f"joints named as {body.name}'s: its axes"]
    unit = body.unit
    if unit == "mm" and max(height(frames, axis) for axis in range(3)) <= TALLEST_BODY:
        unit = "m"
        notes.append(f"{body.name} is in millimetres, this body is of metres: taken as metres")
    return [Recording(source.name, "plain", frames, names, body, unit, body.signs, notes=tuple(notes), **rest)]


def _landmarks(frames: np.ndarray) -> np.ndarray | None:
    """MediaPipe's landmarks (T, 33, 3) where joints (T, V, 3) have as many numbers, with or without visibility."""
    size = frames[0].size
    if size == 3 * mediapipe.JOINTS:
        return frames
    if size != 4 * mediapipe.JOINTS:
        return None
    table = frames.reshape(len(frames), mediapipe.JOINTS, 4)
    visibility = table[..., 3]
    if not ((visibility >= 0) & (visibility <= 1)).all():
        return None
    return np.stack([seen(points[:, :3], points[:, 3]) for points in table])


def _of_nw_ucla(source: Source) -> Recording:
    location = str(source.path)
    frames = numbers(source.document["skeletons"], location)
    if frames.ndim != 3 or frames.shape[1:] != (20, 3) or not len(frames):
        raise BadInput(
            f"skeletons of shape {frames.shape}, expected (frames, 20, 3)", location=location, hint="repair it"
        )
    return of_body(source.name, "nw-ucla", frames.astype(np.float32), BODIES["kinect20"], rate=KINECT_RATE)


FORMAT = Format("plain", "one clip, CSV or JSON lines", recognises, read)
