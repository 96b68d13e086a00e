"""Texts of variable length in an HDF5 file: what libhdf5 1.14 does not check before it follows them.

It goes round for ever in a heap with an object of no size, and allocates what a reference to a text says before it
looks whether the text is that long.
"""

from __future__ import annotations

import mmap
import os
import resource
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HEAP = b"GCOL\x01"  # a collection of texts, of version 1, which is the only one
HEADER = 16  # bytes of a collection's header and of an object's
OBJECT = struct.Struct("<HHIQ")  # index, references, reserved, size
MOST_GROWTH = 1 << 29  # bytes of addresses, while texts are read


def require_sound_heaps(path: Path) -> None:
    """Raises ValueError for a collection of texts whose objects do not lie in it one after the other."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            at = content.find(HEAP)
            while at >= 0:
                _require_sound(content, at, size)
                at = content.find(HEAP, at + 1)


def _require_sound(content: mmap.mmap, at: int, file_size: int) -> None:
    if at + HEADER > file_size:
        raise ValueError("a heap of texts without its header")
    (size,) = struct.unpack_from("<Q", content, at + 8)
    end, location = at + size, at + HEADER
    if size < HEADER or end > file_size:
        raise ValueError(f"a heap of texts of {size} bytes in a file of {file_size}")
    while location + HEADER <= end:
        index, _, _, length = OBJECT.unpack_from(content, location)
        taken = length if index == 0 else HEADER + -(-length // 8) * 8  # object 0 is what is free, with its header
        if taken < HEADER or location + taken > end:
            raise ValueError(f"a heap of texts with an object of {length} bytes")
        location += taken


@contextmanager
def little_growth() -> Iterator[None]:
    """Within, this process gets no more than MOST_GROWTH of memory beyond what it has, where the system can say so."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with suppress(OSError, ValueError):
        has = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        limits = [has + MOST_GROWTH, *(limit for limit in before if limit != resource.RLIM_INFINITY)]
        resource.setrlimit(resource.RLIMIT_AS, (min(limits), before[1]))
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, before)
