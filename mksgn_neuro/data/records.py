"""Records on their way into the cache, written so that what is killed in between goes on where it stopped.

Positions are appended to one file. A line of a second file tells of each record, once its positions are on the disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

POSITIONS, LINES = "positions.f32", "lines.json"
TOGETHER = 64  # records that are on the disk before their lines are


@dataclass(frozen=True)
class Record:
    """One clip (T, V, 3) float32, or the `problem` that kept it from being one. A missing clip is no defect."""

    name: str
    positions: np.ndarray | None
    label: int = -1
    train: bool = False
    problem: str = ""
    missing: bool = False


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is told of a record: `frames` 0 where the `problem` kept it from being a clip."""

    name: str
    frames: int
    label: int
    train: bool
    problem: str
    missing: bool


def resumed(folder: Path, joints: int) -> list[Entry]:
    """What another process has written there whole; what it only began is cut off.

    All of it goes where anything is not as we write it.
    """
    try:
        lines = (folder / LINES).read_bytes().split(b"\n")[:-1]  # the last one has no end, or nothing in it
        written = [msgspec.json.decode(line, type=Entry) for line in lines]
        size = sum(entry.frames for entry in written) * joints * 3 * 4
        if (folder / POSITIONS).stat().st_size < size or any(entry.frames < 0 for entry in written):
            raise ValueError("fewer positions than lines tell of")
        (folder / LINES).write_bytes(b"".join(line + b"\n" for line in lines))
        os.truncate(folder / POSITIONS, size)
    except (OSError, ValueError, msgspec.MsgspecError):
        (folder / POSITIONS).write_bytes(b"")
        (folder / LINES).write_bytes(b"")
        return []
    return written


def append(folder: Path, records: Iterable[Record]) -> list[Entry]:
    """Write the records behind what is there; what is told of them."""
    entries: list[Entry] = []
    told = 0
    with open(folder / POSITIONS, "ab") as positions, open(folder / LINES, "ab") as lines:
        for record in records:
            frames = 0 if record.positions is None else len(record.positions)
            if frames:
                positions.write(np.ascontiguousarray(record.positions, dtype=np.float32).data)
            entries.append(Entry(record.name, frames, record.label, record.train, record.problem, record.missing))
            if len(entries) - told >= TOGETHER:
                positions.flush()
                os.fsync(positions.fileno())
                lines.write(b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries[told:]))
                lines.flush()
                told = len(entries)
    return entries


def forget(folder: Path) -> None:
    """What was needed to go on."""
    (folder / LINES).unlink()
