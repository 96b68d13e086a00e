"""What a chip is here: limits, each with its unit, its source and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CONFIDENCE = ("published", "observed", "assumed", "user")


@dataclass(frozen=True)
class Limit:
    """One number of a chip: `confidence` is published, observed, assumed or user."""

    name: str
    value: int
    unit: str
    source: str
    confidence: str


@dataclass(frozen=True)
class Chip:
    """A chip by its limits; `chip["neurons"]` is a limit's value, `chip.limits["neurons"].source` where it is from."""

    name: str
    limits: Mapping[str, Limit]

    @classmethod
    def of(cls, name: str, *limits: tuple[str, int, str, str, str]) -> Chip:
        """From rows with the fields of a Limit."""
        return cls(name, {row[0]: Limit(*row) for row in limits})

    def __getitem__(self, name: str) -> int:
        return self.limits[name].value
