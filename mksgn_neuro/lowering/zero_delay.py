"""Pass: time steps to frames, the inverse of `balance_delays`, so that what was read may go through all passes."""

from __future__ import annotations

from dataclasses import replace

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.ir import Network, Projection


def zero_delay(network: Network) -> Network:
    """The network without transmission delay, of which `balance_delays` makes the given one again.

    Raises Unsupported where a spike skips levels and comes before those that went through them: each population then
    sees several times at once, which no frame is.
    """
    if network.transmission_delay == 0:
        return network
    return network.with_(transmission_delay=0, projections=tuple(_zero_delay(network, q) for q in network.projections))


def _zero_delay(network: Network, q: Projection) -> Projection:
    hops = 0 if q.pre == q.post else network.level[q.post] - network.level[q.pre]
    delay = q.delay + 1 - hops
    if delay < 0:
        raise Unsupported(
            f"skips {hops - 1} levels and arrives {-delay} steps before the spikes that go through them",
            location=f"{q.pre} → {q.post}",
            hint=f"give it a delay of at least {hops - 1}",
        )
    return replace(q, delay=delay)
