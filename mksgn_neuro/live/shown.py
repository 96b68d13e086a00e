"""What the page is told of each frame: plain values."""

from __future__ import annotations

from collections import deque

import numpy as np

from mksgn_neuro.workflows.answers import Answered, Session
from mksgn_neuro.workflows.cost import Cost

MILLIMETRES = 1000


class Meter:
    """Joules per second: what the frames of the last second cost, at the network's rate."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._joules: deque[float] = deque(maxlen=max(1, round(rate or 1)))

    def reset(self) -> None:
        """Nothing has been seen."""
        self._joules.clear()

    def __call__(self, costs: tuple[Cost, ...]) -> float | None:
        """After more frames; None where no frame was seen yet or the network has no rate."""
        self._joules.extend(cost.joules for cost in costs)
        if self._rate is None or not self._joules:
            return None
        return sum(self._joules) / len(self._joules) * self._rate


def shown_of(answered: Answered, session: Session, joules_per_second: float | None, source: str) -> dict:
    """One frame, or the error of a line, that came from `source`."""
    told = {key: value for key, value in answered.document.items() if key != "scores"} | {"source": source}
    if answered.answer is None:
        return told
    costs = answered.answer.costs
    told |= {"scores": answered.answer.scores.tolist(), "positions": _millimetres(answered.frame.positions, session)}
    if costs:
        told["spikes"] = sum(cost.spikes for cost in costs).tolist()
        told["joules"] = sum(cost.joules for cost in costs)
        told["joules_per_second"] = joules_per_second
    return told


def _millimetres(metres: np.ndarray, session: Session) -> list[list[int] | None]:
    """Joints as the network has them, y up; None for one that is absent, or whose body is."""
    skeleton = session.skeleton
    bodies = metres.reshape(skeleton.bodies, -1, 3)
    gone = np.isnan(metres).any(axis=1)
    if skeleton.bodies > 1:
        gone |= ~bodies.any(axis=(1, 2)).repeat(bodies.shape[1])
    whole = np.round(np.nan_to_num(metres) * MILLIMETRES).clip(-(2**31), 2**31)
    return [None if lost else joint for lost, joint in zip(gone, whole.astype(np.int64).tolist())]
