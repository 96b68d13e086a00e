"""How many cores there are to work on, on every system."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Cores that this process may use; all of the machine's on systems that do not say (macOS, Windows)."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
