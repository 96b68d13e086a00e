"""What a trained network did on labelled clips, frame by frame: votes, spikes of populations, spikes at joints.

Time is in frames: a population at level l answers frame f at step f + l, and is shown at f.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mksgn_neuro.ir import Group, Network, role_of
from mksgn_neuro.sim.engine import Emulator, Result
from mksgn_neuro.sim.readout import Readout, decide
from mksgn_neuro.workflows.simulate import drain_of


@dataclass(frozen=True)
class Place:
    """A trained population as it lies in a network: `neurons` of `population`, `lag` steps behind the input.

    In a graph it is a population of its own, in a layered network a group of a level; relays and copies are no places.
    """

    name: str
    role: str
    block: int | None
    population: str
    neurons: slice
    lag: int
    group: Group

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.group.size

    @cached_property
    def joint(self) -> np.ndarray | None:
        """Joint of each neuron, int (N,); None where neurons belong to no joint."""
        if "joint" not in self.group.axes:
            return None
        present = np.arange(self.size) if self.group.index is None else self.group.index
        return np.unravel_index(present, self.group.shape)[self.group.axes.index("joint")]

    def of(self, result: Result, frames: int) -> np.ndarray:
        """Its spikes of recorded clips, uint8 (B, frames, N)."""
        return result.spikes[self.population][:, self.lag : self.lag + frames, self.neurons]


def places(network: Network) -> tuple[Place, ...]:
    """Every trained population once, in topological order."""
    found: dict[str, Place] = {}
    for population in network.order:
        start = 0
        for group in population.groups:
            neurons = slice(start, start + group.size)
            start += group.size
            if role_of(group.role).repeats or group.delay or group.name in found:
                continue
            lag = network.hop * network.level[population.name]
            found[group.name] = Place(group.name, group.role, group.block, population.name, neurons, lag, group)
    return tuple(found.values())


def at_joints(place: Place, spikes: np.ndarray, joints: int) -> np.ndarray:
    """Spikes (B, T, N) of a place as the share of each joint's neurons that fire, float32 (B, T, joints)."""
    member = np.zeros((place.size, joints), dtype=np.float32)
    member[np.arange(place.size), place.joint] = 1
    return spikes.astype(np.float32) @ (member / np.maximum(member.sum(axis=0), 1))


@dataclass(frozen=True)
class Observed:
    """What N clips of T frames made a network do.

    `votes` int64 (N, T, classes): spikes for each class at each frame; `places` in order, `spikes` int64
    (places, T) of all clips; `joint_places` those at joints, `by_class` float32 (joint places, classes, T, joints):
    the share of a joint's neurons that fire, mean over the class's clips. `gates` float32 (N, gates): share of frames
    at which each attention gate is open.
    """

    votes: np.ndarray
    places: tuple[Place, ...]
    spikes: np.ndarray
    joint_places: tuple[Place, ...]
    by_class: np.ndarray
    gates: np.ndarray

    @cached_property
    def decisions(self) -> np.ndarray:
        """What the network would say after each frame, int64 (N, T); ties go to the lowest class."""
        return decide(self.votes.cumsum(axis=1))

    @property
    def rates(self) -> np.ndarray:
        """Spikes per neuron and frame, float64 (places, T)."""
        sizes = np.array([place.size for place in self.places])
        return self.spikes / (sizes[:, None] * max(len(self.votes), 1))


def observe(network: Network, inputs: np.ndarray, labels: Sequence[int], classes: int) -> Observed:
    """Run clips (N, T, channels) once more and keep what a picture needs; labels (N,)."""
    frames, joints = inputs.shape[1], len(network.task.parents)
    every = places(network)
    jointed = tuple(place for place in every if place.joint is not None and not role_of(place.role).foreign)
    spikes = np.zeros((len(every), frames), dtype=np.int64)
    by_class = np.zeros((len(jointed), classes, frames, joints), dtype=np.float32)
    gating = [place for place in every if role_of(place.role).gates]
    votes, gates, labels = [], [], np.asarray(labels)
    for result in recorded(network, inputs):
        done = sum(len(part) for part in votes)
        votes.append(votes_of(network, result, frames))
        own = labels[done : done + len(votes[-1])]
        opened = [place.of(result, frames).mean(axis=1, dtype=np.float32) for place in gating]
        gates.append(np.concatenate(opened, axis=1) if opened else np.zeros((len(own), 0), np.float32))
        for row, place in zip(spikes, every):
            row += place.of(result, frames).sum(axis=(0, 2), dtype=np.int64)
        for total, place in zip(by_class, jointed):
            np.add.at(total, own, at_joints(place, place.of(result, frames), joints))
    clips = np.bincount(labels, minlength=classes).astype(np.float32)
    by_class /= np.maximum(clips, 1)[:, None, None]
    return Observed(np.concatenate(votes), every, spikes, jointed, by_class, np.concatenate(gates))


def recorded(network: Network, inputs: Iterable[np.ndarray]) -> Iterator[Result]:
    """Results of a few clips (T_i, channels) at a time with the spikes of every population, each as simulated: from
    rest when the first frame reaches it, and until the last population has answered.
    """
    drain, clips = drain_of(network), list(inputs)
    period = max(map(len, clips), default=1) + drain  # reset once, as `simulate` does
    return Emulator(network).stream(clips, record="all", drain=drain, period=period)


def votes_of(network: Network, result: Result, frames: int) -> np.ndarray:
    """Spikes for each class at each frame, int64 (B, T, classes)."""
    readout = Readout.of(network)
    return readout.scores(result.spikes[readout.name][:, readout.first : readout.first + frames])
