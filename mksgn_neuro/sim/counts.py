"""What an emulation counts while it runs; counts of several runs add up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np


@dataclass(frozen=True)
class Counts:
    """Events of `clips` clips, `steps` time steps in all.

    `spikes` maps each population to the spikes of its neurons, int64 (N,), and the source to how often each input
    was not zero. `max_step_spikes` has each population's busiest step, `max_step_synops` the busiest step of the
    network, in synapses that the spikes sent at that step reach.
    """

    clips: int
    steps: int
    spikes: dict[str, np.ndarray]
    max_step_spikes: dict[str, int]
    max_step_synops: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.clips + other.clips,
            self.steps + other.steps,
            {name: own + other.spikes[name] for name, own in self.spikes.items()},
            {name: max(own, other.max_step_spikes[name]) for name, own in self.max_step_spikes.items()},
            max(self.max_step_synops, other.max_step_synops),
        )


def total(counts: list[Counts]) -> Counts:
    """The sum of one or more."""
    return reduce(Counts.__add__, counts)
