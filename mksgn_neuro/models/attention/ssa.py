"""Paper-style attention over spikes: Q Kᵀ V without softmax over the joints of one frame.

It multiplies spikes with spikes, which a weighted sum into CUBA neurons cannot do: it trains and runs in torch, and
lowering refuses it. The form follows "spiking self-attention" (Spikformer, arXiv 2209.15425); where MK-SGN differs from
it is not public, so this is our reconstruction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from torch import Tensor, nn

from mksgn_neuro.models.attention.base import Attention, Site
from mksgn_neuro.nn import Pointwise, SpikingPopulation, TorchNode
from mksgn_neuro.nn.nodes import AnyNode

if TYPE_CHECKING:
    from mksgn_neuro.models.student import StudentConfig


class SpikingSelfAttention(nn.Module):
    """Spikes (V, T, B, C) to spikes of the same shape, `heads` heads, each within one of `groups` of channels."""

    deployable = False
    reason = "attention 'ssa' multiplies spikes with spikes, which no neuron of the chip does"
    hint = "train with --attention gated, which costs one gate spike per joint and head"

    def __init__(self, channels: int, heads: int, groups: int, v_decay: int) -> None:
        super().__init__()
        self.heads = heads

        def population(source: str) -> SpikingPopulation:
            return SpikingPopulation(channels, {source: Pointwise(channels, channels, groups)}, v_decay=v_decay)

        self.projections = nn.ModuleDict({name: population("graph") for name in "qkv"})
        self.output = population("mixed")

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self._by_head(self.projections[name]({"graph": x})) for name in "qkv")
        mixed = (q @ k.transpose(-1, -2)) @ v / (x.shape[0] * q.shape[-1]) ** 0.5
        return self.output({"mixed": mixed.permute(3, 0, 1, 2, 4).flatten(-2).contiguous()})

    def _by_head(self, x: Tensor) -> Tensor:
        """(V, T, B, C) to (T, B, heads, V, C / heads)."""
        return x.unflatten(-1, (self.heads, -1)).permute(1, 2, 3, 0, 4)


class SelfAttention(Attention):
    """The module above in every block."""

    def shared(self, config: StudentConfig) -> tuple[int, ...]:
        return (config.heads,)

    def parts(self, config: StudentConfig, channels_in: int, channels: int) -> Mapping[str, nn.Module]:
        return {"attention": SpikingSelfAttention(channels, config.heads, config.branches, config.v_decay)}

    def nodes(self, site: Site, parts: Mapping[str, nn.Module]) -> Iterator[AnyNode]:
        shape, axes = (site.joints, site.channels), ("joint", "channel")
        yield TorchNode(site.name("and"), "and", shape, axes, parts["attention"], source=site.graph, block=site.block)
