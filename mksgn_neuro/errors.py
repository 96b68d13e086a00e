"""Errors that a user can cause. The command line prints them as one line; everything else is a bug."""

from __future__ import annotations


def printable(text: str, keep: str = "") -> str:
    """The text with all but printable characters, and those in `keep`, as escapes: a terminal obeys the others."""
    escaped = (c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)
    return "".join(escaped)


class UserError(Exception):
    """Base of what users can cause: what is wrong, where, and what to do about it; control characters as escapes.

    `exit_code` is the process's exit status (docs/design.md#exit-status): 2 for bad usage or input, 1 for failed work.
    """

    exit_code = 2

    def __init__(self, problem: str, *, location: str = "", hint: str = "") -> None:
        self.problem, self.location, self.hint = (printable(words, keep="\n") for words in (problem, location, hint))
        parts = [f"{self.location}: {self.problem}" if location else self.problem]
        if hint:
            parts.append(self.hint)
        super().__init__("; ".join(parts))


class BadInput(UserError):
    """A file or value from the user cannot be used."""


class Unsupported(UserError):
    """A legal request that this compiler does not lower; the hint names the alternative."""


class WorkFailed(UserError):
    """The command ran and its answer is no: a check differs, a network does not fit."""

    exit_code = 1
