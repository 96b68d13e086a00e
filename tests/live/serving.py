"""`mksgn-neuro stream --serve` as a shell starts it, on a port that is free."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = [sys.executable, "-m", "mksgn_neuro.cli", "stream"]


@contextmanager
def served(model: Path, *options: object, stdin: int = subprocess.DEVNULL) -> Iterator[tuple[subprocess.Popen, int]]:
    """The process and its port; it is ended when the block is."""
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    process = subprocess.Popen(
        [*COMMAND, str(model), "--serve", "0", *map(str, options)], env=environment, text=True, stdin=stdin,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            found = re.search(r"open http://127\.0\.0\.1:(\d+)/", line)
            if found:
                break
        else:
            raise AssertionError("".join(said))
        yield process, int(found[1])
    finally:
        process.kill()
        process.wait()
