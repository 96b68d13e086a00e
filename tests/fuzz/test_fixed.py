"""A small fixed set of what `make fuzz` tries: each damaged file is read or refused in one line, whatever it holds."""

import os
import subprocess
import sys

import pytest

from tests.fuzz.run import EVERY, outcome

CASES = 20


def test_damaged_files_are_read_or_refused():
    """In a process of its own: numba's threads of other tests do not survive a fork."""
    environment = {**os.environ, "NUMBA_THREADING_LAYER": "workqueue", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.fuzz.run", str(CASES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 2 + len(EVERY)  # a row for each reader, under the heading


def _fills_memory(path):
    return bytearray(3 << 29)


def _spins(path):
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (1, 2))
    while True:
        pass


def _dies(path):
    import os
    import signal

    os.kill(os.getpid(), signal.SIGUSR1)  # faulthandler would print of a SIGSEGV


def _raises(path):
    raise KeyError(path)


@pytest.mark.parametrize(
    ("read", "expected"), [(_spins, ("hang", False)), (_dies, ("crash", False)), (_raises, ("traceback", False)),
                           (len, ("traceback", False))],
)  # fmt: skip
def test_the_counts_count(tmp_path, read, expected):
    assert outcome(read, tmp_path / "x")[:2] == expected


def test_memory_is_counted(tmp_path):
    """In a process of its own: a child that is forked from a large one begins with an unknown part of its memory."""
    count = (
        "from pathlib import Path\n"
        "from tests.fuzz.test_fixed import _fills_memory, outcome\n"
        "print(outcome(_fills_memory, Path('x'))[:2])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", count], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout == "('read', True)\n", done.stderr
