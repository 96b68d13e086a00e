import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from mksgn_neuro.export.child import ChildFailed, run_child
from mksgn_neuro.processes.guarded import Guard

MODULE = "tests.export.children"


def is_alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_arrays_go_there_and_back():
    answer = run_child(MODULE, {"what": np.array("double"), "x": np.arange(3)}, limit=60)
    assert answer["x"].tolist() == [0, 2, 4]


def test_traceback_is_in_the_error():
    with pytest.raises(ChildFailed, match="ZeroDivisionError") as caught:
        run_child(MODULE, {"what": np.array("raise")}, limit=60)
    assert "in divide" in caught.value.log
    assert caught.value.exit_code == 1


def test_death_without_a_word_is_an_error():
    with pytest.raises(ChildFailed, match="status 7"):
        run_child(MODULE, {"what": np.array("exit")}, limit=60)
    with pytest.raises(ChildFailed, match="was killed.*memory"):
        run_child(MODULE, {"what": np.array("be_killed")}, limit=60)
    with pytest.raises(ChildFailed, match="without an answer"):
        run_child(MODULE, {"what": np.array("vanish")}, limit=60)


def asked(what, folder):
    return {"what": np.array(what), "file": np.array(str(folder / "pids"))}


def pids_in(folder, count):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = (folder / "pids").read_text().split() if (folder / "pids").exists() else []
        if len(found) >= count:
            return [int(pid) for pid in found]
        time.sleep(0.05)
    raise AssertionError("the child did not start")


def test_hanging_child_and_its_children_are_killed(monkeypatch, tmp_path):
    monkeypatch.setattr("mksgn_neuro.processes.watch.IDLE_SECONDS", 2.0)
    began = time.monotonic()
    with pytest.raises(ChildFailed, match="hangs: it did nothing for 2 s"):
        run_child(MODULE, asked("hang", tmp_path), limit=1000)
    assert time.monotonic() - began < 60
    pids = pids_in(tmp_path, 2)
    assert len(pids) == 2 and os.getpid() not in pids
    assert not any(is_alive(pid) for pid in pids)


def test_limit_is_of_cpu_time(monkeypatch, tmp_path):
    with pytest.raises(ChildFailed, match="within 1 s of CPU time"):
        run_child(MODULE, asked("compute", tmp_path), limit=1)
    monkeypatch.setattr("mksgn_neuro.export.child.LOOK_SECONDS", 0.05)
    assert not run_child(MODULE, asked("sleep", tmp_path), limit=1.9)  # three seconds of the clock


def test_crash_is_said_in_one_line():
    with pytest.raises(ChildFailed, match=r"crashed \(SIGSEGV\)$"):
        run_child(MODULE, {"what": np.array("segfault")}, limit=60)


def test_stopped_child_is_noticed(monkeypatch, tmp_path):
    monkeypatch.setattr("mksgn_neuro.processes.watch.STOPPED_SECONDS", 0.5)
    with pytest.raises(ChildFailed, match=r"stopped from outside for \d s \(SIGSTOP\)$"):
        run_child(MODULE, asked("stop", tmp_path), limit=1000)
    assert not any(is_alive(pid) for pid in pids_in(tmp_path, 1))


PARENT = """
import sys
from pathlib import Path
import numpy as np
from mksgn_neuro.export.child import run_child
from mksgn_neuro.processes.ending import raise_on_signals
raise_on_signals()
run_child("tests.export.children", {"what": np.array("hang"), "file": np.array(sys.argv[1])}, 1000)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_child_goes_with_its_parent_and_leaves_nothing(number, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    shared = set(os.listdir("/dev/shm"))
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "pids")],
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.getcwd()},
        stderr=subprocess.DEVNULL,
    )
    pids = pids_in(tmp_path, 2)
    assert len(list(temporary.iterdir())) == 1
    segments = [name for name in set(os.listdir("/dev/shm")) - shared if name in (tmp_path / "pids.shm").read_text()]
    assert len(segments) == 1
    parent.send_signal(number)
    assert parent.wait(30) != 0
    deadline = time.monotonic() + 30  # a killed parent waits for nothing
    while (any(map(is_alive, pids)) or any(temporary.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_alive, pids)) and not any(temporary.iterdir())
    assert not set(segments) & set(os.listdir("/dev/shm"))


def test_folder_goes_where_the_guard_was_killed_first(tmp_path):
    with Guard("mksgn-test-") as guard:
        guard.start([sys.executable, "-c", "import time; time.sleep(1000)"], guard.folder / "log")
        child = psutil.Process(guard.pid).children()[0]
        os.kill(guard.pid, signal.SIGKILL)
    assert not guard.folder.exists()
    child.wait(10)


def test_child_whose_fork_raised_ends_before_its_limit(monkeypatch):
    monkeypatch.setattr("mksgn_neuro.export.child.GRACE_AFTER_TRACEBACK", 0.5)
    began = time.monotonic()
    with pytest.raises(ChildFailed, match="KeyError: 'in a fork'"):
        run_child(MODULE, {"what": np.array("fork_raises")}, limit=200)
    assert time.monotonic() - began < 60
