"""Events of a placed network, counted one spike at a time from what another simulator recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mksgn_neuro.chip.placement import Placement, coordinates
from mksgn_neuro.chip.profile import Events
from mksgn_neuro.ir import Network
from mksgn_neuro.sim import reference
from mksgn_neuro.workflows.simulate import silent_steps_after

Spikes = dict[str, np.ndarray]  # population → (T, N)


def recorded(network: Network, streams: Sequence[np.ndarray], reset_interval: int | None) -> list[Spikes]:
    """The definition's spikes on each stream and in the silence after it; the source's input is there too."""
    padded = [np.pad(stream, ((0, silent_steps_after(network)), (0, 0))) for stream in streams]
    runs = [reference.run(network, stream, reset_interval=reset_interval) for stream in padded]
    name = network.source.name
    return [{name: x, **{n: trace.spikes for n, trace in run.items()}} for x, run in zip(padded, runs)]


def events_by_hand(placement: Placement, runs: Sequence[Spikes], samples: int) -> Events:
    """Every spike followed to each synapse and each core that it reaches."""
    mapping = placement.mapping
    network = mapping.network
    x, y = coordinates(mapping.chip, placement.site)
    found = dict.fromkeys(("acs", "macs", "messages", "hops_x", "hops_y", "spikes", "active", "updates"), 0)
    source = network.source.name
    reach = {name: [_reach(placement, name, n) for n in range(network.size_of(name))] for name in runs[0]}
    for run in runs:
        steps = len(run[source])
        touched: dict[str, np.ndarray] = {p.name: np.zeros((steps, p.size), bool) for p in network.populations}
        for name, fired in run.items():
            owner = None if name == source else mapping.owner(name)
            for t, n in zip(*np.nonzero(fired)):
                ways, cores = reach[name][n]
                synapses = sum(len(targets) for _, _, targets in ways)
                found["macs" if name == source and network.source.message_bits else "acs"] += synapses
                found["messages"] += len(cores)
                for post, lag, targets in ways:
                    if t + lag < steps:
                        touched[post][t + lag, targets] = True
                if owner is not None:
                    found["spikes"] += 1
                    found["hops_x"] += sum(abs(int(x[core]) - int(x[owner[n]])) for core in cores)
                    found["hops_y"] += sum(abs(int(y[core]) - int(y[owner[n]])) for core in cores)
        found["active"] += sum(int(t.sum()) for t in touched.values())
        found["updates"] += steps * sum(p.size for p in network.populations)
    active, updates = found.pop("active"), found.pop("updates")
    return Events(samples=samples, active_updates=active, inactive_updates=updates - active, **found)


def _reach(placement: Placement, name: str, neuron: int) -> tuple[list[tuple[str, int, np.ndarray]], set[int]]:
    """(population, steps until a spike arrives, neurons) of each projection of a neuron, and the cores of all."""
    network, owner = placement.mapping.network, placement.mapping.owner
    synapses = [(q, q.matrix[:, [neuron]].nonzero()[0]) for q in network.projections if q.pre == name]
    cores = {int(owner(q.post)[i]) for q, targets in synapses for i in targets}
    return [(q.post, network.transmission_delay + q.delay, targets) for q, targets in synapses], cores
