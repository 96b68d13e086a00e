"""What a trained network did on labelled clips, frame by frame: class spikes, spikes of populations, spikes at joints.

Time is in frames: a population at level l answers frame f at step f + l, and is shown at f.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from mksgn_neuro.ir import Group, Network, role_of
from mksgn_neuro.sim.engine import Emulator, Result
from mksgn_neuro.sim.readout import Readout, decide
from mksgn_neuro.workflows.simulate import Progress, silent_steps_after


@dataclass(frozen=True)
class PopulationView:
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


def population_views(network: Network) -> tuple[PopulationView, ...]:
    """Every trained population once, in topological order."""
    found: dict[str, PopulationView] = {}
    for population in network.order:
        start = 0
        for group in population.groups:
            neurons = slice(start, start + group.size)
            start += group.size
            if role_of(group.role).repeats or group.delay or group.name in found:
                continue
            lag = network.transmission_delay * network.level[population.name]
            found[group.name] = PopulationView(
                group.name, group.role, group.block, population.name, neurons, lag, group
            )
    return tuple(found.values())


def at_joints(view: PopulationView, spikes: np.ndarray, joints: int) -> np.ndarray:
    """Spikes (B, T, N) of a place as the share of each joint's neurons that fire, float32 (B, T, joints)."""
    return counted_at_joints(view, spikes, joints) / neurons_at(view, joints)


def counted_at_joints(view: PopulationView, spikes: np.ndarray, joints: int) -> np.ndarray:
    """How many of each joint's neurons fire, whole numbers in float32 (B, T, joints): as a product, many times as fast
    as sums of bytes.
    """
    member = np.zeros((view.size, joints), dtype=np.float32)
    member[np.arange(view.size), view.joint] = 1
    return spikes.astype(np.float32) @ member


def neurons_at(view: PopulationView, joints: int) -> np.ndarray:
    """Neurons of each joint, 1 where there is none, float32 (joints,)."""
    return np.maximum(np.bincount(view.joint, minlength=joints), 1).astype(np.float32)


@dataclass(frozen=True)
class Observed:
    """What N clips of T frames made a network do.

    `class_spikes` int64 (N, T, classes): spikes for each class at each frame; `population_views` in order, `spikes`
    int64 (places, T) of all clips; `joint_views` those at joints, `by_class` float32 (joint places, classes, T,
    joints): the share of a joint's neurons that fire, mean over the class's clips. `gates` float32 (N, gates): share of
    frames at which each attention gate is open. `both_fire` float64 (M, M): how often the encoder's neurons of two
    modalities fire at the same joint, frame and channel; None without such an encoder.
    """

    class_spikes: np.ndarray
    population_views: tuple[PopulationView, ...]
    spikes: np.ndarray
    joint_views: tuple[PopulationView, ...]
    by_class: np.ndarray
    gates: np.ndarray
    both_fire: np.ndarray | None = None

    @cached_property
    def decisions(self) -> np.ndarray:
        """What the network would say after each frame, int64 (N, T); ties go to the lowest class."""
        return decide(self.class_spikes.cumsum(axis=1))

    @property
    def rates(self) -> np.ndarray:
        """Spikes per neuron and frame, float64 (places, T)."""
        sizes = np.array([view.size for view in self.population_views])
        return self.spikes / (sizes[:, None] * max(len(self.class_spikes), 1))


def observe(
    network: Network, inputs: np.ndarray, labels: Sequence[int], classes: int, progress: Progress | None = None
) -> Observed:
    """Run clips (N, T, channels) once more and keep what a picture needs; labels (N,)."""
    frames, joints = inputs.shape[1], len(network.task.parents)
    every = population_views(network)
    jointed = tuple(view for view in every if view.joint is not None and not role_of(view.role).foreign)
    spikes = np.zeros((len(every), frames), dtype=np.int64)
    by_class = np.zeros((len(jointed), classes, frames, joints), dtype=np.float32)
    gating = [view for view in every if role_of(view.role).gates]
    encoder = next((view for view in every if view.role == "encode" and "modality" in view.group.axes), None)
    class_spikes, gates, both, labels = [], [], [], np.asarray(labels)
    for result in recorded(network, inputs):
        done = sum(len(part) for part in class_spikes)
        class_spikes.append(class_spikes_of(network, result, frames))
        own = labels[done : done + len(class_spikes[-1])]
        opened = [view.of(result, frames).mean(axis=1, dtype=np.float32) for view in gating]
        gates.append(np.concatenate(opened, axis=1) if opened else np.zeros((len(own), 0), np.float32))
        if encoder is not None:
            both.append(firing_together(encoder.group, encoder.of(result, frames)))
        for row, view in zip(spikes, every):
            fired = view.of(result, frames)
            if view.joint is None:
                row += fired.sum(axis=(0, 2), dtype=np.int64)
                continue
            counted = counted_at_joints(view, fired, joints)
            row += counted.sum(axis=(0, 2), dtype=np.float64).astype(np.int64)
            if view in jointed:
                shares = counted / neurons_at(view, joints)
                np.add.at(by_class[jointed.index(view)], own, shares)
        if progress:
            progress(done + len(own), len(inputs))
    clips = np.bincount(labels, minlength=classes).astype(np.float32)
    by_class /= np.maximum(clips, 1)[:, None, None]
    places = len(inputs) * frames * prod(encoder.group.shape) if encoder else 0
    both_fire = np.sum(both, axis=0) * len(both[0]) / places if both else None
    return Observed(np.concatenate(class_spikes), every, spikes, jointed, by_class, np.concatenate(gates), both_fire)


def firing_together(group: Group, spikes: np.ndarray) -> np.ndarray:
    """At how many (clip, frame, joint, channel) two modalities both fire, int64 (M, M), of spikes (B, T, N).

    Neurons that were pruned never fire.
    """
    whole = np.zeros((*spikes.shape[:2], prod(group.shape)), dtype=np.float64)
    whole[..., slice(None) if group.index is None else group.index] = spikes
    whole = whole.reshape(*spikes.shape[:2], *group.shape)
    by_modality = np.moveaxis(whole, 2 + group.axes.index("modality"), 0).reshape(
        group.shape[group.axes.index("modality")], -1
    )
    return np.rint(by_modality @ by_modality.T).astype(np.int64)


def recorded(network: Network, inputs: Iterable[np.ndarray]) -> Iterator[Result]:
    """Results of a few clips (T_i, channels) at a time with the spikes of every population, each as simulated: from
    rest when the first frame reaches it, and until the last population has answered.
    """
    silent_steps, clips = silent_steps_after(network), list(inputs)
    reset_interval = max(map(len, clips), default=1) + silent_steps  # reset once, as `simulate` does
    return Emulator(network).stream(clips, record="all", silent_steps=silent_steps, reset_interval=reset_interval)


def class_spikes_of(network: Network, result: Result, frames: int) -> np.ndarray:
    """Spikes for each class at each frame, int64 (B, T, classes)."""
    readout = Readout.of(network)
    return readout.scores(result.spikes[readout.name][:, readout.first : readout.first + frames])
