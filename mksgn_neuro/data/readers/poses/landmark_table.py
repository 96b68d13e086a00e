"""MediaPipe's landmarks as a table: CSV with a wide, numbered or tall header.

Wide: `nose_x, nose_y, nose_z, nose_visibility, …`, or `x_nose, …`; numbered: `x0, y0, z0, v0, …`, from 0 or 1; tall:
one landmark a row, `frame, landmark, x, y, z, visibility`.
"""

from __future__ import annotations

import re

import numpy as np

from mksgn_neuro.data.bodies import MEDIAPIPE_33
from mksgn_neuro.data.joints import canonical
from mksgn_neuro.data.readers.poses.people import seen
from mksgn_neuro.data.readers.poses.source import Source
from mksgn_neuro.data.readers.poses.table import Row, header_of, number, rows_of, told_by
from mksgn_neuro.data.readers.times import NUMBERS
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown

JOINTS = 33
AT = {canonical(name): v for v, name in enumerate(MEDIAPIPE_33.joint_names)}
HINT = "write 33 landmarks with x, y, z and visibility"

NUMBERED = re.compile(r"(?:landmark[_ ]?)?(x|y|z|v|visibility)[_ ]?(\d+)", re.IGNORECASE)
NAMED = re.compile(r"(.+?)[_ .\-]?(x|y|z|v|visibility)", re.IGNORECASE)
AXIS_FIRST = re.compile(r"(x|y|z|v|visibility)[_ .\-](.+)", re.IGNORECASE)
AXES = {"x": 0, "y": 1, "z": 2, "v": 3, "visibility": 3}
FRAME_COLUMNS = (*NUMBERS, "image", "timestamp", "timestamp_ms", "time")
POINT_COLUMNS = ("landmark", "landmark_id", "landmark_index", "landmark_name", "name", "joint", "id", "index")


def is_table(source: Source) -> bool:
    """Whether the header has all 33 landmarks, or is that of a row for each."""
    header = header_of(source)
    return _tall(header) is not None or len({v for v, _ in _columns(header).values()}) == JOINTS


def read_table(source: Source) -> tuple[list[np.ndarray], list[tuple[dict[str, object], str]], tuple[str, ...]]:
    """Frames (33, 3) with NaN where not seen; what each one's row says besides, and where it is; notes."""
    header, rows = header_of(source), rows_of(source)
    tall = _tall(header)
    if tall:
        tables, firsts, notes = *_tall_tables(rows, *tall), ()
    else:
        columns = _columns(header)
        tables, firsts, notes = _wide_tables(rows, columns), rows, _left_over(header, columns)
    return [seen(table[:, :3], table[:, 3]) for table in tables], told_by(firsts, header), notes


def _left_over(header: list[str], columns: dict[int, tuple[int, int]]) -> tuple[str, ...]:
    """What is said of further landmarks, those of hands and faces."""
    more = [name for i, name in enumerate(header) if i not in columns and NUMBERED.fullmatch(name)]
    return (f"{len(more)} columns of further landmarks are left out, the first {more[0]}",) if more else ()


def _columns(header: list[str]) -> dict[int, tuple[int, int]]:
    """Column -> (landmark, 0 to 3 for x, y, z, visibility)."""
    numbered, named = {}, {}
    for i, cell in enumerate(header):
        match = NUMBERED.fullmatch(cell)
        if match:
            numbered[i] = int(match.group(2)), AXES[match.group(1).lower()]
            continue
        said = _named(cell)
        if said:
            name, axis = canonical(said[0]), AXES[said[1].lower()]
            digits = re.search(r"(\d+)$", said[0])
            if name in AT:
                named[i] = AT[name], axis
            elif digits:
                numbered[i] = int(digits.group(1)), axis
    found = named or numbered
    if not named and numbered and {v for v, _ in numbered.values()} == set(range(1, JOINTS + 1)):
        found = {i: (v - 1, axis) for i, (v, axis) in numbered.items()}
    counted = {i: at for i, at in found.items() if 0 <= at[0] < JOINTS}
    return counted if set(counted.values()) >= {(v, a) for v in range(JOINTS) for a in range(3)} else {}


def _named(cell: str) -> tuple[str, str] | None:
    """What a column's name says of joint and axis, in either order."""
    match = AXIS_FIRST.fullmatch(cell)  # first: `x_left_index` ends with an x too
    if match:
        return match.group(2), match.group(1)
    match = NAMED.fullmatch(cell)
    return (match.group(1), match.group(2)) if match else None


def _tall(header: list[str]) -> tuple[int, int, list[int]] | None:
    """Columns of the frame, the landmark and x, y, z, visibility; None where it is another layout."""
    at = {name.lower(): i for i, name in enumerate(header)}
    frame = next((at[name] for name in FRAME_COLUMNS if name in at), None)
    point = next((at[name] for name in POINT_COLUMNS if name in at), None)
    if frame is None or point is None or not {"x", "y", "z"} <= at.keys():
        return None
    shown = [at[name] for name in ("visibility", "v") if name in at]
    return frame, point, [at["x"], at["y"], at["z"], *shown[:1]]


def _wide_tables(rows: list[Row], columns: dict[int, tuple[int, int]]) -> list[np.ndarray]:
    tables = []
    for row, location in rows:
        table = np.ones((JOINTS, 4))
        for i, (v, axis) in columns.items():
            table[v, axis] = number(row[i], location)
        tables.append(table)
    return tables


def _tall_tables(rows: list[Row], frame: int, point: int, axes: list[int]) -> tuple[list, list]:
    """Each frame's table, and its first row."""
    tables: dict[str, np.ndarray] = {}
    firsts: dict[str, Row] = {}
    given: set[tuple[str, int]] = set()
    for row, location in rows:
        firsts.setdefault(row[frame], (row, location))
        table = tables.setdefault(row[frame], np.full((JOINTS, 4), np.nan))
        said = row[point].strip()
        v = int(said) if said.isdecimal() else AT.get(canonical(said), -1)
        if not 0 <= v < JOINTS:
            raise BadInput(
                f"no landmark {shown(repr(said))}", location=location, hint="give 0 to 32, or MediaPipe's names"
            )
        if (row[frame], v) in given:
            hint = "keep the rows of one person"
            raise BadInput(f"landmark {v} of frame {shown(row[frame])} twice", location=location, hint=hint)
        given.add((row[frame], v))
        table[v] = [*(number(row[i], location) for i in axes), 1.0][:4]
    return list(tables.values()), list(firsts.values())
