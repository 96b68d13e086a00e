"""Deployable attention of one joint: a gate spike for each head lets the head's channels through, or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from torch import nn

from mksgn_neuro.models.attention.base import Attention, Site
from mksgn_neuro.nn import AndGate, HeadSum, Node, Pointwise, SpikingPopulation, gate_population
from mksgn_neuro.nn.nodes import AnyNode

if TYPE_CHECKING:
    from mksgn_neuro.models.student import StudentConfig


class Gated(Attention):
    """Features → query → gate per joint and head; features AND gate."""

    def shared(self, config: StudentConfig) -> tuple[int, ...]:
        return config.heads, config.query_channels

    def parts(self, config: StudentConfig, channels_in: int, channels: int) -> Mapping[str, nn.Module]:
        neurons = {"v_decay": config.v_decay}
        query = Pointwise(channels, config.query_channels, config.branches)
        query = SpikingPopulation(config.query_channels, {"graph": query}, **neurons)
        sums = HeadSum(config.heads, config.query_channels // config.heads)
        return {"query": query, "gate": gate_population(config.heads, {"query": sums}, **neurons)}

    def nodes(self, site: Site, parts: Mapping[str, nn.Module]) -> Iterator[AnyNode]:
        query, gate = site.name("query"), site.name("gate")
        for name, axis, sources in ((query, "channel", {"graph": site.graph}), (gate, "head", {"query": query})):
            population = parts[role := name.split(".")[-1]]
            shape = (site.joints, len(population.beta))
            yield Node(name, role, shape, ("joint", axis), population, sources, block=site.block)
        yield AndGate(site.name("and"), of=(site.graph, gate), block=site.block)
