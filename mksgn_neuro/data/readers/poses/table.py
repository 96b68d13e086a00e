"""Tables of joints, CSV with a header: what the readers of MediaPipe's and of COCO's share."""

from __future__ import annotations

import csv

from mksgn_neuro.data.readers.poses.people import numbers
from mksgn_neuro.data.readers.poses.source import Source
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown

SECONDS = {"t": 1.0, "time": 1.0, "seconds": 1.0, "timestamp": 1.0, "timestamp_ms": 1e-3, "timestamp_us": 1e-6}
COUNTED = ("frame", "frame_id", "frame_number", "frame_idx", "frame_index")
HINT = "write one frame a row, as many cells as the header has"

Times = list[float | None]
Row = tuple[list[str], str]  # cells, and where they are


def header_of(source: Source) -> list[str]:
    """Its cells; empty where the file is no table."""
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


def rows_of(source: Source) -> list[Row]:
    """All rows below the header; raises BadInput for one of another length."""
    header, delimiter = header_of(source), _delimiter(source)
    return [_row_of(line, delimiter, len(header), f"{source.path}, line {n}") for n, line in source.lines[1:]]


def times_of(rows: list[Row], header: list[str]) -> tuple[Times, Times]:
    """When each row was taken in seconds, and its number; None where it does not say."""
    return _column(rows, header, SECONDS), _column(rows, header, dict.fromkeys(COUNTED, 1.0))


def _column(rows: list[Row], header: list[str], factors: dict[str, float]) -> Times:
    """The first column of these names, in seconds or counted; None for what is no number."""
    at = {name.lower(): i for i, name in enumerate(header)}
    found = next(((at[name], factor) for name, factor in factors.items() if name in at), None)
    if found is None:
        return [None] * len(rows)
    return [_time(row[found[0]], found[1]) for row, _ in rows]


def _time(cell: str, factor: float) -> float | None:
    try:
        return float(cell) * factor
    except ValueError:
        return None


def _row_of(line: str, delimiter: str, columns: int, location: str) -> Row:
    try:
        row = _cells(line, delimiter)
    except csv.Error as error:
        raise BadInput(f"not a row ({shown(error)})", location=location, hint=HINT) from error
    if len(row) != columns:
        raise BadInput(f"{len(row)} columns, the header has {columns}", location=location, hint=HINT)
    return row, location


def number(cell: str, location: str) -> float:
    """NaN for an empty cell; raises BadInput for what is no number."""
    return float(numbers(cell if cell.strip() else "nan", location))
