"""MK-SGN, the spiking student, deployable by construction (docs/design.md#the-student).

SSC (`encode`) → SMF (`fuse`) → six blocks of SA-SGC (`graph`, `query`, `gate`, `and`) and STC (`temporal`) → `readout`.
Spikes are (V, T, B, C). Widths, kernel sizes and the readout are our reconstruction: the paper's abstract is silent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mksgn_neuro.models.attention import ATTENTIONS, Attention, Site
from mksgn_neuro.models.fusion import Fusion, joint_probabilities, modality_weights, mutual_information
from mksgn_neuro.nn import (
    DECAY_ONE,
    V_DECAY,
    ClassSum,
    GraphConvolution,
    Node,
    PerModality,
    Pointwise,
    Shortcut,
    SpikingNetwork,
    SpikingPopulation,
    TemporalTaps,
)
from mksgn_neuro.nn.nodes import AnyNode
from mksgn_neuro.nn.population import MOMENTUM

UNKNOWN_FIRING = 0.25  # how often two modalities fire together, before training has seen any


@dataclass(frozen=True)
class StudentConfig:
    """Shape of a student; all choices are ours.

    `branch_modalities` names, for each branch of channels, the modalities that it takes; () is one branch that takes
    them all. `attention_blocks` are the numbers, from 1, of the blocks that attend; () means all of them.
    """

    classes: int
    modalities: int = 4
    encoder_channels: int = 8
    channels: tuple[int, ...] = (64, 64, 64, 64, 96, 96)
    heads: int = 8
    query_channels: int = 32
    taps: int = 5
    dilations: tuple[int, ...] = (1, 1, 1, 1, 1, 1)
    readout_copies: int = 4
    attention: str = "gated"
    mutual_information: bool = True
    branch_modalities: tuple[tuple[int, ...], ...] = ()
    v_decay: int = V_DECAY
    attention_blocks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not DECAY_ONE // 2 < self.v_decay <= DECAY_ONE:
            raise ValueError(f"v_decay {self.v_decay}: AND gates are exact above {DECAY_ONE // 2}, up to {DECAY_ONE}")
        if self.attention not in ATTENTIONS:
            raise ValueError(f"attention {self.attention!r} is none of {(*ATTENTIONS,)}")
        if not set(self.attention_blocks) <= set(range(1, len(self.channels) + 1)):
            raise ValueError(f"attention in blocks {self.attention_blocks} of {len(self.channels)}")
        attention = ATTENTIONS[self.attention]
        attention.require_fitting(self)
        if not all(
            taken and list(taken) == [m for m in range(self.modalities) if m in taken]
            for taken in self.branch_modalities
        ):
            raise ValueError(f"branches of {self.branch_modalities} of {self.modalities} modalities")
        shared = (*self.channels, *attention.shared(self), self.readout_copies)
        if any(number % self.branches for number in shared):
            raise ValueError(f"{self.branches} groups cannot share {shared} with attention {self.attention!r}")

    @property
    def weighs_modalities(self) -> bool:
        """Whether mutual information weights the fusion: some branch takes several modalities, and so has one."""
        return self.mutual_information and (
            not self.branch_modalities or any(len(taken) > 1 for taken in self.branch_modalities)
        )

    def attention_of(self, block: int) -> Attention:
        """What block number `block` does, from 1 on."""
        attends = not self.attention_blocks or block in self.attention_blocks
        return ATTENTIONS[self.attention if attends else "none"]

    @property
    def branches(self) -> int:
        """Parts of every population that meet only in the class neurons; one without `branch_modalities`."""
        return max(1, len(self.branch_modalities))


class Block(nn.Module):
    """SA-SGC and STC: (V, T, B, C_in) to (V, T, B, C_out), the attention that is asked for between the two."""

    def __init__(
        self, config: StudentConfig, attends: Attention, partitions: Tensor, channels_in: int, channels: int,
        dilation: int,
    ) -> None:  # fmt: skip
        super().__init__()
        groups, neurons = config.branches, {"v_decay": config.v_decay}
        graph = GraphConvolution(partitions, channels_in, channels, groups)
        self.graph = SpikingPopulation(channels, {"input": graph}, **neurons)
        for name, part in attends.parts(config, channels_in, channels).items():
            self.add_module(name, part)
        same = channels_in == channels
        shortcut = Shortcut(channels) if same else Pointwise(channels_in, channels, groups)
        taps = TemporalTaps(channels, config.taps, dilation)
        self.temporal = SpikingPopulation(channels, {"and": taps, "input": shortcut}, **neurons)
        self.joints, self.attends = partitions.shape[1], attends

    def nodes(self, b: int, source: str) -> Iterator[AnyNode]:
        """Of block `b`, which takes the node `source`; the last one is what it makes."""
        graph = f"b{b}.graph"
        yield self._node(b, "graph", self.graph, {"input": source})
        last, site = graph, Site(b, self.joints, len(self.graph.beta), source, graph)
        for node in self.attends.nodes(site, self._modules):
            yield node
            last = node.name
        yield self._node(b, "temporal", self.temporal, {"and": last, "input": source})

    def _node(self, b: int, role: str, population: SpikingPopulation, sources: dict[str, str]) -> Node:
        shape = (self.joints, len(population.beta))
        return Node(f"b{b}.{role}", role, shape, ("joint", "channel"), population, sources, block=b)


class MKSGN(SpikingNetwork):
    """The student on a skeleton whose graph partitions are (K, V, V)."""

    kind = "mk-sgn"

    def __init__(
        self, config: StudentConfig, partitions: Tensor, *, input_bits: int = 8, coordinates: int = 3
    ) -> None:  # fmt: skip
        super().__init__(config.modalities, partitions.shape[1], input_bits=input_bits, coordinates=coordinates)
        self.config = config
        m, c0 = config.modalities, config.channels[0]
        neurons, encoders = {"v_decay": config.v_decay}, config.encoder_channels
        self.encode = SpikingPopulation(m * encoders, {"input": PerModality(m, encoders, coordinates)}, **neurons)
        self.fuse = SpikingPopulation(c0, {"encode": Fusion(m, encoders, c0, config.branch_modalities)}, **neurons)
        widths = zip((c0, *config.channels[:-1]), config.channels, config.dilations)
        self.blocks = nn.ModuleList(
            Block(config, config.attention_of(b), partitions, *width) for b, width in enumerate(widths, 1)
        )
        outputs = config.classes * config.readout_copies
        class_sum = ClassSum(self.joints, config.channels[-1], outputs, config.branches)
        self.readout = SpikingPopulation(outputs, {"temporal": class_sum}, **neurons)
        self.register_buffer("joint_firing", torch.full((m, m), UNKNOWN_FIRING))
        self.branches = config.branches
        self.declare(self._nodes())

    def _nodes(self) -> Iterator[AnyNode]:
        config, v = self.config, self.joints
        encoders = (v, config.modalities, config.encoder_channels)
        yield Node("encode", "encode", encoders, ("joint", "modality", "channel"), self.encode)
        yield Node("fuse", "fuse", (v, config.channels[0]), ("joint", "channel"), self.fuse)
        source = "fuse"
        for b, block in enumerate(self.blocks, 1):
            yield from block.nodes(b, source)
            source = f"b{b}.temporal"
        shape = (config.classes, config.readout_copies)
        yield Node("readout", "readout", shape, ("class", "copy"), self.readout, {"temporal": source})

    def after(self, name: str, spikes: Tensor) -> None:
        """The encoder's spikes update the statistics that weight their fusion, which comes next."""
        if name == "encode":
            self._update_information(spikes)

    def _update_information(self, encoded: Tensor) -> None:
        # only while gradients flow: settling the statistics (no_grad) must not move the weights that it settles for
        learning = self.training and torch.is_grad_enabled() and not self.encode.folded
        if not learning or not self.config.weighs_modalities:
            return
        with torch.no_grad():
            by_modality = encoded.unflatten(-1, (self.config.modalities, -1)).movedim(-2, 0).flatten(1)
            self.joint_firing.lerp_(joint_probabilities(by_modality), MOMENTUM)
            self.fuse.synapses["encode"].modality_weights.copy_(modality_weights(self.information()))

    @property
    def fusion_weights(self) -> Tensor | None:
        """What mutual information made of each modality, (M,); None where it was never estimated in training."""
        estimated = bool((self.joint_firing != UNKNOWN_FIRING).any())
        return self.fuse.synapses["encode"].modality_weights.clone() if estimated else None

    def information(self) -> Tensor:
        """The mutual-information matrix of the modalities' spikes, (M, M), nats."""
        return mutual_information(self.joint_firing)
