"""Tables of joints, CSV with a header: what the readers of MediaPipe's and of COCO's share."""

from __future__ import annotations

from mksgn_neuro.data.readers.one_clip import cells_of, delimiter_of
from mksgn_neuro.data.readers.poses.people import numbers
from mksgn_neuro.data.readers.poses.source import Source
from mksgn_neuro.data.readers.times import require_unlike, row_of
from mksgn_neuro.errors import BadInput

HINT = "write one frame a row, as many cells as the header has"

Row = tuple[list[str], str]  # cells, and where they are


def header_of(source: Source) -> list[str]:
    """Its cells; empty where the file is no table."""
    if not source.lines or source.suffix not in (".csv", ".tsv", ".txt"):
        return []
    line = source.lines[0][1]
    try:
        return [cell.strip() for cell in cells_of(line, delimiter_of(line), str(source.path))]
    except BadInput:
        return []


def rows_of(source: Source) -> list[Row]:
    """All rows below the header; raises BadInput for one of another length, and for two columns of one name."""
    header, delimiter = header_of(source), delimiter_of(source.lines[0][1])
    require_unlike(header, f"{source.path}, line {source.lines[0][0]}")
    return [_row_of(line, delimiter, len(header), f"{source.path}, line {n}") for n, line in source.lines[1:]]


def told_by(rows: list[Row], header: list[str]) -> list[tuple[dict[str, object], str]]:
    """What each row says by its header, and where it is."""
    return [(row_of(header, cells), location) for cells, location in rows]


def _row_of(line: str, delimiter: str, columns: int, location: str) -> Row:
    row = cells_of(line, delimiter, location)
    if len(row) != columns:
        raise BadInput(f"{len(row)} columns, the header has {columns}", location=location, hint=HINT)
    return row, location


def number(cell: str, location: str) -> float:
    """NaN for an empty cell; raises BadInput for what is no number."""
    return float(numbers(cell if cell.strip() else "nan", location))
