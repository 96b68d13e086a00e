"""What measured spikes ask of each core in each step: updates, synaptic operations, messages, hops, time.

A spike of step t is sent in t, and its messages are looked up by their cores in t + 1 (a delay is spent in the
neuron's input buffer afterwards). Where the network is still in frames (`transmission_delay` 0) both happen in t.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.chip.mapping import Mapping
from mksgn_neuro.chip.placement import Placement
from mksgn_neuro.chip.profile import Events, Profile
from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import Network

BY_STEP = ("acs", "macs", "active", "received", "sent", "spikes", "hops_x", "hops_y")  # fields of Traffic
WORD = 64  # steps in a word of bits
MOST_GATHERED = 1 << 16  # synapses whose words are gathered at once


@dataclass(frozen=True)
class Traffic:
    """Integers by step and core, (T, cores), unless said otherwise.

    `acs` and `macs`: synaptic operations of spikes and of graded input; `active`: neurons with synaptic input;
    `received`, `sent`: messages, those from the source included in `received`; `spikes`; `hops_x`, `hops_y` (T,):
    mesh hops of messages between cores. Where the source enters the mesh is unknown: its messages make no hops.
    """

    placement: Placement
    acs: np.ndarray
    macs: np.ndarray
    active: np.ndarray
    received: np.ndarray
    sent: np.ndarray
    spikes: np.ndarray
    hops_x: np.ndarray
    hops_y: np.ndarray

    def steps(self, chosen: np.ndarray) -> Traffic:
        """The same at some of the steps: a bool mask (T,)."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in BY_STEP})

    @classmethod
    def joined(cls, parts: Sequence[Traffic]) -> Traffic:
        """One after the other, of at least one part; all of one placement."""
        whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in BY_STEP}
        return cls(parts[0].placement, **whole)

    @cached_property
    def neurons(self) -> np.ndarray:
        """Neuron updates of each core in every step, int (cores,)."""
        return np.array([core.usage.neurons for core in self.placement.mapping.cores])

    def events(self, samples: int) -> Events:
        """Totals over all steps, which held `samples` samples."""
        active = int(self.active.sum())
        return Events(
            samples=samples,
            acs=int(self.acs.sum()),
            macs=int(self.macs.sum()),
            active_updates=active,
            inactive_updates=len(self.active) * int(self.neurons.sum()) - active,
            spikes=int(self.spikes.sum()),
            messages=int(self.received.sum()),
            hops_x=int(self.hops_x.sum()),
            hops_y=int(self.hops_y.sum()),
        )

    def step_times(self, profile: Profile) -> StepTimes:
        """How long each step takes if cores work in parallel and wait for the slowest; BadInput without times."""
        times = dict(profile.step_times)
        if not times:
            raise BadInput("has no times", location=f"energy profile {profile.name}", hint="use loihi1")
        inactive = self.neurons - self.active
        work = times["acs"] * self.acs + times["macs"] * self.macs
        work = work + times["active_updates"] * self.active + times["inactive_updates"] * inactive
        return StepTimes(profile, work.argmax(axis=1), (work.max(axis=1) + times["barrier"]) / 1e12)


@dataclass(frozen=True)
class StepTimes:
    """`critical` core (T,) of each step and `seconds` (T,) of each step, under `profile`."""

    profile: Profile
    critical: np.ndarray
    seconds: np.ndarray


def measure_traffic(placement: Placement, inputs: np.ndarray, spikes: MappingType[str, np.ndarray]) -> Traffic:
    """Count what `inputs` (T, source.size) and the `spikes` (T, N) of every population ask of the placed cores."""
    mapping = placement.mapping
    network = mapping.network
    fired = {network.source.name: np.asarray(inputs) != 0} | {p.name: np.asarray(spikes[p.name]) for p in network.order}
    shape = (len(inputs), len(mapping.cores))
    acs, macs, received, sent, total = (np.zeros(shape, dtype=np.int64) for _ in range(5))
    hops = np.zeros((len(inputs), 2), dtype=np.int64)
    graded, distances = network.source.message_bits > 0, placement.steps
    for name, rows in fired.items():
        is_source = name == network.source.name
        there = np.unique(mapping.fanout[name].indices)
        reached = mapping.reached[name]
        asked = [mapping.fanout[name][:, there].toarray(), reached[:, there].toarray()]
        if not is_source:
            own = _membership(mapping, name)[:, mapping.cores_by_population[name]].toarray()
            far = np.stack([_far(mapping, name, distance) for distance in distances], axis=1)
            asked += [own * np.asarray(reached.sum(axis=1)), own, far]
        synapses, messages, *of_spikes = _products(rows, asked)
        target = macs if is_source and graded else acs
        target[:, there] += _later(synapses, network.transmission_delay)
        received[:, there] += _later(messages, network.transmission_delay)
        if of_spikes:
            here = mapping.cores_by_population[name]
            sent[:, here], total[:, here] = of_spikes[:2]
            hops += of_spikes[2]
    return Traffic(placement, acs, macs, _active(mapping, fired), received, sent, total, *hops.T)


def count_events(placement: Placement, spikes: MappingType[str, np.ndarray], *, samples: int, steps: int) -> Events:
    """Events of a long run of which only each neuron's number of spikes is known, (N,) by population and source.

    The source's entry counts values that are not zero. Who was active in which step is lost: every neuron update counts
    as active, an upper bound for profiles that tell the two apart. Spikes of the last step count like all others.
    """
    mapping = placement.mapping
    network = mapping.network
    graded = network.source.message_bits > 0
    distances = placement.steps
    acs = macs = messages = hops_x = hops_y = 0
    for name, counts in spikes.items():
        fired = np.asarray(counts, dtype=np.int64)
        reached = mapping.reached[name]
        synapses = int(fired @ np.asarray(mapping.fanout[name].sum(axis=1)).ravel())
        messages += int(fired @ np.asarray(reached.sum(axis=1)).ravel())
        if name == network.source.name:
            acs, macs = (acs, macs + synapses) if graded else (acs + synapses, macs)
            continue
        acs += synapses
        far_x, far_y = (_far(mapping, name, distance) for distance in distances)
        hops_x, hops_y = hops_x + int(fired @ far_x), hops_y + int(fired @ far_y)
    neurons = sum(p.size for p in network.populations)
    total = sum(int(np.sum(spikes[p.name])) for p in network.populations)
    updates = {"active_updates": steps * neurons, "inactive_updates": 0}
    return Events(samples, acs, macs, **updates, spikes=total, messages=messages, hops_x=hops_x, hops_y=hops_y)


def _products(rows: np.ndarray, asked: list[np.ndarray]) -> list[np.ndarray]:
    """`rows` (T, N) times each matrix (N, k), int64 (T, k): one product of floats, exact far below 2^53.

    Where a spike reaches few cores it takes a tenth of the time of sparse integers.
    """
    found = (rows.astype(np.float64) @ np.concatenate(asked, axis=1).astype(np.float64)).astype(np.int64)
    return np.split(found, np.cumsum([part.shape[1] for part in asked])[:-1], axis=1)


def _later(rows: np.ndarray, steps: int) -> np.ndarray:
    """The same rows, `steps` later; what falls off the end is lost."""
    return np.concatenate([np.zeros_like(rows[:steps]), rows[: max(len(rows) - steps, 0)]])


def _membership(mapping: Mapping, name: str) -> sp.csr_matrix:
    """1 where a neuron lies on a core, (N, cores)."""
    owner = mapping.owner(name)
    ones = np.ones(len(owner), dtype=np.int64)
    return sp.csr_matrix((ones, (np.arange(len(owner)), owner)), shape=(len(owner), len(mapping.cores)))


def _far(mapping: Mapping, name: str, distance: np.ndarray) -> np.ndarray:
    """Hops of all messages of one spike of each neuron, int (N,); `distance` is (cores, cores)."""
    far = mapping.reached[name].multiply(distance[mapping.owner(name)])
    return np.asarray(far.sum(axis=1)).ravel().astype(np.int64)


def _active(mapping: Mapping, fired: dict[str, np.ndarray]) -> np.ndarray:
    """Neurons of each core into which at least one synapse delivers, int (T, cores).

    A neuron's steps are bits of whole words, which a synapse adds by one "or" for 64 steps.
    """
    network: Network = mapping.network
    steps = len(fired[network.source.name])
    total = np.zeros((steps, len(mapping.cores)), dtype=np.int64)
    for population in network.order:
        touched = np.zeros((population.size, -(-steps // WORD)), dtype=np.uint64)
        for q in network.incoming[population.name]:
            _deliver(touched, q.matrix, _bits(_later(fired[q.pre] != 0, network.transmission_delay + q.delay)))
        for i in mapping.cores_by_population[population.name]:
            rows = touched[mapping.cores[i].neurons].view(np.uint8)
            total[:, i] = np.unpackbits(rows, axis=1, count=steps).sum(axis=0, dtype=np.int64)
    return total


def _bits(rows: np.ndarray) -> np.ndarray:
    """Bools (T, N) as bits of each column, uint64 (N, words)."""
    bits = np.packbits(np.pad(rows, ((0, -len(rows) % WORD), (0, 0))).T, axis=1)
    return np.ascontiguousarray(bits).view(np.uint64)


def _deliver(touched: np.ndarray, synapses: sp.csr_matrix, arriving: np.ndarray) -> None:
    """Add the bits that `arriving` (axons, words) brings to each neuron of `touched` (N, words), in place."""
    real = np.flatnonzero(synapses.data)  # a synapse of weight 0 delivers nothing
    posts, axons = np.repeat(np.arange(len(touched)), np.diff(synapses.indptr))[real], synapses.indices[real]
    for first in range(0, len(real), MOST_GATHERED):
        part = slice(first, first + MOST_GATHERED)
        rows, starts = np.unique(posts[part], return_index=True)
        touched[rows] |= np.bitwise_or.reduceat(arriving[axons[part]], starts, axis=0)
