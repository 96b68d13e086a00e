"""What one process among several knows of itself before it joins them."""

import pytest

from mksgn_neuro.commands.options import stderr
from mksgn_neuro.errors import BadInput, WorkFailed
from mksgn_neuro.processes.together import TIMEOUT, answering, is_first, timeout


@pytest.mark.parametrize(("world", "rank", "speaks"), [(None, None, True), (2, 0, True), (2, 1, False), (1, 0, True)])
def test_only_the_first_process_speaks(monkeypatch, world, rank, speaks):
    for name, value in (("WORLD_SIZE", world), ("RANK", rank)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, str(value))
    assert is_first() == speaks and stderr().quiet == (not speaks)


@pytest.mark.parametrize("said", ["soon", "0", "-3", "inf", "nan", ""])
def test_a_time_to_wait_that_is_none_is_refused(monkeypatch, said):
    monkeypatch.setenv(TIMEOUT, said)
    with pytest.raises(BadInput, match=f"{TIMEOUT}: is '{said}'; give seconds"):
        timeout()


def test_the_time_to_wait_is_half_an_hour_unless_said(monkeypatch):
    monkeypatch.delenv(TIMEOUT, raising=False)
    assert timeout() == 1800
    monkeypatch.setenv(TIMEOUT, "7.5")
    assert timeout() == 7.5


def test_other_errors_than_those_of_waiting_pass(monkeypatch):
    monkeypatch.setattr("mksgn_neuro.processes.together.end_by_myself", lambda: None)
    with pytest.raises(KeyError), answering():
        raise KeyError("x")
    with pytest.raises(WorkFailed, match="another process of this run has ended"), answering():
        raise RuntimeError("Connection closed by peer")
