"""Deployable self-attention across joints, after the spike-driven transformer (Yao et al. 2023, arXiv 2307.01694).

Queries and keys are spikes of every joint. Where both fire they coincide; a gate for each channel counts coincidences
over the whole skeleton, and lets that channel's features through, at all joints or at none:

    gate_c = LIF(Σ_j Q_jc AND K_jc),  out_jc = V_jc AND gate_c

Two-input coincidence neurons and weighted sums are all that it needs. V are the block's spatial features. Q and K take
what the block takes, so that they are ready one level earlier than if they took V: a block is as deep as a gated one.
With fewer query channels than features, one gate serves several neighbouring channels, its head.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from mksgn_neuro.models.attention.base import Attention, Site
from mksgn_neuro.nn import AndGate, Node, Pointwise, SpikingPopulation, SynapseModule
from mksgn_neuro.nn.nodes import AnyNode
from mksgn_neuro.nn.synapses import Synapses, WeightQuantizer, integers

if TYPE_CHECKING:
    from mksgn_neuro.models.student import StudentConfig

# Shifts at first, as shares of the largest that keeps a neuron silent without input. Queries and keys fire often enough
# to coincide; gates open at about their average number of coincidences: at some frames and not at others.
QUERY_SHIFT, GATE_SHIFT = 0.5, 0.95


# Of a coincidence while normalisation is trained: its ε, 1e-5, then counts as a variance of 0.1 coincidences², without
# which the weights of channels that hardly ever coincide would be hundreds of thresholds and leave the others no bits.
UNIT = 0.01


class JointSum(SynapseModule):
    """The sum over all joints, channel by channel, one weight each: (V, T, B, C) to (1, T, B, C)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.register_buffer("unit", torch.tensor(UNIT))

    def effective(self) -> Tensor:
        return self.weight * self.unit

    def scale_outputs(self, factor: Tensor) -> None:
        """Multiply what each target channel receives, in place; factor (C,). From here on weights are in thresholds."""
        self.weight.mul_(factor * self.unit)
        self.unit.fill_(1)

    def rescale(self, factor: Tensor) -> None:
        self.weight.mul_(factor)

    @torch.no_grad()
    def take(self, other: SynapseModule, outputs: Tensor, inputs: Tensor) -> None:
        """As every module's, whatever the unit of the other's weights."""
        known = outputs >= 0
        self.weight[known] = other.effective()[outputs[known]] / self.unit

    def forward(self, x: Tensor, quantize_weight: WeightQuantizer) -> Tensor:
        return x.sum(0, keepdim=True) * quantize_weight(self.effective())

    def synapses(self, quantize_weight: WeightQuantizer, positions: int) -> Synapses:
        diagonal = sp.diags(integers(quantize_weight(self.effective())), dtype=np.int32)
        yield 0, sp.kron(np.ones((1, positions), np.int32), diagonal, format="csr")


class SpikeDriven(Attention):
    """Query and key at every joint, their coincidences, one gate per channel for the whole skeleton."""

    def require_fitting(self, config: StudentConfig) -> None:
        for channels in config.channels:
            if channels % config.query_channels:
                problem = f"{channels} channels are no multiple of {config.query_channels} query channels"
                raise ValueError(f"{problem}, as attention 'spike-driven' needs")

    def shared(self, config: StudentConfig) -> tuple[int, ...]:
        return (config.query_channels,)

    def parts(self, config: StudentConfig, channels_in: int, channels: int) -> Mapping[str, nn.Module]:
        width, neurons = config.query_channels, {"v_decay": config.v_decay}
        query, key = (
            SpikingPopulation(width, {"input": Pointwise(channels_in, width, config.branches)}, **neurons)
            for _ in range(2)
        )
        for population in (query, key):
            nn.init.constant_(population.beta, QUERY_SHIFT * population.max_bias)
        gate = SpikingPopulation(width, {"coincidence": JointSum(width)}, **neurons)
        gate.variance.fill_(UNIT**2)
        nn.init.constant_(gate.beta, GATE_SHIFT * gate.max_bias)
        return {"query": query, "key": key, "gate": gate}

    def nodes(self, site: Site, parts: Mapping[str, nn.Module]) -> Iterator[AnyNode]:
        width, block = len(parts["gate"].beta), site.block
        query, key, coincidence, gate = (site.name(role) for role in ("query", "key", "coincidence", "gate"))
        for name, role in ((query, "query"), (key, "key")):
            shape, axes = (site.joints, width), ("joint", "channel")
            yield Node(name, role, shape, axes, parts[role], {"input": site.input}, block=block)
        yield AndGate(coincidence, of=(query, key), role="coincidence", block=block)
        yield Node(gate, "gate", (width,), ("channel",), parts["gate"], {"coincidence": coincidence}, block=block)
        yield AndGate(site.name("and"), of=(site.graph, gate), block=block)
