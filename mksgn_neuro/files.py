"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@contextmanager
def in_one_piece(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` to write to; it becomes `path` at the end, and goes away where writing fails."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def is_lfs_pointer(path: Path) -> bool:
    """Whether the file is git-LFS's note of where the content is, which a clone without `git lfs pull` has instead."""
    with path.open("rb") as file:
        return file.read(len(LFS_POINTER)) == LFS_POINTER


def write_text(text: str, path: Path) -> None:
    """Write a text file in one piece."""
    with in_one_piece(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
