"""Pass: give each synapse one delay, as netx needs: taps of a temporal convolution get copies of their source.

In netx one pair of neurons holds one delay. A population that keeps nothing that matters, such as AND gates, is copied
with its inputs delayed; any other one gets a relay population per delay, which costs a level.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.ir import Group, Network, Population, Projection
from mksgn_neuro.ir.memory import decided_by_drive
from mksgn_neuro.ir.spec import AND_VTH, MAX_DECAY

RELAY_WEIGHT = 130


def split_delays(network: Network) -> Network:
    """A network without transmission delay in which no pair of neurons is joined by two delays; same spikes.

    Raises Unsupported where the source itself would need copies: its values may be graded, which a relay is not.
    """
    conflicts = _conflicts(network)
    if network.source.name in conflicts:
        location = f"{network.source.name} → {', '.join(sorted(conflicts[network.source.name]))}"
        hint = "feed the source to one population and delay that population's spikes"
        raise Unsupported("the same input reaches one neuron with two delays", location=location, hint=hint)
    for pre, posts in conflicts.items():
        separated = _copy if _is_copyable(network, pre) else _relay
        network = separated(network, pre, posts)
    return network


def _is_copyable(network: Network, name: str) -> bool:
    """Whether the present input alone decides every spike, so that delayed inputs give delayed spikes."""
    population = network[name]
    feeds_itself = any(q.pre == name for q in network.incoming[name])
    return not feeds_itself and not population.bias.any() and bool(decided_by_drive(network, population).all())


def _conflicts(network: Network) -> dict[str, set[str]]:
    """Posts to which each pre sends over one pair of neurons with several delays."""
    by_pair = defaultdict(list)
    for q in network.projections:
        if q.pre != q.post:
            by_pair[q.pre, q.post].append(q)
    found = defaultdict(set)
    for (pre, post), projections in by_pair.items():
        if len(projections) > 1 and sum((q.matrix != 0).astype(np.int32) for q in projections).max() > 1:
            found[pre].add(post)
    return found


def _delays(network: Network, pre: str, posts: set[str]) -> list[int]:
    return sorted({q.delay for q in network.outgoing[pre] if q.post in posts})


def _copy(network: Network, pre: str, posts: set[str]) -> Network:
    """One copy of the population per delay; the copy's inputs carry the delay."""
    original = network[pre]
    populations, projections = [], []
    delays = _delays(network, pre, posts)
    for p in network.populations:
        populations += [_renamed(original, d) for d in {0, *delays}] if p.name == pre else [p]
    for q in network.projections:
        if q.post == pre:
            projections += [replace(q, post=_name(pre, d), delay=q.delay + d) for d in {0, *delays}]
        elif q.pre == pre and q.post in posts:
            projections.append(replace(q, pre=_name(pre, q.delay), delay=0))
        else:
            projections.append(q)
    return network.with_(populations=tuple(populations), projections=tuple(projections))


def _relay(network: Network, pre: str, posts: set[str]) -> Network:
    """One relay population per delay between `pre` and `posts`."""
    original = network[pre]
    delays = _delays(network, pre, posts)
    relays = [_relay_population(original, d) for d in delays]
    eye = RELAY_WEIGHT * sp.identity(original.size, dtype=np.int32)
    links = [Projection(pre, relay.name, eye, d) for relay, d in zip(relays, delays)]
    moved = [
        replace(q, pre=_relay_name(pre, q.delay), delay=0) if q.pre == pre and q.post in posts else q
        for q in network.projections
    ]
    return network.with_(populations=(*network.populations, *relays), projections=(*moved, *links))


def _name(pre: str, delay: int) -> str:
    return f"{pre}@{delay}" if delay else pre


def _relay_name(pre: str, delay: int) -> str:
    return f"{pre}.relay@{delay}"


def _renamed(population: Population, delay: int) -> Population:
    groups = tuple(replace(g, delay=g.delay + delay) for g in population.groups)
    return replace(population, name=_name(population.name, delay), groups=groups)


def _relay_population(original: Population, delay: int) -> Population:
    """A relay keeps no current, which would fire it once more; its voltage is gone with every spike."""
    groups = tuple(relay_group(g, delay) for g in original.groups)
    name = _relay_name(original.name, delay)
    return Population(name, groups, AND_VTH, MAX_DECAY, original.v_decay.flat[0], 0, "relay")


def relay_group(group: Group, delay: int = 0) -> Group:
    """The group that repeats `group`, `delay` steps later."""
    return replace(group, role="relay", delay=group.delay + delay)
