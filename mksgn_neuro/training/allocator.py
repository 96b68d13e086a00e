"""Keep freed memory in the process while it trains.

Every step allocates and frees the same tensors of several megabytes. glibc gives such blocks back to the system at
once, and each step pays for their pages again: a quarter of a step's time (`python -m benchmarks.training` shows it).
"""

from __future__ import annotations

import ctypes
import sys

# malloc.h of glibc
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
NEVER, AT_ONCE = 2**31 - 1, 2**28  # bytes


def keep_freed_memory() -> bool:
    """Ask glibc for it; False where the C library is another."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # musl
        return False
    options = ((M_MMAP_THRESHOLD, NEVER), (M_TRIM_THRESHOLD, NEVER), (M_TOP_PAD, AT_ONCE))
    accepted = [mallopt(option, value) for option, value in options]  # every one is asked for
    return all(accepted)
