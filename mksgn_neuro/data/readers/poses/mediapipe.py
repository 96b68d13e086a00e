"""MediaPipe Pose, 33 landmarks: JSON (lines) with visibility, or a table (`landmark_table`).

JSON, one frame a line or an element, the elements also under `frames` of an object that may say `fps`. A frame: 33
`{"x", "y", "z", "visibility"}` or [x, y, z, visibility], or all their 99 or 132 numbers, or `{landmark's name: …}`; or
an object with that under `pose_world_landmarks`, `landmarks`, … ; of several people the first. World landmarks are
metres from the middle of the hips, y down; image landmarks are shares of the picture's width and height, of which x
and y are taken.
"""

from __future__ import annotations

import numpy as np

from mksgn_neuro.data.bodies import BODIES, COCO_17
from mksgn_neuro.data.joints import canonical
from mksgn_neuro.data.readers.poses.landmark_table import AT, HINT, JOINTS, is_table, read_table
from mksgn_neuro.data.readers.poses.people import numbers, picture_unit, seen
from mksgn_neuro.data.readers.poses.source import Format, Source, shows_anybody
from mksgn_neuro.data.readers.times import NUMBERS, RATE_NAMES, SECONDS, evenly, in_order, number_of, said_of
from mksgn_neuro.data.recordings import Recording, of_body
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown

NUMBER = (int, float)
WORLD = ("pose_world_landmarks", "poseWorldLandmarks", "world_landmarks", "worldLandmarks")
OWN = (*WORLD, "pose_landmarks", "poseLandmarks", "landmarks")  # nobody else calls joints that
KEYS = (*OWN, "landmark", "joints", "keypoints")
FRAMES = ("frames", "data", "results")
LEFT_OF_CENTRE = 0.2  # share of x below 0: in a picture hardly any is, of metres from the hips mostly about half
AT_HIPS = 0.1  # from the middle of the hips to the origin: metres begin there, a picture at its upper left corner


def recognises(source: Source) -> bool:
    """Whether the first frame with anybody, or the header, has MediaPipe's landmarks."""
    if not source.path.is_file():
        return False
    if source.first is None and source.document is None:
        return is_table(source)
    frames = source.readable() if source.document is None else (frame for frame, _ in _frames(source))
    first = next(filter(shows_anybody, frames), None)
    points = _points(first)
    own = isinstance(first, dict) and any(key in first for key in OWN)
    return own or (len(points) == JOINTS and not isinstance(points[0], NUMBER))


def read(source: Source) -> list[Recording]:
    """The one clip."""
    if source.first is None and source.document is None:
        frames, told, notes = read_table(source)
        rate = world = None
    else:
        frames, told, notes, world = _from_json(source)
        rate = _said_rate(source.document)
    if not len(frames):
        raise BadInput("no frame in it", location=str(source.path), hint=HINT)
    seconds, order = said_of(told), ()
    if all(second is None for second in seconds):
        nobody = np.full((JOINTS, 3), np.nan, dtype=np.float32)
        frames, order = in_order(frames, [number_of(said) for said, _ in told], nobody)
    timed = evenly(np.stack(frames), seconds)
    times = {"rate": rate, "untimed": ""} if rate else timed.fields
    return [recording_of(source.name, timed.positions, world, (*notes, *order, *timed.notes), times)]


def frame_of(value: object, location: str) -> tuple[np.ndarray, bool | None]:
    """Joints (33, 3) float32 of one frame in JSON, NaN where not seen; whether they are metres, None if unsaid."""
    points = _points(value)
    world = any(key in value for key in WORLD) if isinstance(value, dict) else None
    if not len(points):
        _require_nobody(value, location)
        return np.full((JOINTS, 3), np.nan, dtype=np.float32), world or None
    if len(points) != JOINTS:
        raise BadInput(f"{len(points)} landmarks, expected {JOINTS}", location=location, hint=HINT)
    table = numbers([_row(point, location) for point in points], location)
    return seen(table[:, :3], table[:, 3]), world or None


def has_landmarks(value: object) -> bool:
    """Whether a frame in JSON lists 33 `{"x", "y", …}`, which nothing else does."""
    points = _points(value)
    return len(points) == JOINTS and any(isinstance(point, dict) for point in points)


def _require_nobody(value: object, location: str) -> None:
    """Raise BadInput for an object that holds something else than an empty frame."""
    empty = not isinstance(value, dict) or any(key in value for key in KEYS) or value.keys() <= {*SECONDS, *NUMBERS}
    if not empty:
        raise BadInput(f"no landmarks, but {shown(', '.join(map(str, value)))}", location=location, hint=HINT)


def _frames(source: Source) -> list[tuple[object, str]]:
    """The frames of a file in JSON, with their places."""
    document, path = source.document, source.path
    if document is None:
        return source.values
    listed = document
    if isinstance(document, dict):
        listed = next((document[key] for key in (*FRAMES, *KEYS) if isinstance(document.get(key), list)), None)
    if not isinstance(listed, list) or _is_frame(listed):
        return [(document, str(path))]
    return [(value, f"{path}, frame {i}") for i, value in enumerate(listed)]


def _is_frame(listed: list) -> bool:
    """Whether these are one frame's landmarks, no frames: each is a point, or a number."""
    point = next((value for value in listed if value is not None), None)
    if isinstance(point, dict):
        return len(listed) == JOINTS and {"x", "y"} <= point.keys()
    return isinstance(point, NUMBER) or (isinstance(point, list) and len(point) in (3, 4) and _is_frame(point))


def _points(value: object) -> list:
    """The first person's landmarks, wherever the frame keeps them."""
    while isinstance(value, dict):
        inner = next((value[key] for key in KEYS if value.get(key)), None)
        if inner is None:
            return _by_name(value)
        value = inner
    if not isinstance(value, list):
        return []
    if len(value) in (3 * JOINTS, 4 * JOINTS) and all(isinstance(x, NUMBER) for x in value):
        width = len(value) // JOINTS
        return [value[i : i + width] for i in range(0, len(value), width)]
    person = value[0] if value and not _is_frame(value) else None
    return _points(person) if isinstance(person, (list, dict)) and _points(person) else value


def _by_name(value: dict) -> list:
    """The landmarks of `{name: landmark}`, null for one that is not there; empty for what may be another body's."""
    named = {canonical(str(name)): point for name, point in value.items() if isinstance(point, (dict, list))}
    if len(named) <= COCO_17.joints or not named.keys() <= AT.keys():
        return []
    return [named.get(name) for name in AT]


def _row(point: object, location: str) -> list:
    if isinstance(point, dict) and {"x", "y", "z"} <= point.keys():
        visibility = point.get("visibility")  # null where the task does not tell
        return [point["x"], point["y"], point["z"], 1.0 if visibility is None else visibility]
    if isinstance(point, list) and len(point) in (3, 4):
        return [*point, 1.0][:4]
    if point is None:
        return [None] * 4
    raise BadInput("a landmark without x, y, z", location=location, hint=HINT)


def people_in(value: object) -> int:
    """How many people a frame in JSON lists."""
    while isinstance(value, dict):
        value = next((value[key] for key in KEYS if value.get(key)), None)
    listed = [one for one in value if _points(one)] if isinstance(value, list) and not _is_frame(value) else []
    return max(len(listed), int(bool(value)))


def first_of(most: int) -> tuple[str, ...]:
    """What is said where frames list up to so many people."""
    return (f"up to {most} people in a frame: the first that MediaPipe lists is taken",) if most > 1 else ()


def _from_json(source: Source) -> tuple[list[np.ndarray], list[tuple[object, str]], tuple[str, ...], bool | None]:
    """Frames (33, 3), what each says and where, notes; and whether they are metres, None if unsaid."""
    values = _frames(source)
    found = [frame_of(value, location) for value, location in values]
    said = {world for _, world in found if world is not None}
    notes = first_of(max((people_in(value) for value, _ in values), default=0))
    return [x for x, _ in found], values, notes, said.pop() if said else None


def _said_rate(document: object) -> float | None:
    """Frames a second, where a file that is one object says them."""
    said = [document.get(key) for key in RATE_NAMES] if isinstance(document, dict) else []
    return next((float(rate) for rate in said if isinstance(rate, NUMBER) and 0 < rate < np.inf), None)


def looks_like_metres(frames: np.ndarray) -> bool:
    """Whether landmarks (..., 33, 3) whose file does not say it are world landmarks, metres from the hips' middle."""
    hips = frames[..., [AT["left hip"], AT["right hip"]], :2].mean(axis=-2).reshape(-1, 2)
    hips = np.abs(hips[np.isfinite(hips).all(axis=1)])
    x = frames[..., 0][np.isfinite(frames[..., 0])]
    near = len(hips) > 0 and float(np.median(hips.max(axis=1))) < AT_HIPS
    return near or len(x) == 0 or float((x < 0).mean()) > LEFT_OF_CENTRE


def recording_of(
    name: str, frames: np.ndarray, world: bool | None, notes: tuple[str, ...], times: dict[str, object],
    form: str = "mediapipe",
) -> Recording:  # fmt: skip
    """Landmarks (T, 33, 3) as metres in the room, or as a picture; `world` None: by where they lie."""
    in_the_room = looks_like_metres(frames) if world is None else world
    if in_the_room:
        note = () if world else ("the origin is at the hips: taken as world landmarks, in metres",)
        return of_body(name, form, frames, BODIES["mediapipe33"], notes=(*note, *notes), **times)
    picture = frames[..., :2]
    said = ("image landmarks: x and y are taken, z is left out", *notes)
    rest = {"unit": picture_unit(picture), "notes": said, **times}
    return of_body(name, form, picture, BODIES["mediapipe33"], **rest)


FORMAT = Format("mediapipe", "MediaPipe Pose, 33 landmarks with visibility", recognises, read)
