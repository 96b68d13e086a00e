"""Whether a process and its children get on: by their CPU time, for a busy machine is slow and hangs nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import psutil

STOPPED_SECONDS = 5.0  # a debugger or a batch system may stop a process for a moment
IDLE_SECONDS = 60.0  # of clock time, in which a tree that waits for nothing but itself does not run
IDLE_SHARE = 0.005  # of one core: what a tree uses that only wakes to look whether something has happened


@dataclass
class Watch:
    """Looks at the tree under process `pid`, in which no one process may use more than `limit` seconds of CPU time."""

    pid: int
    limit: float
    _stopped_since: float | None = None
    _idle_since: tuple[float, float] = field(default_factory=lambda: (time.monotonic(), 0.0))

    def look(self) -> str | None:
        """What is wrong, None if nothing is."""
        tree = _tree(self.pid)
        now, used = time.monotonic(), [_seconds(p) for p in tree]
        states = [_status(p) for p in tree]
        if max(used, default=0.0) > self.limit:
            return f"did not finish within {self.limit:g} s of CPU time"
        return self._if_stopped(now, states) or self._if_idle(now, sum(used), states)

    def _if_stopped(self, now: float, states: list[str]) -> str | None:
        if psutil.STATUS_STOPPED not in states:
            self._stopped_since = None
            return None
        self._stopped_since = self._stopped_since or now
        stopped = now - self._stopped_since
        return f"was stopped from outside for {stopped:.0f} s (SIGSTOP)" if stopped > STOPPED_SECONDS else None

    def _if_idle(self, now: float, used: float, states: list[str]) -> str | None:
        """A share of CPU time since the tree last did something; what waits for a disk or has lost a process did."""
        since, before = self._idle_since
        waits = psutil.STATUS_DISK_SLEEP in states
        if waits or abs(used - before) > IDLE_SHARE * max(1.0, now - since):
            self._idle_since = now, used
            return None
        return f"hangs: it did nothing for {now - since:.0f} s" if now - since > IDLE_SECONDS else None


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system


def _status(process: psutil.Process) -> str:
    try:
        return process.status()
    except psutil.Error:
        return ""
