"""A lock ends with its owner."""

import os
import signal
import subprocess
import sys

import pytest

from mksgn_neuro.processes.locks import Busy, locked

OWNER = """
import sys, time
from pathlib import Path
from mksgn_neuro.processes.locks import locked
with locked(Path(sys.argv[1]), 0, "busy", "wait"):
    print("held", flush=True)
    time.sleep(1000)
"""


def test_a_lock_keeps_others_out_until_its_owner_is_killed(tmp_path):
    file = tmp_path / "a folder" / ".lock"
    file.parent.mkdir()
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(file)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()}
    )
    assert owner.stdout.readline() == b"held\n"
    with pytest.raises(Busy, match="busy"), locked(file, 0, "busy", "wait"):
        pass
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    with locked(file, 0, "busy", "wait"):
        pass
