"""What a reader has to say about a file that it could read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something in a file that is ignored, changed or refused by whoever runs it, and what that means."""

    location: str
    problem: str

    def __str__(self) -> str:
        return f"{self.location}: {self.problem}"
