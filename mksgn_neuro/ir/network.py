"""The integer network: a source of graded input, populations of CUBA neurons, projections between them.

Everything is frozen and every array read-only. Units are Loihi's (docs/design.md#the-neuron): synaptic sums in weight
units, `vth` and `bias` as mantissas that the neuron multiplies by 64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.ir.order import cycle, ordered
from mksgn_neuro.ir.roles import role_of
from mksgn_neuro.ir.task import Task
from mksgn_neuro.ir.weights import ConvKernel, Weights, as_csr, frozen_csr

if TYPE_CHECKING:
    import networkx as nx

IMAGE_AXES = ("channel", "y", "x")


@dataclass(frozen=True)
class Group:
    """A run of neurons of one population that share a meaning.

    `shape` and `axes` name each neuron, e.g. (20, 64) and ("joint", "channel"); `index` (int, (n,)) says which
    positions of `shape` are present where neurons were pruned, None if all are.
    `delay` is the number of time steps by which a relay or copy runs behind the population `name`.
    """

    name: str
    role: str
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    block: int | None = None
    delay: int = 0
    index: np.ndarray | None = field(default=None, compare=False)

    @property
    def size(self) -> int:
        """Number of neurons present."""
        return math.prod(self.shape) if self.index is None else len(self.index)


@dataclass(frozen=True)
class Population:
    """Neurons with one threshold mantissa `vth`.

    `i_decay`, `v_decay` (0..4096) and `bias` (−4096..4095, exponent 6) are int32 arrays of shape () when shared,
    (N,) when not. `groups` tile the N neurons in order.
    """

    name: str
    groups: tuple[Group, ...]
    vth: int
    i_decay: np.ndarray
    v_decay: np.ndarray
    bias: np.ndarray
    role: str = "layer"

    def __post_init__(self) -> None:
        for name in ("i_decay", "v_decay", "bias"):
            value = np.array(getattr(self, name), dtype=np.int32)
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    @classmethod
    def of(
        cls,
        name: str,
        role: str,
        shape: tuple[int, ...],
        *,
        vth: int,
        v_decay: object,
        i_decay: object = 4096,
        bias: object = 0,
        axes: tuple[str, ...] | None = None,
        block: int | None = None,
    ) -> Population:
        """One group that fills the population, the usual case."""
        shape = tuple(int(n) for n in shape)
        axes = axes or (("neuron",) if len(shape) == 1 else tuple(f"axis{i}" for i in range(len(shape))))
        return cls(name, (Group(name, role, shape, axes, block),), int(vth), i_decay, v_decay, bias, role)

    @cached_property
    def size(self) -> int:
        """Number of neurons N."""
        return sum(group.size for group in self.groups)

    @property
    def block(self) -> int | None:
        """The model's block that the first group belongs to."""
        return self.groups[0].block

    def locate(self, neuron: int) -> tuple[Group, tuple[int, ...]]:
        """The group of a neuron and its coordinates in that group's shape."""
        for group in self.groups:
            if neuron < group.size:
                flat = neuron if group.index is None else int(group.index[neuron])
                return group, tuple(int(i) for i in np.unravel_index(flat, group.shape))
            neuron -= group.size
        raise IndexError(f"{self.name} has {self.size} neurons")


@dataclass(frozen=True)
class Source:
    """The network's graded input: `message_bits` signed bits per value (0: binary spikes)."""

    name: str
    shape: tuple[int, ...]
    message_bits: int = 8
    axes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of input channels."""
        return math.prod(self.shape)

    @property
    def is_image(self) -> bool:
        """Whether its three axes are channel, y and x, or may be: they have no other names."""
        return len(self.shape) == 3 and self.axes in ((), IMAGE_AXES)

    @property
    def max_payload(self) -> int:
        """Largest magnitude of one input value; two's complement has one more on the negative side."""
        return 1 if self.message_bits == 0 else 2 ** (self.message_bits - 1)

    @property
    def payloads(self) -> tuple[int, int]:
        """Lowest and highest value that one input can have."""
        return (0, 1) if self.message_bits == 0 else (-self.max_payload, self.max_payload - 1)


@dataclass(frozen=True)
class Projection:
    """Synapses from `pre` to `post`, all with one `delay`: a spike at t arrives at t + hop + delay.

    `weights` is (post.size, pre.size) in CSR or a convolution kernel; the synaptic sum is
    weights · 2^weight_exp · spikes. Two projections may join the same pair with different delays.
    """

    pre: str
    post: str
    weights: Weights
    delay: int = 0
    weight_exp: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.weights, ConvKernel):
            object.__setattr__(self, "weights", frozen_csr(self.weights))

    @cached_property
    def matrix(self) -> sp.csr_matrix:
        """The synapses as a CSR matrix, int32, (post.size, pre.size), weight_exp not applied."""
        return as_csr(self.weights)

    @cached_property
    def out_degree(self) -> np.ndarray:
        """Synapses with a non-zero weight that each pre neuron has, int64 (pre,)."""
        if isinstance(self.weights, ConvKernel):
            return self.weights.out_degree
        return np.bincount(self.weights.indices, minlength=self.weights.shape[1])

    @cached_property
    def sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Sums of each neuron's positive weights and of its negative ones, int64 (post,), weight_exp not applied."""
        if isinstance(self.weights, ConvKernel):
            return self.weights.sums
        parts = (self.weights.maximum(0), self.weights.minimum(0))
        positive, negative = (np.asarray(part.sum(axis=1, dtype=np.int64)).ravel() for part in parts)
        return positive, negative

    @property
    def synapses(self) -> int:
        """Number of synapses with a non-zero weight."""
        return int(self.out_degree.sum())


@dataclass(frozen=True)
class Network:
    """A named DAG of populations (loops only from a population to itself).

    `transmission_delay` is the time a spike takes besides its projection's delay: 1 on hardware; 0 while the network is
    still written in frames, as the model was trained, before pass `balance_delays` turns it into time steps.
    """

    source: Source
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    readout: str
    transmission_delay: int = 1
    task: Task | None = None

    @cached_property
    def by_name(self) -> dict[str, Population]:
        """Populations by name."""
        return {population.name: population for population in self.populations}

    def __getitem__(self, name: str) -> Population:
        return self.by_name[name]

    @cached_property
    def incoming(self) -> dict[str, tuple[Projection, ...]]:
        """Projections by the population they end in."""
        found: dict[str, list[Projection]] = {p.name: [] for p in self.populations}
        for q in self.projections:
            if q.post in found:
                found[q.post].append(q)
        return {name: tuple(projections) for name, projections in found.items()}

    @cached_property
    def outgoing(self) -> dict[str, tuple[Projection, ...]]:
        """Projections by the source or population they start from."""
        found: dict[str, list[Projection]] = {name: [] for name in (self.source.name, *self.by_name)}
        for q in self.projections:
            if q.pre in found:
                found[q.pre].append(q)
        return {name: tuple(projections) for name, projections in found.items()}

    @property
    def graph(self) -> nx.MultiDiGraph:
        """For work with networkx: the network without its self-loops, `delay` on each edge."""
        import networkx as nx  # 0.15 s that no command needs

        graph = nx.MultiDiGraph()
        graph.add_nodes_from([self.source.name, *self.by_name])
        graph.add_edges_from((q.pre, q.post, {"delay": q.delay}) for q in self.projections if q.pre != q.post)
        return graph

    @property
    def _edges(self) -> list[tuple[str, str]]:
        return [(q.pre, q.post) for q in self.projections]

    @property
    def cycle(self) -> tuple[str, ...]:
        """Populations that feed each other in a circle, each the next, the last the first; none where none does."""
        return cycle((self.source.name, *self.by_name), self._edges)

    @cached_property
    def order(self) -> tuple[Population, ...]:
        """Populations in topological order, ties broken by name so that every run agrees."""
        names = ordered((self.source.name, *self.by_name), self._edges)
        return tuple(self[name] for name in names if name != self.source.name)

    @cached_property
    def level(self) -> dict[str, int]:
        """Hops on the longest path from the source: the source is 0, what it feeds at least 1."""
        level = {self.source.name: 0}
        for population in self.order:
            pres = [q.pre for q in self.incoming[population.name] if q.pre != population.name]
            level[population.name] = 1 + max((level[pre] for pre in pres), default=0)
        return level

    @cached_property
    def drain_steps(self) -> int:
        """Time steps after the last input until the last delayed spike that it can cause has arrived.

        A population at level l sees an input first after l hops; delays on the way can hold spikes longer.
        Self-loops are not counted: they may hold a spike for ever.
        """
        latest = {self.source.name: 0}
        for population in self.order:
            arrivals = [
                latest[q.pre] + self.transmission_delay + q.delay
                for q in self.incoming[population.name]
                if q.pre != population.name
            ]
            latest[population.name] = max(arrivals, default=0)
        return max(latest[p.name] - self.transmission_delay * self.level[p.name] for p in self.populations)

    def size_of(self, name: str) -> int:
        """Neurons of a population, or channels of the source."""
        return self.source.size if name == self.source.name else self[name].size

    def describe(self, name: str, neuron: int) -> str:
        """A neuron in the model's words: "block 3, query, joint 7 (right wrist), channel 12"."""
        group, position = self[name].locate(neuron)
        joints = self.task.joint_names if self.task else ()
        words = [] if group.block is None else [f"block {group.block}"]
        words.append(group.name if role_of(group.role).foreign else group.role)
        for axis, i in zip(group.axes, position):
            known = axis == "joint" and i < len(joints)
            words.append(f"{axis} {i} ({joints[i]})" if known else f"{axis} {i}")
        if group.delay:
            words.append(f"delayed {group.delay}")
        return ", ".join(words)

    def with_(self, **changes: object) -> Network:
        """A copy with some fields replaced."""
        return replace(self, **changes)
