"""Nodes that a network declares: each makes spikes (P, T, B, C) from those of the input and of nodes above it.

P are positions (joints, pixels, 1), T frames, B clips, C channels; a node's neurons are numbered (P, C), row-major in
its `shape`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

from torch import Tensor, nn

from mksgn_neuro.ir.spec import AND_VTH as AND_VTH
from mksgn_neuro.ir.spec import AND_WEIGHT as AND_WEIGHT
from mksgn_neuro.nn.gate import gated
from mksgn_neuro.nn.population import V_DECAY, SpikingPopulation

INPUT = "input"  # the name of the frames, (V, T, B, M·3) as nodes get them

Spikes = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Node:
    """A trained population. `shape` and `axes` name its neurons, e.g. (20, 64) and ("joint", "channel").

    `sources` says, for each of the population's synapse modules, which node's spikes go through it ("input": the
    frames); left out where modules have the names of these nodes. `role` and `block` are for people: reports and
    passes know a few roles (`ir.roles`).
    """

    name: str
    role: str
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    population: SpikingPopulation
    sources: Mapping[str, str] = field(default_factory=dict)
    block: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.population, SpikingPopulation):
            raise TypeError(f"{self.name}: a {type(self.population).__name__} instead of a SpikingPopulation")
        object.__setattr__(self, "sources", dict(self.sources) or {name: name for name in self.population.synapses})
        if self.sources.keys() != self.population.synapses.keys():
            raise ValueError(f"{self.name}: sources of {[*self.sources]}, synapses {[*self.population.synapses]}")
        if len(set(self.inputs)) < len(self.inputs):  # two synapses between one pair of neurons would be one of 9 bits
            raise ValueError(f"{self.name} takes {', '.join(self.inputs)}, one of them twice")
        if prod(self.shape) % self.channels:
            raise ValueError(f"{self.name}: shape {self.shape} holds no whole number of {self.channels} channels")

    @property
    def channels(self) -> int:
        """C."""
        return len(self.population.beta)

    @property
    def positions(self) -> int:
        """P."""
        return prod(self.shape) // self.channels

    @property
    def v_decay(self) -> int:
        """Of its neurons."""
        return self.population.v_decay

    @property
    def inputs(self) -> tuple[str, ...]:
        """Nodes whose spikes it gets, in the order of its synapse modules."""
        return tuple(self.sources.values())

    @property
    def modules(self) -> Iterable[nn.Module]:
        """What must be deployable."""
        return self.population.synapses.values()

    def drive(self, spikes: Spikes) -> Tensor:
        """Synaptic sums (P, T, B, C)."""
        return self.population.drive({module: spikes[source] for module, source in self.sources.items()})

    def spikes(self, spikes: Spikes) -> Tensor:
        """Its spikes (P, T, B, C)."""
        return self.population.fire(self.drive(spikes))


@dataclass(frozen=True, eq=False)
class AndGate:
    """Spikes of node `of[0]`, (P, T, B, C), that the gate `of[1]`, (P, T, B, H), lets through: one gate for C / H
    channels; a gate (1, T, B, H) serves all positions. Exact on the chip.

    `declare` fills in shape, axes and decay, which are those of the node that is gated.
    """

    name: str
    of: tuple[str, str]
    role: str = "and"
    block: int | None = None
    shape: tuple[int, ...] = ()
    axes: tuple[str, ...] = ()
    channels: int = 0
    gates: int = 0
    gate_positions: int = 0
    v_decay: int = V_DECAY

    @property
    def positions(self) -> int:
        """P."""
        return prod(self.shape) // self.channels

    @property
    def inputs(self) -> tuple[str, ...]:
        """What is gated, and the gate."""
        return self.of

    @property
    def modules(self) -> Iterable[nn.Module]:
        """None: nothing is trained."""
        return ()

    def spikes(self, spikes: Spikes) -> Tensor:
        """Its spikes (P, T, B, C)."""
        return gated(*(spikes[name] for name in self.of))


@dataclass(frozen=True, eq=False)
class TorchNode:
    """Spikes (P, T, B, C) that any torch module makes of one node's: it trains, and lowering refuses it.

    The module may say why in `reason` and what to use instead in `hint`.
    """

    name: str
    role: str
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    module: nn.Module
    source: str
    block: int | None = None

    @property
    def channels(self) -> int:
        """C, the last axis."""
        return self.shape[-1]

    @property
    def positions(self) -> int:
        """P."""
        return prod(self.shape[:-1])

    @property
    def v_decay(self) -> int:
        """For a gate of it: it has no neurons of its own."""
        return V_DECAY

    @property
    def inputs(self) -> tuple[str, ...]:
        """The one node."""
        return (self.source,)

    @property
    def modules(self) -> Iterable[nn.Module]:
        """The module itself."""
        return (self.module,)

    def spikes(self, spikes: Spikes) -> Tensor:
        """What the module makes of the source's spikes."""
        return self.module(spikes[self.source])


AnyNode = Node | AndGate | TorchNode
