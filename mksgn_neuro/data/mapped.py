"""Arrays in memory-mapped files of any size, read a few rows at a time.

Pages of a mapped file that were touched count as this process's memory until somebody gives them back: without that, a
run that has seen every clip once holds all of them. The system keeps them cached, so that reading them again is cheap.
"""

from __future__ import annotations

import mmap
import os
import tempfile

import numpy as np

IN_MEMORY = 1 << 24  # bytes that need no file


def rows_of(array: np.ndarray, chosen: slice | np.ndarray) -> np.ndarray:
    """Rows of an array; of a memory-mapped file a copy, after which none of its pages is held."""
    rows = array[chosen]
    if isinstance(array, np.memmap):
        rows = np.array(rows)
        let_go(array)
        return rows
    return rows.view()


def scratch(shape: tuple[int, ...], dtype: object) -> np.ndarray:
    """Zeros to be written to: in memory, or where they are many in a file without a name, gone with the array.

    Raises OSError where there is no room for the file.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size <= IN_MEMORY:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile() as file:
        if hasattr(os, "posix_fallocate"):  # else a full disk would end this process when it writes into the array
            os.posix_fallocate(file.fileno(), 0, size)
        return np.memmap(file, dtype, "w+", shape=shape)


def let_go(array: np.ndarray) -> None:
    """Hold none of a mapped file's pages any more; what was written into them stays, where it is mapped for that."""
    if isinstance(array, np.memmap) and hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
        array._mmap.madvise(mmap.MADV_DONTNEED)
