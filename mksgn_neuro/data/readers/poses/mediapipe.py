"""MediaPipe Pose, 33 landmarks: JSON (lines) with visibility, or CSV with a wide, numbered or tall header.

JSON, one frame a line or an element: a list of 33 `{"x", "y", "z", "visibility"}` or [x, y, z, visibility], or an
object with such a list under `pose_world_landmarks`, `landmarks`, … ; of several people the first. CSV, wide:
`nose_x, nose_y, nose_z, nose_visibility, …`; numbered: `x0, y0, z0, v0, …`, from 0 or 1; tall: one landmark a row,
`frame, landmark, x, y, z, visibility`. World landmarks are metres from the middle of the hips, y down; image landmarks
are shares of the picture's width and height, of which x and y are taken.
"""

from __future__ import annotations

import csv
import re

import numpy as np

from mksgn_neuro.data.bodies import BODIES, MEDIAPIPE_33, PIXELS
from mksgn_neuro.data.joints import canonical
from mksgn_neuro.data.readers.poses.people import numbers, rate_of, seen
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.recordings import Recording, of_body
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown

JOINTS, NUMBER = 33, (int, float)
AT = {canonical(name): v for v, name in enumerate(MEDIAPIPE_33.joint_names)}
WORLD = ("pose_world_landmarks", "poseWorldLandmarks", "world_landmarks", "worldLandmarks")
KEYS = (*WORLD, "pose_landmarks", "poseLandmarks", "landmarks", "joints", "keypoints")
SECONDS = {"t": 1.0, "time": 1.0, "seconds": 1.0, "timestamp": 1.0, "timestamp_ms": 1e-3, "timestamp_us": 1e-6}
LEFT_OF_CENTRE = 0.2  # share of x below 0: in a picture hardly any is, of metres from the hips mostly about half
AT_HIPS = 0.1  # from the middle of the hips to the origin: metres begin there, a picture at its upper left corner
HINT = "write 33 landmarks with x, y, z and visibility"

NUMBERED = re.compile(r"(?:landmark[_ ]?)?(x|y|z|v|visibility)[_ ]?(\d+)", re.IGNORECASE)
NAMED = re.compile(r"(.+?)[_ .\-]?(x|y|z|v|visibility)", re.IGNORECASE)
AXES = {"x": 0, "y": 1, "z": 2, "v": 3, "visibility": 3}
FRAME_COLUMNS = ("frame", "frame_id", "frame_number", "frame_idx", "image", "timestamp", "timestamp_ms", "time")
POINT_COLUMNS = ("landmark", "landmark_id", "landmark_index", "landmark_name", "name", "joint", "id", "index")


def recognises(source: Source) -> bool:
    """Whether the first frame, or the header, has MediaPipe's landmarks."""
    if not source.path.is_file():
        return False
    if source.first is not None:
        value = source.first
        return (isinstance(value, dict) and any(key in value for key in KEYS[:7])) or len(_points(value)) == JOINTS
    header = _header(source)
    return _tall(header) is not None or len({v for v, _ in _columns(header).values()}) == JOINTS


def read(source: Source) -> list[Recording]:
    """The one clip."""
    if source.first is not None:
        frames, seconds, world = _from_json(source)
    else:
        frames, seconds, world = _from_csv(source)
    if not len(frames):
        raise BadInput("no frame in it", location=str(source.path), hint=HINT)
    return [_recording(source.name, frames, rate_of(seconds), world)]


def frame_of(value: object, location: str) -> tuple[np.ndarray, bool | None]:
    """Joints (33, 3) float32 of one frame in JSON, NaN where not seen; whether they are metres, None if unsaid."""
    points = _points(value)
    world = any(key in value for key in WORLD) if isinstance(value, dict) else None
    if not len(points):
        return np.full((JOINTS, 3), np.nan, dtype=np.float32), world or None
    if len(points) != JOINTS:
        raise BadInput(f"{len(points)} landmarks, expected {JOINTS}", location=location, hint=HINT)
    table = numbers([_row(point, location) for point in points], location)
    return seen(table[:, :3], table[:, 3]), world or None


def _points(value: object) -> list:
    """The first person's landmarks, wherever the frame keeps them."""
    if isinstance(value, dict):
        value = next((value[key] for key in KEYS if value.get(key)), [])
        if isinstance(value, dict):
            value = value.get("landmark", [])
    while isinstance(value, list) and value and isinstance(value[0], list) and len(value[0]) == JOINTS:
        value = value[0]
    return value if isinstance(value, list) else []


def _row(point: object, location: str) -> list:
    if isinstance(point, dict) and {"x", "y", "z"} <= point.keys():
        return [point["x"], point["y"], point["z"], point.get("visibility", 1.0)]
    if isinstance(point, list) and len(point) in (3, 4):
        return [*point, 1.0][:4]
    if point is None:
        return [None] * 4
    raise BadInput("a landmark without x, y, z", location=location, hint=HINT)


def _from_json(source: Source) -> tuple[np.ndarray, list[float | None], bool | None]:
    values = source.values
    document = source.document
    if isinstance(document, list) and len(_points(document)) != JOINTS:
        values = [(value, f"{source.path}, frame {i}") for i, value in enumerate(document)]
    elif document is not None:
        values = [(document, str(source.path))]
    found = [frame_of(value, location) for value, location in values]
    said = {world for _, world in found if world is not None}
    return np.stack([x for x, _ in found]), [seconds_of(value) for value, _ in values], said.pop() if said else None


def seconds_of(value: object) -> float | None:
    """When a frame in JSON was taken; None where it does not say."""
    if not isinstance(value, dict):
        return None
    found = (numbers(value[key], "") * factor for key, factor in SECONDS.items() if isinstance(value.get(key), NUMBER))
    return next((float(second) for second in found if np.isfinite(second)), None)


def looks_like_metres(frames: np.ndarray) -> bool:
    """Whether landmarks (..., 33, 3) whose file does not say it are world landmarks, metres from the hips' middle."""
    hips = frames[..., [AT["left hip"], AT["right hip"]], :2].mean(axis=-2).reshape(-1, 2)
    hips = np.abs(hips[np.isfinite(hips).all(axis=1)])
    x = frames[..., 0][np.isfinite(frames[..., 0])]
    near = len(hips) > 0 and float(np.median(hips.max(axis=1))) < AT_HIPS
    return near or len(x) == 0 or float((x < 0).mean()) > LEFT_OF_CENTRE


def _recording(name: str, frames: np.ndarray, rate: float | None, world: bool | None) -> Recording:
    in_the_room = looks_like_metres(frames) if world is None else world
    if in_the_room:
        note = () if world else ("the origin is at the hips: taken as world landmarks, in metres",)
        return of_body(name, "mediapipe", frames, BODIES["mediapipe33"], rate=rate, notes=note)
    note = "image landmarks, shares of the picture: the picture is taken as square, z is left out"
    return of_body(name, "mediapipe", frames[..., :2], BODIES["mediapipe33"], rate=rate, unit=PIXELS, notes=(note,))


def _header(source: Source) -> list[str]:
    if not source.lines or source.suffix not in (".csv", ".tsv", ".txt"):
        return []
    try:
        return [cell.strip() for cell in _cells(source.lines[0][1], _delimiter(source))]
    except csv.Error:
        return []


def _cells(line: str, delimiter: str) -> list[str]:
    """Of one line; raises csv.Error, which is no ValueError, for a zero byte or a cell without end."""
    return next(csv.reader([line], delimiter=delimiter), [])


def _delimiter(source: Source) -> str:
    return next((mark for mark in ("\t", ";") if mark in source.lines[0][1]), ",")


def _columns(header: list[str]) -> dict[int, tuple[int, int]]:
    """Column -> (landmark, 0 to 3 for x, y, z, visibility)."""
    numbered, named = {}, {}
    for i, cell in enumerate(header):
        match = NUMBERED.fullmatch(cell)
        if match:
            numbered[i] = int(match.group(2)), AXES[match.group(1).lower()]
            continue
        match = NAMED.fullmatch(cell)
        if match:
            name, axis = canonical(match.group(1)), AXES[match.group(2).lower()]
            digits = re.search(r"(\d+)$", match.group(1))
            if name in AT:
                named[i] = AT[name], axis
            elif digits:
                numbered[i] = int(digits.group(1)), axis
    found = named or numbered
    if not named and numbered and {v for v, _ in numbered.values()} == set(range(1, JOINTS + 1)):
        found = {i: (v - 1, axis) for i, (v, axis) in numbered.items()}
    counted = {i: at for i, at in found.items() if 0 <= at[0] < JOINTS}
    return counted if set(counted.values()) >= {(v, a) for v in range(JOINTS) for a in range(3)} else {}


def _tall(header: list[str]) -> tuple[int, int, list[int]] | None:
    """Columns of the frame, the landmark and x, y, z, visibility; None where it is another layout."""
    at = {name.lower(): i for i, name in enumerate(header)}
    frame = next((at[name] for name in FRAME_COLUMNS if name in at), None)
    point = next((at[name] for name in POINT_COLUMNS if name in at), None)
    if frame is None or point is None or not {"x", "y", "z"} <= at.keys():
        return None
    shown = [at[name] for name in ("visibility", "v") if name in at]
    return frame, point, [at["x"], at["y"], at["z"], *shown[:1]]


def _from_csv(source: Source) -> tuple[np.ndarray, list[float | None], None]:
    header, delimiter = _header(source), _delimiter(source)
    rows = [_row_of(line, delimiter, len(header), f"{source.path}, line {n}") for n, line in source.lines[1:]]
    tall = _tall(header)
    tables = _tall_tables(rows, *tall) if tall else _wide_tables(rows, _columns(header))
    times = _time_column(header, tall)
    seconds = [None] * len(tables)
    if times is not None and not tall:
        column, factor = times
        seconds = [float(numbers(row[column] or "nan", location)) * factor for row, location in rows]
    frames = [seen(table[:, :3], table[:, 3]) for table in tables]
    return np.stack(frames) if frames else np.empty((0, JOINTS, 3)), seconds, None


def _row_of(line: str, delimiter: str, columns: int, location: str) -> tuple[list[str], str]:
    try:
        row = _cells(line, delimiter)
    except csv.Error as error:
        raise BadInput(f"not a row ({shown(error)})", location=location, hint=HINT) from error
    if len(row) != columns:
        raise BadInput(f"{len(row)} columns, the header has {columns}", location=location, hint=HINT)
    return row, location


def _time_column(header: list[str], tall: object) -> tuple[int, float] | None:
    at = {name.lower(): i for i, name in enumerate(header)}
    return next(((at[name], factor) for name, factor in SECONDS.items() if name in at), None)


def _wide_tables(rows: list[tuple[list[str], str]], columns: dict[int, tuple[int, int]]) -> list[np.ndarray]:
    tables = []
    for row, location in rows:
        table = np.ones((JOINTS, 4))
        for i, (v, axis) in columns.items():
            table[v, axis] = _number(row[i], location)
        tables.append(table)
    return tables


def _tall_tables(rows: list[tuple[list[str], str]], frame: int, point: int, axes: list[int]) -> list[np.ndarray]:
    tables: dict[str, np.ndarray] = {}
    for row, location in rows:
        table = tables.setdefault(row[frame], np.full((JOINTS, 4), np.nan))
        said = row[point].strip()
        v = int(said) if said.isdecimal() else AT.get(canonical(said), -1)
        if not 0 <= v < JOINTS:
            raise BadInput(
                f"no landmark {shown(repr(said))}", location=location, hint="give 0 to 32, or MediaPipe's names"
            )
        table[v] = [*(_number(row[i], location) for i in axes), 1.0][:4]
    return list(tables.values())


def _number(cell: str, location: str) -> float:
    return float(numbers(cell if cell.strip() else "nan", location))


FORMAT = Format("mediapipe", "MediaPipe Pose, 33 landmarks with visibility", recognises, read)
