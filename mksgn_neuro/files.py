"""Files that are there whole or not at all."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mksgn_neuro.errors import BadInput

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_HELD: set[Path] = set()
WRITE_REMEDY = "name a place with enough space that you may write to"


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` to write to; it becomes `path` at the end, and goes away where writing fails.

    Raises BadInput where the system does not let it be written: a full disk, a read-only folder.
    """
    with together(path) as (temporary,):
        yield temporary


@contextmanager
def together(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """As `atomic_write`, several files of one folder: of two writers at once the last has written all of them."""
    temporaries = tuple(path.with_name(f"{path.name}.{os.getpid()}.tmp") for path in paths)
    try:
        yield temporaries
        with alone_in(paths[0].parent):
            for temporary, path in zip(temporaries, paths):
                os.replace(temporary, path)
    except OSError as error:
        raise BadInput(f"cannot write it ({_reason(error)})", location=str(paths[0]), hint=WRITE_REMEDY) from error
    finally:
        for temporary in temporaries:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    """In words: HDF5 says much, and the system's own words within."""
    named = re.search(r"errno = (\d+)", str(error))
    return os.strerror(int(named.group(1))) if named else (error.strerror or str(error)).splitlines()[0]


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Within, no other process puts files into the folder; where the system has no such locks, one might.

    What this process has already it need not wait for.
    """
    location = folder.resolve()
    if location in _HELD:
        yield
        return
    opened = os.open(location, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_EX)
        _HELD.add(location)
        yield
    finally:
        _HELD.discard(location)
        os.close(opened)


def require_writable(path: Path, *, folder: bool = False) -> Path:
    """The path, if a file (or `folder`) can be written there; raises BadInput: before the work, not after it."""
    path = Path(path)
    try:
        _require_writable(path, folder)
    except OSError as error:
        raise BadInput(f"cannot write there ({_reason(error)})", location=str(path), hint=WRITE_REMEDY) from error
    return path


def _require_writable(path: Path, folder: bool) -> None:
    if folder and path.exists() and not path.is_dir():
        raise BadInput("is a file, not a folder", location=str(path), hint="name a folder")
    if not folder and path.is_dir():
        raise BadInput("is a folder, not a file", location=str(path), hint="name a file in it")
    above = path if folder else path.parent
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise BadInput(f"{above} is a file, not a folder", location=str(path), hint="name another place")
    if not os.access(above, os.W_OK | os.X_OK):
        raise BadInput(f"nothing may be written into {above}", location=str(path), hint=WRITE_REMEDY)


def is_lfs_pointer(path: Path) -> bool:
    """Whether the file is git-LFS's note of where the content is, which a clone without `git lfs pull` has instead."""
    with path.open("rb") as file:
        return file.read(len(LFS_POINTER)) == LFS_POINTER


def write_text(text: str, path: Path) -> None:
    """Write a text file in one piece."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
