"""Memory that may be asked for before the system kills for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from mksgn_neuro.errors import UserError

CGROUPS = Path("/sys/fs/cgroup")
VERSION_2 = ("memory.max", "memory.current", "inactive_file")
VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


class NotEnoughMemory(UserError):
    """Work was not begun, for the machine has not the memory that it takes."""

    exit_code = 1


def require_memory(need: float, what: str, hint: str) -> None:
    """Raises NotEnoughMemory where `need` bytes are more than is free."""
    free = free_memory()
    if need > free:
        problem = f"needs about {need / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free"
        raise NotEnoughMemory(problem, location=what, hint=hint)


def free_memory(cgroups: Path = CGROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Bytes: what the machine has without swapping, or less where a control group (a container) allows less."""
    return min([psutil.virtual_memory().available, *_left_in_groups(cgroups, own)])


def _left_in_groups(cgroups: Path, own: Path) -> Iterator[int]:
    """Of each group that this process is in, up to the root: its limit without what it has, caches not counted."""
    try:
        lines = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        return
    for _, controllers, path in (line for line in lines if len(line) == 3):
        if controllers and "memory" not in controllers.split(","):
            continue
        root, names = (cgroups / "memory", VERSION_1) if controllers else (cgroups, VERSION_2)
        inner = root / path.lstrip("/")
        for folder in (inner, *inner.parents):
            left = _left(folder, *names)
            if left is not None:
                yield left
            if folder == root:
                break


def _left(folder: Path, limit: str, used: str, cached: str) -> int | None:
    try:
        most = (folder / limit).read_text().strip()
        if not most.isdigit():  # "max"
            return None
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return max(0, int(most) - int((folder / used).read_text()) + int(stat.get(cached, 0)))
    except (OSError, ValueError):
        return None
