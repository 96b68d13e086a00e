"""Arrays in memory-mapped files of any size, read a few rows at a time.

Pages of a mapped file that were touched count as this process's memory until somebody gives them back: without that, a
run that has seen every clip once holds all of them. The system keeps them cached, so that reading them again is cheap.
"""

from __future__ import annotations

import mmap

import numpy as np


def rows_of(array: np.ndarray, chosen: slice | np.ndarray) -> np.ndarray:
    """Rows of an array; of a memory-mapped file a copy, after which none of its pages is held."""
    rows = array[chosen]
    if isinstance(array, np.memmap):
        rows = np.array(rows)
        let_go(array)
        return rows
    return rows.view()


def let_go(array: np.memmap) -> None:
    """Hold none of its pages any more; what was written into them stays, where it is mapped to be written."""
    if hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
        array._mmap.madvise(mmap.MADV_DONTNEED)
