"""What a network makes of time, for people and machines: frames a second, window, latency and memory, in seconds too.

Steps and frames are the same number of seconds where each time step gets a frame, as on a stream without resets.
"""

from __future__ import annotations

from mksgn_neuro.ir.memory import Memory, in_seconds, memory_of
from mksgn_neuro.ir.network import Network, Task


def timing_json(network: Network) -> dict:
    """For `--json`: rate, window and memory; seconds are None where no rate is known."""
    task, memory = network.task, memory_of(network)
    rate = task.rate if task else None
    seconds = {"seconds": _over(memory.frames, rate), "latency_seconds": _over(memory.latency_steps, rate)}
    return {"rate": rate, "window": task.window if task else None, "memory": {**memory.as_json(), **seconds}}


def timing_lines(network: Network) -> list[str]:
    """The same in two lines."""
    task, memory = network.task, memory_of(network)
    rate = task.rate if task else None
    return [f"time: {_takes(task)}{_answers(memory, rate)}", f"memory: {memory.described(rate)}"]


def _takes(task: Task | None) -> str:
    if task is None:
        return ""
    if task.rate is None:
        return f"no frame rate, trained on clips stretched to {task.frames} frames, all of which decide; "
    window = "all frames of the clip" if task.window is None else f"the last {task.window} frames"
    return f"{task.rate:g} frames a second, {window}{in_seconds(task.window, task.rate)} decide; "


def _answers(memory: Memory, rate: float | None) -> str:
    seconds = "" if rate is None else f" = {memory.latency_steps / rate:.2f} s at one step per frame"
    return f"answers {memory.latency_steps} steps after a frame{seconds}"


def _over(frames: int | None, rate: float | None) -> float | None:
    return None if frames is None or rate is None else frames / rate
