"""Bars: one kind for every command, and none under --quiet or without a terminal."""

import io

import pytest
from rich.console import Console

from mksgn_neuro.commands import progress
from mksgn_neuro.workflows.checks import Planned, carried_out
from mksgn_neuro.workflows.equivalence import EquivalenceCheck


@pytest.fixture
def terminal(monkeypatch):
    """Sets whether stderr is a terminal and quiet, and gives what was written to it."""

    def set_up(*, is_terminal: bool, quiet: bool = False) -> io.StringIO:
        written = io.StringIO()
        console = Console(file=written, force_terminal=is_terminal, quiet=quiet, width=100)
        monkeypatch.setattr(progress, "stderr", lambda: console)
        return written

    return set_up


def compare_two() -> list[EquivalenceCheck]:
    planned = [Planned(name, lambda name=name: EquivalenceCheck("reference", name)) for name in ("emulator", "SLAYER")]
    with progress.comparing() as watch:
        return list(carried_out(planned, watch))


def count_to_two() -> None:
    with progress.counting("reading") as counted:
        counted(1, 2)
        counted(2, 2)


def train_a_step() -> None:
    with progress.TrainingDisplay() as display:
        step = {"stage": "float", "epoch": 0, "epochs": 1, "steps": 2, "step": 1, "loss": 1.0, "accuracy": 0.5}
        display.report("step", step)


def test_a_terminal_sees_what_is_done_and_of_how_much(terminal):
    written = terminal(is_terminal=True)
    assert [check.target for check in compare_two()] == ["emulator", "SLAYER"]
    count_to_two()
    train_a_step()
    shown = written.getvalue()
    assert all(words in shown for words in ("comparing: ", "/2", "reading", "float", "loss 1.000", "-:--:--"))


@pytest.mark.parametrize("how", [{"is_terminal": False}, {"is_terminal": True, "quiet": True}])
def test_without_a_terminal_or_quiet_not_even_an_empty_line_is_written(terminal, how):
    written = terminal(**how)
    compare_two()
    count_to_two()
    train_a_step()
    assert written.getvalue() == ""


def test_a_bar_that_nothing_was_told_never_appears(terminal):
    written = terminal(is_terminal=True)
    with progress.comparing():
        count_to_two()  # another one meanwhile
    assert "comparing" not in written.getvalue() and "reading" in written.getvalue()
