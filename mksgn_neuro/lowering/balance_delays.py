"""Pass: frames to time steps. Every hop costs a step; delay on shorter paths makes all paths of a pair equal.

Spikes are the same, each population's shifted by its level.
"""

from __future__ import annotations

from dataclasses import replace

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.ir import Network, Projection
from mksgn_neuro.ir.spec import MAX_DELAY


def balance_delays(network: Network) -> Network:
    """The network in time steps (transmission delay 1); raises Unsupported where a delay would exceed the chip's."""
    if network.transmission_delay == 1:
        return network
    return network.with_(transmission_delay=1, projections=tuple(_in_steps(network, q) for q in network.projections))


def _in_steps(network: Network, q: Projection) -> Projection:
    hops = 0 if q.pre == q.post else network.level[q.post] - network.level[q.pre]
    delay = q.delay + hops - 1
    if delay > MAX_DELAY:
        raise Unsupported(
            f"needs a delay of {delay} steps, the chip has {MAX_DELAY}",
            location=f"{q.pre} → {q.post}",
            hint="use fewer taps, a smaller dilation, or fewer levels per block",
        )
    return replace(q, delay=delay)


def steps_per_sample(network: Network, frames: int, *, power_of_two: bool = True) -> int:
    """Time steps from one sample to the next: its frames and the flush after them.

    The hardware's reset wants a power of two (docs/design.md#time).
    """
    steps = frames + network.drain_steps
    return 1 << (steps - 1).bit_length() if power_of_two else steps
