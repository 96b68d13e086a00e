"""Errors that a user can cause. The command line prints them as one line; everything else is a bug."""

from __future__ import annotations


class UserError(Exception):
    """Base of what users can cause: what is wrong, where, and what to do about it.

    `exit_code` is the process's exit status (docs/design.md#exit-status): 2 for bad usage or input, 1 for failed work.
    """

    exit_code = 2

    def __init__(self, problem: str, *, location: str = "", hint: str = "") -> None:
        self.problem, self.location, self.hint = problem, location, hint
        parts = [f"{location}: {problem}" if location else problem]
        if hint:
            parts.append(hint)
        super().__init__("; ".join(parts))


class BadInput(UserError):
    """A file or value from the user cannot be used."""


class Unsupported(UserError):
    """A legal request that this compiler does not lower; the hint names the alternative."""


class WorkFailed(UserError):
    """The command ran and its answer is no: a check differs, a network does not fit."""

    exit_code = 1
