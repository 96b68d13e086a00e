"""A network that says what it is: the frames that it gets and nodes, each of which takes the spikes of nodes above it.

Training, quantization, lowering and the model store ask nothing else, so that what is written here once is true of
every network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from mksgn_neuro.ir import Source, role_of
from mksgn_neuro.nn.nodes import INPUT, AndGate, AnyNode, Node, TorchNode
from mksgn_neuro.nn.population import SpikingPopulation


@dataclass
class Activity:
    """What a forward pass did: `class_spikes` (T, B, classes, copies) of the readout, its `drive` (1, T, B, neurons),
    all spikes (P, T, B, C) by node.
    """

    class_spikes: Tensor
    drive: Tensor
    spikes: dict[str, Tensor] = field(default_factory=dict)

    @property
    def counts(self) -> Tensor:
        """Spikes of the readout over all frames, (B, classes, copies)."""
        return self.class_spikes.sum(0)


class SpikingNetwork(nn.Module):
    """Base of a trainable network on skeletons: a subclass makes its populations, then calls `declare` with its nodes.

    The last node is the readout, of shape (classes, copies). `kind` names the class in model files, whose `config`, a
    dataclass of plain values, builds it again. Copy k of the class neurons belongs to branch k modulo `branches`; each
    branch learns as if it decided alone.
    """

    kind: str = ""
    config: object = None
    branches: int = 1

    def __init__(self, modalities: int, joints: int, *, input_bits: int = 8, coordinates: int = 3) -> None:
        super().__init__()
        axes = ("modality", "joint", "coordinate")
        self.source = Source(INPUT, (modalities, joints, coordinates), input_bits, axes)
        self.nodes: tuple[AnyNode, ...] = ()
        self._last_of_input = ""  # the last node that takes it

    def declare(self, nodes: Iterable[AnyNode]) -> None:
        """Say what the network is, once all its populations are made; raises ValueError for nodes that do not fit."""
        known: dict[str, AnyNode] = {}
        for node in nodes:
            _require_fitting(node, known, self)
            known[node.name] = _completed(node, known) if isinstance(node, AndGate) else node
        *_, last = known.values()
        if (
            not isinstance(last, Node)
            or not role_of(last.role).reads_out
            or (len(last.shape), last.positions) != (2, 1)
        ):
            raise ValueError(f"{last.name}, the last node, is no readout of shape (classes, copies)")
        self.nodes = tuple(known.values())
        self._last_of_input = [node.name for node in self.nodes if INPUT in node.inputs][-1]

    def as_input(self, frames: Tensor) -> Tensor:
        """Frames (B, T, M, V, 3) as nodes get them, (V, T, B, M·3)."""
        return frames.permute(3, 1, 0, 2, 4).flatten(-2).contiguous()

    def forward(self, frames: Tensor) -> Activity:
        """`frames` (B, T, M, V, 3), integer payloads in float32, to the activity of T frames."""
        *inner, last = self.nodes
        known = {INPUT: self.as_input(frames)}
        for node in inner:
            spikes = known[node.name] = node.spikes(known)
            if (len(spikes), spikes.shape[-1]) != (node.positions, node.channels):
                raise ValueError(f"{node.name} is declared as {node.shape} and makes {tuple(spikes.shape)}")
            self.after(node.name, spikes)
            if node.name == self._last_of_input:
                del known[INPUT]
        drive = last.drive(known)
        known[last.name] = last.population.fire(drive)
        known.pop(INPUT, None)
        return Activity(known[last.name][0].unflatten(-1, (self.classes, -1)), drive, known)

    def after(self, name: str, spikes: Tensor) -> None:
        """Called with the spikes (P, T, B, C) of each node but the readout as soon as they are known; does nothing."""

    def class_scores(self, counted: Tensor) -> Tensor:
        """Counts (..., classes, copies) to (groups, ..., classes): the mean over each group of channels' own copies."""
        return counted.unflatten(-1, (-1, self.branches)).mean(-2).movedim(-1, 0)

    def populations(self) -> dict[str, SpikingPopulation]:
        """Trained populations by name, in topological order."""
        return {node.name: node.population for node in self.nodes if isinstance(node, Node)}

    @property
    def output_node(self) -> Node:
        """The readout."""
        return self.nodes[-1]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.output_node.shape[0]

    @property
    def joints(self) -> int:
        """V."""
        return self.source.shape[1]

    @property
    def block_ends(self) -> tuple[Node | AndGate | TorchNode, ...]:
        """The last node of each block, in order."""
        return tuple({node.block: node for node in self.nodes if node.block is not None}.values())

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return next(self.parameters()).device

    @property
    def folded(self) -> bool:
        """Whether normalisation is part of weights and biases."""
        return all(bool(population.folded) for population in self.populations().values())

    @property
    def is_integer(self) -> bool:
        """Whether every population computes in integers."""
        return all(population.is_integer for population in self.populations().values())


def _require_fitting(node: AnyNode, known: Mapping[str, AnyNode], network: nn.Module) -> None:
    if node.name in (INPUT, *known):
        raise ValueError(f"the name {node.name!r} is taken")
    for name in node.inputs:
        if name not in (INPUT, *known):
            raise ValueError(f"{node.name} takes {name!r}, which is no node above it")
    own = set(network.modules())
    for module in node.modules:
        if module not in own:
            raise ValueError(f"{node.name}: its {type(module).__name__} belongs to no attribute of the network")


def _completed(gate: AndGate, known: Mapping[str, AnyNode]) -> AndGate:
    """With shape, axes and decay of the node that it gates."""
    if INPUT in gate.of:
        raise ValueError(f"{gate.name} gates frames, which are no spikes")
    through, by = (known[name] for name in gate.of)
    if by.positions not in (1, through.positions) or through.channels % by.channels:
        raise ValueError(f"{gate.name}: {by.channels} gates at {by.positions} positions for {through.shape}")
    shape = {"shape": through.shape, "axes": through.axes, "channels": through.channels, "gates": by.channels}
    return replace(gate, v_decay=through.v_decay, gate_positions=by.positions, **shape)
