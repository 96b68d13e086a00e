"""What single time steps of a stream cost: spikes of each population, synaptic operations, joules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.chip.energy import PAPER, energy
from mksgn_neuro.chip.profile import Events
from mksgn_neuro.ir import Network

PROFILE = PAPER  # of its events, synaptic operations, every step's are known at once


@dataclass(frozen=True)
class Cost:
    """`spikes` int64 (populations,) in the network's order; synaptic operations of spikes and of graded input."""

    spikes: np.ndarray
    acs: int
    macs: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.spikes + other.spikes, self.acs + other.acs, self.macs + other.macs)

    @property
    def joules(self) -> float:
        """At the prices of PROFILE."""
        return energy(Events(acs=self.acs, macs=self.macs), PROFILE).joules_per_sample


class Pricing:
    """Counts each step of one network; over a whole stream its costs add up to what `simulate` counts."""

    def __init__(self, network: Network) -> None:
        self._names = [p.name for p in network.populations]
        self._source, self._graded = network.source.name, network.source.message_bits > 0
        sizes = {self._source: network.source.size, **{p.name: p.size for p in network.populations}}
        self._reached = {name: np.zeros(size, dtype=np.int64) for name, size in sizes.items()}
        for q in network.projections:
            self._reached[q.pre] += np.bincount(q.matrix.indices, minlength=q.matrix.shape[1])

    def __call__(self, spikes: Mapping[str, np.ndarray], given: np.ndarray) -> Cost:
        """Of one step: `spikes` (N,) of every population, and the input (channels,) that it got."""
        entered = int(self._reached[self._source][given != 0].sum())
        sent = sum(int(self._reached[name] @ spikes[name]) for name in self._names)
        fired = np.array([int(spikes[name].sum(dtype=np.int64)) for name in self._names], dtype=np.int64)
        return Cost(fired, sent if self._graded else sent + entered, entered if self._graded else 0)
