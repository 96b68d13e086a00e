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
    firing = {name: np.asarray(x) != 0 for name, x in ((network.source.name, inputs), *spikes.items())}
    fired = {p.name: _counts(spikes[p.name]) for p in network.order}
    arriving = {name: _later(matrix, network.transmission_delay) for name, matrix in fired.items()}
    source = _counts(firing[network.source.name])
    arriving[network.source.name] = _later(source, network.transmission_delay)
    shape = (source.shape[0], len(mapping.cores))
    acs, macs, received, sent = (np.zeros(shape, dtype=np.int64) for _ in range(4))
    graded = network.source.message_bits > 0
    for name, matrix in arriving.items():
        target = macs if name == network.source.name and graded else acs
        target += (matrix @ mapping.fanout[name].astype(np.int64)).toarray()
        received += (matrix @ mapping.reached[name]).toarray()
    for name, matrix in fired.items():
        copies = np.asarray(mapping.reached[name].sum(axis=1)).ravel()
        sent += (matrix.multiply(copies[None, :]).tocsr() @ _membership(mapping, name)).toarray()
    counts = {p.name: _membership(mapping, p.name) for p in network.order}
    total = sum((fired[name] @ counts[name] for name in fired), start=sp.csr_matrix(shape, dtype=np.int64)).toarray()
    hops = [_hops(placement, fired, distance) for distance in placement.steps]
    return Traffic(placement, acs, macs, _active(mapping, firing), received, sent, total, *hops)


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


def _counts(spikes: np.ndarray) -> sp.csr_matrix:
    return sp.csr_matrix(np.asarray(spikes), dtype=np.int64)


def _later(matrix: sp.csr_matrix, steps: int) -> sp.csr_matrix:
    """The same rows, `steps` later; what falls off the end is lost."""
    if steps == 0:
        return matrix
    kept = matrix[: max(matrix.shape[0] - steps, 0)]
    empty = sp.csr_matrix((min(steps, matrix.shape[0]), matrix.shape[1]), dtype=matrix.dtype)
    return sp.csr_matrix(sp.vstack([empty, kept]))


def _membership(mapping: Mapping, name: str) -> sp.csr_matrix:
    """1 where a neuron lies on a core, (N, cores)."""
    owner = mapping.owner(name)
    ones = np.ones(len(owner), dtype=np.int64)
    return sp.csr_matrix((ones, (np.arange(len(owner)), owner)), shape=(len(owner), len(mapping.cores)))


def _hops(placement: Placement, fired: dict[str, sp.csr_matrix], distance: np.ndarray) -> np.ndarray:
    """Hops of all messages sent in each step, int (T,)."""
    mapping = placement.mapping
    total = 0
    for name, matrix in fired.items():
        total = total + matrix @ _far(mapping, name, distance)
    return np.asarray(total)


def _far(mapping: Mapping, name: str, distance: np.ndarray) -> np.ndarray:
    """Hops of all messages of one spike of each neuron, int (N,); `distance` is (cores, cores)."""
    far = mapping.reached[name].multiply(distance[mapping.owner(name)])
    return np.asarray(far.sum(axis=1)).ravel().astype(np.int64)


def _active(mapping: Mapping, firing: dict[str, np.ndarray]) -> np.ndarray:
    """Neurons of each core into which at least one synapse delivers, int (T, cores); `firing` is (T, N) by sender."""
    network: Network = mapping.network
    steps = len(firing[network.source.name])
    total = np.zeros((steps, len(mapping.cores)), dtype=np.int64)
    for population in network.order:
        touched = np.zeros((population.size, -(-steps // 8)), dtype=np.uint8)  # eight steps in a byte
        for q in network.incoming[population.name]:
            late = min(network.transmission_delay + q.delay, steps)
            arriving = np.packbits(np.pad(firing[q.pre][: steps - late], ((late, 0), (0, 0))), axis=0).T.copy()
            synapses = sp.csr_matrix(q.matrix, copy=True)
            synapses.eliminate_zeros()
            rows = np.flatnonzero(np.diff(synapses.indptr))
            touched[rows] |= np.bitwise_or.reduceat(arriving[synapses.indices], synapses.indptr[rows], axis=0)
        by_step = np.unpackbits(touched, axis=1, count=steps)
        owner = mapping.owner(population.name)
        for core in np.unique(owner):
            total[:, core] += by_step[owner == core].sum(axis=0, dtype=np.int64)
    return total
