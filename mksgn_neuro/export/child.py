"""Run a module's work in a process of its own, and never hang.

Lava forks one OS process per Lava process, keeps files open and can wait for ever when one of them fails
(docs/design.md#lava-processes). So whatever runs Lava runs here: a fresh interpreter in its own process group, arrays
in, arrays out, a time limit, and the whole group killed at the end whatever happened.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from mksgn_neuro.errors import WorkFailed

GRACE_AFTER_TRACEBACK = 10.0  # seconds; a Lava process that raised leaves the others waiting for it
SELF_DESTRUCT_MARGIN = 5  # seconds after the limit at which an orphaned child ends itself
TRACEBACK = "Traceback (most recent call last)"
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMBA")}

Arrays = Mapping[str, np.ndarray]


class ChildFailed(WorkFailed):
    """The child raised, ended or ran past its limit; `log` is all that it printed, tracebacks included."""

    def __init__(self, module: str, problem: str, log: str) -> None:
        self.log = log
        super().__init__(f"{problem}\n{log.rstrip()}" if log.strip() else problem, place=module)


def run_child(module: str, payload: Arrays, timeout: float) -> dict[str, np.ndarray]:
    """Call `serve` of `python -m module` on `payload` (no object arrays) and return the arrays that it answers.

    Raises ChildFailed after `timeout` seconds at the latest, with what the child printed.
    """
    with tempfile.TemporaryDirectory(prefix="mksgn-child-") as folder:
        request, answer, log = (Path(folder) / name for name in ("request.npz", "answer.npz", "log"))
        _save(request, payload)
        command = [sys.executable, "-m", module, str(request), str(answer), str(timeout)]
        with log.open("wb") as printed:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                env=_environment(),
                start_new_session=True,
            )
        try:
            problem = _wait(child, log, timeout)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        if problem or not answer.exists():
            raise ChildFailed(module, problem or "ended without an answer", log.read_text(errors="replace"))
        return _load(answer)


def serve(work: Callable[[dict[str, np.ndarray]], Arrays]) -> None:
    """The child's side: read the request named on the command line, do the work, leave the answer."""
    request, answer, timeout = sys.argv[1:]
    # If the parent is killed nobody else ends this group.
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGKILL))
    signal.alarm(int(float(timeout)) + SELF_DESTRUCT_MARGIN)
    result = work(_load(request))
    unfinished = Path(answer).with_name("unfinished.npz")
    _save(unfinished, result)
    os.replace(unfinished, answer)


def _wait(child: subprocess.Popen, log: Path, timeout: float) -> str | None:
    """None once the child ended well, else what went wrong."""
    deadline = time.monotonic() + timeout
    raised = False
    while (now := time.monotonic()) < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = child.wait(timeout=min(0.1, deadline - now))
            return _ending(status)
        if not raised and TRACEBACK in log.read_text(errors="replace"):
            raised = True
            deadline = min(deadline, now + GRACE_AFTER_TRACEBACK)
    return "raised in one of its processes and hung" if raised else f"did not finish within {timeout:g} s"


def _ending(status: int) -> str | None:
    if status == -signal.SIGKILL:
        return "was killed, as the system does when memory runs out"
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
