"""Pass: give each synapse one delay, as netx needs: taps of a temporal convolution get copies of their source.

In netx one pair of neurons holds one delay. A population that keeps nothing that matters, such as AND gates, is copied
with its inputs delayed; any other one gets a relay population per delay, which costs a level.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
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
    draft = _Draft(network)
    for pre, posts in conflicts.items():
        separate = draft.copy if _is_copyable(network, pre) else draft.relay
        separate(pre, posts)
    return draft.finish()


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


class _Draft:
    """A network that is being rewritten, in time that grows with what changes.

    Projections keep a place, a tuple, by which they are in order at the end; what comes in place of one is there.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.placed = {(i,): q for i, q in enumerate(network.projections)}
        self.into, self.out_of = defaultdict(list), defaultdict(list)
        for place, q in self.placed.items():
            self.into[q.post].append(place)
            self.out_of[q.pre].append(place)
        self.copies: dict[str, list[Population]] = {}
        self.relays: list[Population] = []

    def copy(self, pre: str, posts: set[str]) -> None:
        """One copy of the population per delay; the copy's inputs carry the delay."""
        original, delays = self.network[pre], self._delays(pre, posts)
        self.copies[pre] = [_renamed(original, d) for d in {0, *delays}]
        for place in self.into.pop(pre, []):
            q = self._removed(place)
            for i, d in enumerate({0, *delays}):
                self._place((*place, i), replace(q, post=_name(pre, d), delay=q.delay + d))
        self._move(pre, posts, _name)

    def relay(self, pre: str, posts: set[str]) -> None:
        """One relay population per delay between `pre` and `posts`."""
        original, delays = self.network[pre], self._delays(pre, posts)
        self._move(pre, posts, _relay_name)
        eye = RELAY_WEIGHT * sp.identity(original.size, dtype=np.int32)
        for d in delays:
            relay = _relay_population(original, d)
            place = (len(self.network.projections) + len(self.relays),)
            self._place(place, Projection(pre, relay.name, eye, d))
            self.relays.append(relay)

    def finish(self) -> Network:
        populations = [q for p in self.network.populations for q in self.copies.get(p.name, [p])]
        projections = tuple(self.placed[place] for place in sorted(self.placed))
        return self.network.with_(populations=(*populations, *self.relays), projections=projections)

    def _delays(self, pre: str, posts: set[str]) -> list[int]:
        found = (self.placed[place] for place in self.out_of[pre])
        return sorted({q.delay for q in found if q.post in posts})

    def _move(self, pre: str, posts: set[str], name: Callable[[str, int], str]) -> None:
        """Let projections from `pre` to `posts` begin at the population that spends their delay."""
        for place in [place for place in self.out_of[pre] if self.placed[place].post in posts]:
            q = self._removed(place)
            self._place(place, replace(q, pre=name(pre, q.delay), delay=0))

    def _place(self, place: tuple[int, ...], q: Projection) -> None:
        self.placed[place] = q
        self.into[q.post].append(place)
        self.out_of[q.pre].append(place)

    def _removed(self, place: tuple[int, ...]) -> Projection:
        q = self.placed.pop(place)
        self.out_of[q.pre].remove(place)
        if place in self.into.get(q.post, ()):
            self.into[q.post].remove(place)
        return q


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
