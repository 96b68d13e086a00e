"""How this process ends early: a signal becomes an exception, so that every `finally` on the way out is run."""

from __future__ import annotations

import signal
from types import FrameType

ASKED_TO_STOP = (signal.SIGTERM, signal.SIGHUP)


class Terminated(BaseException):
    """SIGTERM or SIGHUP came; like KeyboardInterrupt nothing but the command line catches it."""

    def __init__(self, number: int) -> None:
        self.name, self.exit_code = signal.Signals(number).name, 128 + number
        super().__init__(self.name)


def raise_on_signals() -> None:
    """From now on a signal that asks this process to stop ends it as Ctrl-C does. SIGHUP under nohup stays ignored."""
    for number in ASKED_TO_STOP:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _raise)


def end_by_myself() -> None:
    """From now on be deaf to such signals: this process ends anyway, and they must not interrupt its clean-up."""
    for number in ASKED_TO_STOP:
        signal.signal(number, signal.SIG_IGN)


def _raise(number: int, _: FrameType | None) -> None:
    end_by_myself()
    raise Terminated(number)
