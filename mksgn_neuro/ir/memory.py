"""How much of the past a network without loops still sees, for a stream that has no first frame.

Two runs of a network get different inputs up to some frame and the same ones after it. What keeps them apart?

* Delays, exactly: after `delays` frames no spike from before is on its way any more.
* Leaks, v ← trunc0(v·(4096 − v_decay) / 4096) + drive. With v_decay = 4096 nothing is held. With less, two voltages
  that get the same drive differ, as long as both neurons fire in the same steps, by at most
  d ← ⌈d·(4096 − v_decay) / 4096⌉, from the widest range that the voltage has down to ⌊4095 / v_decay⌋ units
  (1/64 of a weight of 1; one unit for every v_decay ≥ 2048). The same holds of currents and i_decay.

No bound on frames follows from that where a decay is not complete. Two things can keep runs apart for ever:

* rounding keeps the last units where the drive lets it;
* a neuron that fires in one run alone is at 0 there and just below its threshold in the other. Neurons that fire in the
  same step are equal again, but under a constant drive that takes several steps to the threshold two phases never
  meet (tests/ir/test_memory.py has both).

So `leaks` says when leaks have faded as far as rounding lets them, and `exact` whether that matters at all. Where every
decay is complete, equal pasts of `frames` frames give equal spikes and states. A neuron whose spikes the present drive
decides whatever its voltage (a relay, an AND gate) counts as complete: its spikes are exact, its voltage need not be.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mksgn_neuro.ir.network import Network, Population, Projection
from mksgn_neuro.ir.spec import MAX_DECAY, synaptic_sum_range

UNITS = 64  # of state per unit of weight, threshold and bias
WIDEST = 2**23 - 1  # largest magnitude of a voltage
NEVER = np.inf  # of a past that is seen for ever
UNSEEN = -np.inf  # of a neuron that no input reaches


@dataclass(frozen=True)
class Memory:
    """What a network remembers, in frames before the present one (time steps where each step gets a frame).

    A spike depends on the present frame and `frames` before it, of which `delays` are the longest path of delays;
    None is for ever. `units` is the voltage difference (1/64 of a weight of 1) that rounding may keep beyond `frames`.
    `latency_steps` is the fixed time from a frame to the readout's answer, not part of `frames`. `loops` names
    populations that feed themselves.
    """

    frames: int | None
    delays: int | None
    units: int
    exact: bool
    latency_steps: int
    loops: tuple[str, ...] = ()

    @property
    def leaks(self) -> int | None:
        """Frames that leaks add to the delays'."""
        return None if self.frames is None or self.delays is None else self.frames - self.delays

    def as_json(self) -> dict:
        """For `inspect --json`."""
        names = ("frames", "delays", "leaks", "exact", "units", "latency_steps", "loops")
        return {name: getattr(self, name) for name in names}

    def described(self, rate: float | None = None, unit: str = "frames") -> str:
        """In one line, with seconds where the frames per second are known; `unit` is what a step of it is."""
        if self.loops:
            return f"without bound, {', '.join(self.loops)} feeds itself"
        if self.exact:
            total = f"exactly {self.frames} {unit}{in_seconds(self.frames, rate)}"
            return f"{total} before the present one, all through delays"
        delays = f"{self.delays} {unit}{in_seconds(self.delays, rate)} through delays"
        more = f"{self.leaks} more{in_seconds(self.leaks, rate)} until leaks have faded"
        faded = "for ever where nothing leaks" if self.leaks is None else more
        return f"{delays}, {faded} (no bound: rounding and the phase of leaky neurons can outlast it)"


def in_seconds(frames: int | None, rate: float | None) -> str:
    """` (0.67 s)`, to stand behind a number of frames; nothing where that or the rate is not known."""
    return "" if frames is None or rate is None else f" ({frames / rate:.2f} s)"


def memory_of(network: Network) -> Memory:
    """The memory of all populations together.

    Follows each neuron's own paths, because in a layered network a level's longest delay need not continue the
    longest of the level before.
    """
    latency = network.transmission_delay * network.level[network.readout]
    loops = tuple(dict.fromkeys(q.post for q in network.projections if q.pre == q.post and q.synapses))
    if loops:
        return Memory(None, None, 0, False, latency, loops)
    present = np.zeros(network.source.size)
    delays, frames, units = {network.source.name: present}, {network.source.name: present}, 0
    for p in network.order:
        delays[p.name] = _latest(network, p, delays)
        fading, rest = _leaks(network, p)
        seen = delays[p.name] > UNSEEN
        frames[p.name] = _latest(network, p, frames) + np.where(seen, fading, 0)
        units = max(units, int(rest[seen].max(initial=0)))
    held = _longest(network, frames)
    return Memory(held, _longest(network, delays), units, held is not None and units == 0, latency)


def _latest(network: Network, p: Population, arrived: dict[str, np.ndarray]) -> np.ndarray:
    """(N,) when the last trace of a frame 0 reaches each neuron, given when it reaches its inputs."""
    latest = np.full(p.size, UNSEEN)
    for q in network.incoming[p.name]:
        rows, starts = _rows(q)
        if len(rows):
            after = np.maximum.reduceat(arrived[q.pre][q.matrix.indices], starts) + network.transmission_delay + q.delay
            latest[rows] = np.maximum(latest[rows], after)
    return latest


def _longest(network: Network, arrived: dict[str, np.ndarray]) -> int | None:
    """Most frames after those that the levels themselves take, None for ever."""
    beyond = [
        arrived[p.name].max(initial=UNSEEN) - network.transmission_delay * network.level[p.name]
        for p in network.populations
    ]
    longest = max(0.0, *beyond)
    return None if longest == NEVER else int(longest)


def _rows(q: Projection) -> tuple[np.ndarray, np.ndarray]:
    """Neurons that a projection reaches and where their synapses begin in its CSR arrays."""
    indptr = q.matrix.indptr
    rows = np.flatnonzero(np.diff(indptr))
    return rows, indptr[rows]


def _leaks(network: Network, p: Population) -> tuple[np.ndarray, np.ndarray]:
    """Per neuron (N,): frames that its leaks add, NEVER without a leak, and the units that rounding may keep."""
    up, down = (sums.max(initial=0) for sums in synaptic_sum_range(network, p))
    sinking = max(0, -int(p.bias.min(initial=0)))
    decays = np.stack([np.broadcast_to(value, (p.size,)) for value in (p.i_decay, p.v_decay)])
    pairs, of = np.unique(decays, axis=1, return_inverse=True)
    found = []
    for i_decay, v_decay in pairs.T.tolist():
        if not i_decay or not v_decay:
            found.append((NEVER, WIDEST))
            continue
        current = UNITS * int(up + down) * MAX_DECAY // i_decay
        lowest = (UNITS * int(down) * MAX_DECAY // i_decay + UNITS * sinking) * MAX_DECAY // v_decay
        found.append(fading(i_decay, v_decay, current, UNITS * p.vth + min(lowest, WIDEST)))
    frames, units = (np.array(column)[of.ravel()] for column in zip(*found))
    free = decided_by_drive(network, p)
    return np.where(free, 0, frames), np.where(free, 0, units)


@lru_cache(maxsize=4096)
def fading(i_decay: int, v_decay: int, current: int, voltage: int) -> tuple[int, int]:
    """Frames that a leak adds until its bound stands still, and the voltage difference, in units, that is left.

    From differences of `current` and `voltage` units on; decays above 0, the same drive, both fire in the same steps.
    The first step with the same drive is not counted: with complete decays it already forgets all.
    """
    u, v, steps = current, voltage, 0
    while True:
        less = _shrunk(u, i_decay)
        now = (less, min(_shrunk(v, v_decay) + less, voltage))
        if now == (u, v):
            return max(steps - 1, 0), v
        (u, v), steps = now, steps + 1


def _shrunk(difference: int, decay: int) -> int:
    """Rounding toward zero can widen a difference by less than one unit, so its bound is rounded up."""
    return -(-difference * (MAX_DECAY - decay) // MAX_DECAY)


def decided_by_drive(network: Network, p: Population) -> np.ndarray:
    """(N,) bool: neurons whose spikes do not depend on the voltage that they have kept.

    A neuron with f synapses of one positive weight w for spikes and a bias ≥ 0 is never below 0. It fires on m + 1
    spikes at once, w·(m + 1) + bias > vth; on m or fewer however often if w·m + bias ≤ vth·v_decay / 4096.
    """
    lowest, highest, synapses = np.full(p.size, NEVER), np.full(p.size, UNSEEN), np.zeros(p.size)
    for q in network.incoming[p.name]:
        rows, starts = _rows(q)
        if not len(rows):
            continue
        graded = q.pre == network.source.name and network.source.message_bits
        weights = q.matrix.data * (NEVER if graded or q.weight_exp < 0 else 2.0**q.weight_exp)
        lowest[rows] = np.minimum(lowest[rows], np.minimum.reduceat(weights, starts))
        highest[rows] = np.maximum(highest[rows], np.maximum.reduceat(weights, starts))
        synapses[rows] += np.diff(q.matrix.indptr)[rows]
    simple = (lowest == highest) & (lowest > 0) & (lowest < NEVER) & (p.bias >= 0) & (p.i_decay == MAX_DECAY)
    weight = np.where(simple, lowest, 1)
    too_few = np.minimum(np.floor((p.vth - p.bias) / weight), synapses)
    return simple & ((weight * too_few + p.bias) * MAX_DECAY <= p.vth * p.v_decay)
