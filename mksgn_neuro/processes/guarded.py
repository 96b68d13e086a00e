"""Temporary folders and child processes that go away with this process, however it ends: see `guard`."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mksgn_neuro.errors import BadInput

GUARD = Path(__file__).with_name("guard.py")
CLOSE_SECONDS = 30.0


class Guard:
    """The parent's end of one guard process, `pid`: until `close`, `folder` is there and what was started runs."""

    def __init__(self, prefix: str, environment: Mapping[str, str] | None = None) -> None:
        parent = tempfile.gettempdir()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), parent, prefix],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=None if environment is None else dict(environment),
            start_new_session=True,  # so that Ctrl-C reaches this process first
        )
        self._heard = b""
        self.pid, self._group = self._process.pid, 0
        answer = self.listen(None) or {"problem": "its guard process did not start"}
        if "problem" in answer:
            self._process.wait()
            hint = "point TMPDIR to a writable folder with enough space"
            raise BadInput(f"no temporary folder ({answer['problem']})", hint=hint)
        self.folder = Path(answer["folder"])

    def start(self, command: list[str], log: Path) -> None:
        """Run the command in a process group of its own, its output in `log`; its end is a message, `status`."""
        request = {"command": command, "log": str(log)}
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        self._group = (self.listen(None) or {}).get("pid", 0)

    def listen(self, seconds: float | None) -> dict | None:
        """The next message, {} if there is none in that time, None once the guard has ended."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while b"\n" not in self._heard:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self._process.stdout], [], [], left)[0]:
                return {}
            more = os.read(self._process.stdout.fileno(), 4096)
            if not more:
                return None
            self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        return json.loads(line)

    def close(self) -> None:
        """End what was started, remove the folder, and wait until that is done."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            well = self._process.wait(CLOSE_SECONDS) == 0
        except subprocess.TimeoutExpired:
            well = False
        finally:
            self._process.stdout.close()
        if not well:  # somebody has killed the guard
            if self._group:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._group, signal.SIGKILL)
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def scratch_folder(prefix: str = "mksgn-") -> Iterator[Path]:
    """A temporary folder that is removed at the end, and also where this process is killed."""
    with Guard(prefix) as guard:
        yield guard.folder
