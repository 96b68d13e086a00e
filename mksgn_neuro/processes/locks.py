"""Locks of the operating system: they end with the process that holds them, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mksgn_neuro.errors import BadInput


class Busy(BadInput):
    """Another process holds the lock."""


@contextmanager
def locked(file: Path, seconds: float, problem: str, hint: str) -> Iterator[None]:
    """Hold the lock `file`, which is made, within; raises Busy where it is not free in time, −1: wait for ever."""
    from filelock import FileLock, Timeout  # loads asyncio, which most commands do not need

    lock = FileLock(str(file), timeout=seconds)
    try:
        lock.acquire()
    except Timeout:
        raise Busy(problem, location=str(file.parent), hint=hint) from None
    try:
        yield
    finally:
        lock.release()
