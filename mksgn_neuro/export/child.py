"""Run a module's work in a process of its own, and never hang.

Lava forks one OS process per Lava process, keeps files open and can wait for ever when one of them fails
(docs/design.md#lava-processes). So whatever runs Lava runs here: a fresh interpreter in its own process group, arrays
in, arrays out, a limit to its CPU time, and the whole group killed at the end whatever happened to it or to us.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from mksgn_neuro.errors import WorkFailed
from mksgn_neuro.processes.guarded import Guard
from mksgn_neuro.processes.watch import Watch

GRACE_AFTER_TRACEBACK = 10.0  # seconds; a Lava process that raised leaves the others waiting for it
LOOK_SECONDS = 0.5
TRACEBACK = "Traceback (most recent call last)"
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMBA")}

Arrays = Mapping[str, np.ndarray]


class ChildFailed(WorkFailed):
    """The child raised, ended or ran past its limit; `log` is all that it printed, tracebacks included."""

    def __init__(self, module: str, problem: str, log: str) -> None:
        self.log = log
        super().__init__(f"{problem}\n{log.rstrip()}" if TRACEBACK in log else problem, location=module)


def run_child(module: str, payload: Arrays | Callable[[Path], Arrays], limit: float) -> dict[str, np.ndarray]:
    """Call `serve` of `python -m module` on `payload` (no object arrays) and return the arrays that it answers.

    A payload that goes by files is a function of the folder to write them to. Raises ChildFailed, with what the child
    printed, where it fails, is stopped, hangs, or one of its processes has used `limit` seconds of CPU time.
    """
    with Guard("mksgn-child-", _environment()) as guard:
        request, answer, log = (guard.folder / name for name in ("request.npz", "answer.npz", "log"))
        _save(request, payload(guard.folder) if callable(payload) else payload)
        log.touch()
        guard.start([sys.executable, "-m", module, str(request), str(answer)], log)
        problem = _wait(guard, log, limit)
        if problem or not answer.exists():
            raise ChildFailed(module, problem or "ended without an answer", log.read_text(errors="replace"))
        return _load(answer)


def serve(work: Callable[[dict[str, np.ndarray]], Arrays]) -> None:
    """The child's side: read the request named on the command line, do the work, leave the answer."""
    request, answer = sys.argv[1:]
    result = work(_load(request))
    unfinished = Path(answer).with_name("unfinished.npz")
    _save(unfinished, result)
    os.replace(unfinished, answer)


def _wait(guard: Guard, log: Path, limit: float) -> str | None:
    """None once the child ended well, else what went wrong."""
    watch, raised = Watch(guard.pid, limit), None
    while (message := guard.listen(LOOK_SECONDS)) == {}:
        if problem := watch.look():
            return problem
        if raised is None and TRACEBACK in log.read_text(errors="replace"):
            raised = time.monotonic()
        if raised is not None and time.monotonic() - raised > GRACE_AFTER_TRACEBACK:
            return "raised in one of its processes and hung"
    return "lost the process that guards it" if message is None else _ending(message["status"])


def _ending(status: int) -> str | None:
    if status == -signal.SIGKILL:
        return "was killed, as the system does when memory runs out"
    if status < 0:
        return f"crashed ({signal.Signals(-status).name})"
    return None if status == 0 else f"failed with status {status}"


def _save(path: str | Path, arrays: Arrays) -> None:
    # The prefix keeps a name like "file" from being taken for savez's own argument.
    np.savez(path, **{f"array.{name}": array for name, array in arrays.items()})


def _load(path: str | Path) -> dict[str, np.ndarray]:
    with np.load(path) as arrays:
        return {name.removeprefix("array."): array for name, array in arrays.items()}


def _environment() -> dict[str, str]:
    """One thread per process, for there are many; this package importable wherever it was started from."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(paths)}
