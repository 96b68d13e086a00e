"""One clip as a pose estimator writes it: CSV or JSON lines, one frame a line, metres.

JSON lines: `[[x, y, z], …]`, or `{"joints": …}` with such a list or `{joint name: [x, y, z]}`; on a stream `{"t":
seconds, "joints": …}` too.
CSV: 3·V numbers a line in the skeleton's order; or a header of `<joint>_x, <joint>_y, <joint>_z`, joints by name or
number, columns in any order, others ignored.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from mksgn_neuro.data.joints import canonical
from mksgn_neuro.data.readers.times import require_unlike, row_of, said_of, seconds_of
from mksgn_neuro.data.skeleton import Skeleton, from_parents
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import require_regular, shown
from mksgn_neuro.gates.text import json_at, parsed_json

CLIP_BYTES = 1 << 25
SUFFIXES = (".csv", ".jsonl", ".ndjson")
COORDINATE = re.compile(r"(.*\d|.+[\s_.\-])([xyz])", re.IGNORECASE)
HINT = "write one frame a line: 3 numbers a joint as CSV, or a JSON list of [x, y, z]"


def read(path: Path, skeleton: Skeleton | None = None) -> np.ndarray:
    """The clip (T, V, 3) float32; without a skeleton, joints as the first line has them.

    Where the skeleton has several bodies, a file of one body leaves the others at 0 (absent).
    Raises BadInput with file and line.
    """
    return _read(path, skeleton, gaps=False)[0]


def read_named(path: Path) -> tuple[np.ndarray, tuple[str, ...] | None, list[float | str | None]]:
    """The clip (T, V, 3) with NaN where the file leaves a joint out; its joints' names, None where it has none; times.

    Raises BadInput with file and line.
    """
    frames, skeleton, seconds = _read(path, None, gaps=True)
    numbered = all(re.fullmatch(r"(joint )?\d+", name) for name in skeleton.joint_names)
    return frames, None if numbered else skeleton.joint_names, seconds


def _read(
    path: Path, skeleton: Skeleton | None, *, gaps: bool
) -> tuple[np.ndarray, Skeleton, list[float | str | None]]:
    require_regular(path, HINT, most=CLIP_BYTES)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"not a readable text file ({shown(error)})", location=str(path), hint=HINT) from error
    numbered = [(i + 1, line) for i, line in enumerate(lines) if line.strip()]
    if not numbered:
        raise BadInput("no frame in it", location=str(path), hint=HINT)
    seconds: list[float | str | None] = [None] * len(numbered)
    if numbered[0][1].lstrip()[0] in "[{" or numbered[0][1].strip() == "null":
        skeleton = skeleton or _guess_json(numbered, path)
        locations = [(line, f"{path}, line {n}") for n, line in numbered]
        parsed = [(json_at(location, line, HINT), location) for line, location in locations]
        frames = [_from_json(content, skeleton, location, gaps=gaps) for content, location in parsed]
        seconds = said_of(parsed) if gaps else seconds
    else:
        frames, skeleton, seconds = _csv_frames(numbered, skeleton, path, gaps=gaps)
    if not frames:
        raise BadInput("a header but no frame", location=str(path), hint=HINT)
    return np.stack(frames), skeleton, seconds[: len(frames)]


def frame_of(
    content: object, skeleton: Skeleton, location: str, *, gaps: bool = False
) -> tuple[np.ndarray, float | None]:  # fmt: skip
    """One frame (V, 3) float32 from what a line of JSON holds, and when it was taken: "t" in seconds, None without.

    With `gaps`, a joint that is null, left out or no number is NaN, and so is every joint of a frame that has too few
    without names or none at all. `location` names the line in errors.
    """
    return _from_json(content, skeleton, location, gaps=gaps), seconds_of(content, location)


def _from_json(joints: object, skeleton: Skeleton, location: str, *, gaps: bool) -> np.ndarray:
    if isinstance(joints, dict):
        if "joints" not in joints:
            raise BadInput('no "joints"', location=location, hint=HINT)
        joints = joints["joints"]
    if gaps and not joints:
        return np.full((skeleton.joints, 3), np.nan, dtype=np.float32)
    if isinstance(joints, dict):
        by_name = {canonical(name): xyz for name, xyz in joints.items()}
        require_unlike([canonical(name) for name in joints], location)
        every_body = canonical(skeleton.joint_names[-1]) in by_name
        wanted = skeleton.joint_names if every_body else _first_body(skeleton)
        missing = [name for name in wanted if canonical(name) not in by_name]
        if missing and not (gaps and len(missing) < len(wanted)):
            raise BadInput(f"no joint {shown(repr(missing[0]))}", location=location, hint=f"name {', '.join(wanted)}")
        joints = [by_name.get(canonical(name)) for name in wanted]
    if not isinstance(joints, list):
        raise BadInput("joints is neither a list nor an object", location=location, hint=HINT)
    return _frame(joints, skeleton, location, gaps=gaps)


def _csv_frames(
    numbered: list[tuple[int, str]], skeleton: Skeleton | None, path: Path, *, gaps: bool
) -> tuple[list[np.ndarray], Skeleton | None, list[float | str | None]]:
    mark = delimiter_of(numbered[0][1])
    rows = [(n, cells_of(line, mark, f"{path}, line {n}")) for n, line in numbered]
    order, header = None, []
    if not all(_is_number(cell) for cell in rows[0][1]):
        location = f"{path}, line {rows[0][0]}"
        header = rows.pop(0)[1]
        order, skeleton = _columns(header, skeleton, location)
    width, frames = None, []
    for n, row in rows:
        location = f"{path}, line {n}"
        width = width or len(row)
        if len(row) != width:
            raise BadInput(f"{len(row)} columns, the first frame has {width}", location=location, hint=HINT)
        if order is not None and max(order) >= len(row):
            raise BadInput(f"{len(row)} columns, the header has more", location=location, hint=HINT)
        cells = row if order is None else [row[i] for i in order]
        skeleton = skeleton or _anonymous(len(cells) // 3)
        joints = [cells[i : i + 3] for i in range(0, len(cells), 3)]
        if gaps:
            joints = [None if all(not cell.strip() for cell in xyz) else xyz for xyz in joints]
        frames.append(_frame(joints, skeleton, location, gaps=gaps))
    return frames, skeleton, said_of([(row_of(header, row), f"{path}, line {n}") for n, row in rows])


def delimiter_of(line: str) -> str:
    """What stands between the cells of a table's first line."""
    return next((mark for mark in ("\t", ";") if mark in line), ",")


def cells_of(line: str, delimiter: str, location: str) -> list[str]:
    """The cells of one line; where no comma stands between them, one in a number is its decimal point."""
    try:
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
    except (csv.Error, StopIteration) as error:
        raise BadInput(f"not CSV ({shown(error)})", location=location, hint=HINT) from error
    return cells if delimiter == "," else [cell.replace(",", ".") for cell in cells]


def _columns(header: list[str], skeleton: Skeleton | None, location: str) -> tuple[list[int], Skeleton]:
    """Which column holds each coordinate, joint by joint, x y z."""
    at = {}
    for i, cell in enumerate(header):
        match = COORDINATE.fullmatch(cell.strip())
        if match:
            key = canonical(match.group(1)), match.group(2).lower()
            require_unlike(["_".join(one) for one in (*at, key) if one == key], location)
            at[key] = i
    if skeleton is None:
        seen = list(dict.fromkeys(name for name, _ in at))
        if not seen:
            raise BadInput("the header names no coordinate", location=location, hint="name columns <joint>_x, _y, _z")
        skeleton = from_parents(np.full(len(seen), -1), tuple(seen))
    by_number = ("0", "x") in at
    wanted = [str(v) for v in range(skeleton.joints)] if by_number else [canonical(n) for n in skeleton.joint_names]
    if (wanted[-1], "x") not in at and skeleton.bodies > 1:
        wanted = [str(v) for v in range(_per_body(skeleton))] if by_number else [*map(canonical, _first_body(skeleton))]
    needed = [(name, axis) for name in wanted for axis in "xyz"]
    for name, axis in needed:
        if (name, axis) not in at:
            raise BadInput(
                f"no column {name.replace(' ', '_')}_{axis}", location=location, hint="name every joint, x y z"
            )
    return [at[key] for key in needed], skeleton


def _frame(joints: list, skeleton: Skeleton, location: str, *, gaps: bool) -> np.ndarray:
    """(V, 3) float32, finite unless `gaps` are allowed."""
    if gaps and len(joints) < _per_body(skeleton):
        return np.full((skeleton.joints, 3), np.nan, dtype=np.float32)
    if len(joints) not in (skeleton.joints, _per_body(skeleton)):
        hint = "give the model's joints in its order"
        raise BadInput(f"{len(joints)} joints, expected {skeleton.joints}", location=location, hint=hint)
    frame = np.zeros((skeleton.joints, 3), dtype=np.float32)
    for v, xyz in enumerate(joints):
        if gaps and (xyz is None or (isinstance(xyz, list) and None in xyz)):
            frame[v] = np.nan
            continue
        try:
            with np.errstate(over="ignore"):
                frame[v] = [float(value) for value in xyz]
        except (TypeError, ValueError, OverflowError) as error:
            name = skeleton.joint_names[v]
            raise BadInput(f"joint {v} ({name}) is not three numbers", location=location, hint=HINT) from error
        if not np.isfinite(frame[v]).all():
            if gaps:
                frame[v] = np.nan
                continue
            what = f"a coordinate of joint {v} ({skeleton.joint_names[v]}) is not a finite number"
            raise BadInput(what, location=location, hint="fill gaps with the last known position")
    return frame


def _guess_json(numbered: list[tuple[int, str]], path: Path) -> Skeleton:
    """The joints of the first line that has any."""
    for n, line in numbered:
        skeleton = _joints_in(line, f"{path}, line {n}")
        if skeleton is not None:
            return skeleton
    raise BadInput("no joint in any frame", location=str(path), hint="give a clip with a person in it")


def _joints_in(line: str, location: str) -> Skeleton | None:
    try:
        first = parsed_json(line)
        if isinstance(first, dict) and first and "joints" not in first:
            keys = ", ".join(map(str, first))
            raise BadInput(f'no "joints", but {shown(keys)}', location=location, hint=HINT)
        joints = first["joints"] if isinstance(first, dict) and first else first
        if not joints:
            return None
        names = tuple(joints) if isinstance(joints, dict) else None
        return from_parents(np.full(len(joints), -1), names)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"not a frame ({shown(repr(error))})", location=location, hint=HINT) from error


def _anonymous(joints: int) -> Skeleton:
    return from_parents(np.full(joints, -1))


def _per_body(skeleton: Skeleton) -> int:
    return skeleton.joints // skeleton.bodies


def _first_body(skeleton: Skeleton) -> tuple[str, ...]:
    """Joint names of one body, without the number that `Skeleton.repeated` adds."""
    names = skeleton.joint_names[: _per_body(skeleton)]
    return names if skeleton.bodies == 1 else tuple(name.removesuffix(" (1)") for name in names)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.strip() == ""
    return True
