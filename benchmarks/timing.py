"""How long things take, in one run and in turns."""

from __future__ import annotations

import time
from collections.abc import Callable


def measure(steps: dict[str, Callable], rounds: int) -> dict[str, list[float]]:
    """Seconds of each round, taken in turns so that a busy machine slows all alike; the first step compiles."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for _ in range(rounds):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - started)
    return seconds
