import os
import time
from pathlib import Path

import numpy as np
import pytest

from mksgn_neuro.export.child import ChildFailed, run_child

MODULE = "tests.export.children"


def is_alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_arrays_go_there_and_back():
    answer = run_child(MODULE, {"what": np.array("double"), "x": np.arange(3)}, timeout=60)
    assert answer["x"].tolist() == [0, 2, 4]


def test_traceback_is_in_the_error():
    with pytest.raises(ChildFailed, match="ZeroDivisionError") as caught:
        run_child(MODULE, {"what": np.array("raise")}, timeout=60)
    assert "in divide" in caught.value.log
    assert caught.value.exit_code == 1


def test_death_without_a_word_is_an_error():
    with pytest.raises(ChildFailed, match="status 7"):
        run_child(MODULE, {"what": np.array("exit")}, timeout=60)
    with pytest.raises(ChildFailed, match="was killed.*memory"):
        run_child(MODULE, {"what": np.array("be_killed")}, timeout=60)
    with pytest.raises(ChildFailed, match="without an answer"):
        run_child(MODULE, {"what": np.array("vanish")}, timeout=60)


def test_hanging_child_and_its_children_are_killed(tmp_path):
    began = time.monotonic()
    with pytest.raises(ChildFailed, match="within 4 s"):
        run_child(MODULE, {"what": np.array("hang"), "file": np.array(str(tmp_path / "pids"))}, timeout=4)
    assert time.monotonic() - began < 30
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2 and os.getpid() not in pids
    # a grandchild that was killed is nobody's to wait for and dies when it is scheduled
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_alive(pid) for pid in pids)


def test_child_whose_fork_raised_ends_before_its_limit(monkeypatch):
    monkeypatch.setattr("mksgn_neuro.export.child.GRACE_AFTER_TRACEBACK", 0.5)
    began = time.monotonic()
    with pytest.raises(ChildFailed, match="KeyError: 'in a fork'"):
        run_child(MODULE, {"what": np.array("fork_raises")}, timeout=200)
    assert time.monotonic() - began < 60
