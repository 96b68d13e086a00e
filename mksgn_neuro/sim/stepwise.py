"""The emulator one frame at a time, for streams that have no end: the same spikes as a batch, at every step."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.ir import Network
from mksgn_neuro.ir.inputs import checked
from mksgn_neuro.sim.machine import Machine, advance
from mksgn_neuro.sim.narrow import narrowed
from mksgn_neuro.sim.plan import build
from mksgn_neuro.sim.readout import Readout
from mksgn_neuro.sim.workspace import allocate, spikes_of


@dataclass(frozen=True)
class StepResult:
    """One time step since the reset: `scores` int64 (classes,), the `decision`, spikes uint8 (N,) per recorded name."""

    step: int
    scores: np.ndarray
    decision: int
    spikes: dict[str, np.ndarray]


class StepEmulator:
    """Holds a network's state between frames; delayed spikes wait in a ring of as many rows as the longest delay.

    Scores count the readout's spikes since the reset, or over the last `window` steps.
    """

    def __init__(self, network: Network, *, record: Iterable[str] | str = (), window: int | None = None) -> None:
        self.network = network
        self.plan = build(network)
        self.readout = Readout.of(network)
        self.names = [p.name for p in network.populations] if record == "all" else list(record)
        rows = 1 << self.plan.max_lag.bit_length()
        self.window = window
        self.work = allocate(self.plan, rows, network.source.size, ring=True)
        sends = (*network.source.payloads, self.plan.slots.get(network.source.name, -1))
        slots = self.plan.slots[self.readout.name] + self.readout.neurons
        self.machine = Machine(narrowed(self.plan.tables), self.work, slots, self.readout.class_of, sends)
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next frame is the first."""
        self.next_step = 0
        self.scores = np.zeros(self.readout.classes, dtype=np.int64)
        self.recent: deque[np.ndarray] = deque()

    def step(self, frame: np.ndarray) -> StepResult:
        """Advance by one frame (N_in,), integers. Raises BadInput as `Emulator.run` does."""
        t, given = self.next_step, np.asarray(frame)
        if given.shape != (self.network.source.size,) or given.dtype.kind not in "iu":
            given = checked(self.network.source, given[None])[0]
        class_spikes = np.zeros(self.readout.classes, dtype=np.int64)
        if not advance(self.machine, np.ascontiguousarray(given, dtype=np.int64), t, class_spikes):
            checked(self.network.source, given[None])
        self.next_step = t + 1
        if t >= self.readout.first:
            self._count(class_spikes)
        spikes = {name: self._spikes(name, t) for name in self.names}
        return StepResult(t, self.scores, int(self.scores.argmax()), spikes)

    def _count(self, class_spikes: np.ndarray) -> None:
        self.scores = self.scores + class_spikes
        if self.window is not None:
            self.recent.append(class_spikes)
            if len(self.recent) > self.window:
                self.scores -= self.recent.popleft()

    def _spikes(self, name: str, t: int) -> np.ndarray:
        row = t & self.work.row_mask
        return spikes_of(self.network, self.plan, self.work, name, slice(row, row + 1))[0]


def run_stepwise(network: Network, stream: np.ndarray) -> dict[str, np.ndarray]:
    """A whole stream (T, N_in), frame by frame; spikes uint8 (T, N) of every population."""
    emulator = StepEmulator(network, record="all")
    spikes = {p.name: np.zeros((len(stream), p.size), np.uint8) for p in network.populations}
    for t, frame in enumerate(stream):
        for name, fired in emulator.step(frame).spikes.items():
            spikes[name][t] = fired
    return spikes
