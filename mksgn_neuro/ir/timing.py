"""What a network makes of time, for people and machines: frames a second, window, latency and memory, in seconds too.

A network that takes several time steps per frame (pass `interleave`) remembers and answers in steps; seconds are real.
"""

from __future__ import annotations

from mksgn_neuro.ir.memory import Memory, in_seconds, memory_of
from mksgn_neuro.ir.network import Network
from mksgn_neuro.ir.task import Task


def timing_json(network: Network) -> dict:
    """For `--json`: rate, window and memory; seconds are None where no rate is known."""
    task, memory = network.task, memory_of(network)
    steps = _steps_per_second(task)
    seconds = {"seconds": _over(memory.frames, steps), "latency_seconds": _over(memory.latency_steps, steps)}
    said = {name: getattr(task, name) if task else None for name in ("rate", "window", "steps_per_frame")}
    return {**said, "memory": {**memory.as_json(), **seconds}}


def timing_lines(network: Network) -> list[str]:
    """The same in two lines."""
    task, memory = network.task, memory_of(network)
    unit = "steps" if task and task.steps_per_frame > 1 else "frames"
    remembered = memory.described(_steps_per_second(task), unit)
    return [f"time: {_takes(task)}{_answers(memory, task)}", f"memory: {remembered}"]


def _steps_per_second(task: Task | None) -> float | None:
    return None if task is None or task.rate is None else task.rate * task.steps_per_frame


def _takes(task: Task | None) -> str:
    if task is None:
        return ""
    if task.rate is None:
        return f"no frame rate, trained on clips stretched to {task.frames} frames, all of which decide; "
    window = "all frames of the clip" if task.window is None else f"the last {task.window} frames"
    return f"{task.rate:g} frames a second, {window}{in_seconds(task.window, task.rate)} decide; "


def _answers(memory: Memory, task: Task | None) -> str:
    steps = _steps_per_second(task)
    seconds = ""
    if steps is not None:
        per_frame = "one step" if task.steps_per_frame == 1 else f"{task.steps_per_frame} steps"
        seconds = f" = {memory.latency_steps / steps:.2f} s at {per_frame} per frame"
    return f"answers {memory.latency_steps} steps after a frame{seconds}"


def _over(steps: int | None, per_second: float | None) -> float | None:
    return None if steps is None or per_second is None else steps / per_second
