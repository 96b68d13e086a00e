"""COCO's 17 joints as a table, a frame a row: `nose_x, nose_y, nose_confidence, left_eye_x, …`."""

from __future__ import annotations

import re

import numpy as np

from mksgn_neuro.data.bodies import BODIES, COCO_17
from mksgn_neuro.data.joints import canonical
from mksgn_neuro.data.readers.poses.people import picture_unit, seen
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.readers.poses.table import header_of, number, rows_of, told_by
from mksgn_neuro.data.readers.times import evenly, in_order, number_of, said_of
from mksgn_neuro.data.recordings import Recording, of_body
from mksgn_neuro.errors import BadInput

AT = {canonical(name): v for v, name in enumerate(COCO_17.joint_names)}
NAMED = re.compile(r"(.+)[_ .\-](x|y|z|confidence|conf|score|visibility|c|v)", re.IGNORECASE)
AXES = {"x": 0, "y": 1, "z": 3}  # 3: depth, which this table has not; any other word is how sure a detector was
SURE = 2


def _columns(header: list[str]) -> dict[tuple[int, int], int]:
    """(joint, 0 to 3) -> column."""
    found = {}
    for i, cell in enumerate(header):
        match = NAMED.fullmatch(cell)
        if match and canonical(match.group(1)) in AT:
            found[AT[canonical(match.group(1))], AXES.get(match.group(2).lower(), SURE)] = i
    return found


def recognises(source: Source) -> bool:
    """Whether the header has x and y of all 17 joints, and no depth."""
    if not source.path.is_file() or source.first is not None:
        return False
    columns = _columns(header_of(source))
    return columns.keys() >= {(v, axis) for v in AT.values() for axis in (0, 1)} and not any(a == 3 for _, a in columns)


def read(source: Source) -> list[Recording]:
    """The one clip."""
    header, rows = header_of(source), rows_of(source)
    if not rows:
        raise BadInput("a header but no frame", location=str(source.path), hint="record it again")
    columns = _columns(header)
    tables = np.zeros((len(rows), len(AT), 3))
    tables[..., SURE] = 1.0
    for table, (row, location) in zip(tables, rows):
        for (v, axis), i in columns.items():
            table[v, axis] = number(row[i], location)
    frames, told = [seen(table[:, :2], table[:, SURE]) for table in tables], told_by(rows, header)
    seconds, order = said_of(told), ()
    if all(second is None for second in seconds):
        nobody = np.full((len(AT), 2), np.nan, dtype=np.float32)
        frames, order = in_order(frames, [number_of(said) for said, _ in told], nobody)
    timed = evenly(np.stack(frames), seconds)
    rest = {"unit": picture_unit(timed.positions), "notes": (*order, *timed.notes), **timed.fields}
    return [of_body(source.name, "coco-table", timed.positions, BODIES["coco17"], **rest)]


FORMAT = Format("coco-table", "COCO-17, a CSV of x, y and confidence", recognises, read)
