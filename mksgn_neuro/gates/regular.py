"""Ordinary files only: opening a pipe waits for ever, and a device never ends."""

from __future__ import annotations

import stat
from pathlib import Path

from mksgn_neuro.errors import BadInput, printable

TEXT_BYTES = 1 << 26  # of a file that is read as text in one piece
SHOWN = 160  # characters of somebody else's words in a message


def require_regular(path: Path, hint: str = "give a file", *, most: int | None = None) -> int:
    """The file's size in bytes; raises BadInput for what is not there, no ordinary file, or larger than `most`."""
    try:
        found = Path(path).stat()
    except (OSError, ValueError) as error:
        problem = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be opened ({shown(error)})"
        raise BadInput(problem, location=str(path), hint=hint) from error
    if not stat.S_ISREG(found.st_mode):
        raise BadInput("is not an ordinary file", location=str(path), hint=hint)
    if most is not None and found.st_size > most:
        raise BadInput(f"has {found.st_size} bytes, limit {most}", location=str(path), hint=hint)
    return found.st_size


def shown(value: object) -> str:
    """Text from a file or of a library's error, fit for one line: control characters escaped, shortened."""
    text = printable(str(value)[: 2 * SHOWN])
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
