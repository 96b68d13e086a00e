"""Whether attention does anything: how often its gates are open, and how far that depends on the action."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

ALWAYS, NEVER = 0.95, 0.05  # a gate that is open more or less often than that tells hardly anything
SHUFFLES = 20


@dataclass(frozen=True)
class GateUse:
    """Gates of one network: `opened`, the mean share of frames; `always` and `never`, shares of the gates outside
    NEVER to ALWAYS.
    """

    gates: int
    opened: float
    always: float
    never: float

    def as_json(self) -> dict:
        """Plain values."""
        return asdict(self)

    @property
    def finding(self) -> str | None:
        """A line for the user where gates that never move are most of them."""
        idle = self.always + self.never
        if idle <= 0.5:
            return None
        return (
            f"{self.always:.0%} of {self.gates} attention gates are open more than {ALWAYS:.0%} of the time and "
            f"{self.never:.0%} less than {NEVER:.0%}: they do not attend"
        )


def gate_use(opened: np.ndarray) -> GateUse | None:
    """Of the share of frames (gates,) at which each gate is open; None without gates."""
    if not len(opened):
        return None
    return GateUse(len(opened), *(float(part.mean()) for part in (opened, opened > ALWAYS, opened < NEVER)))


def map_distance(opened: np.ndarray, labels: np.ndarray) -> float:
    """How far the classes' gate maps are from the overall one: mean over classes of the mean absolute difference.

    `opened` (N, gates): share of a clip's frames at which each gate is open; labels int (N,).
    """
    overall = opened.mean(axis=0)
    return float(np.mean([np.abs(opened[labels == c].mean(axis=0) - overall).mean() for c in np.unique(labels)]))


def chance_distance(opened: np.ndarray, labels: np.ndarray) -> float:
    """The same with the labels shuffled, mean of SHUFFLES: what differs between groups of clips of any kind."""
    rng = np.random.default_rng(0)
    return float(np.mean([map_distance(opened, rng.permutation(labels)) for _ in range(SHUFFLES)]))
