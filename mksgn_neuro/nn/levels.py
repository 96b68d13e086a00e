"""Which populations share a level where the network becomes a layered network, as netx needs it (pass `levelize`).

A level has one threshold. Relays, which carry values past a level, fire on one spike of weight at most 254; AND gates
and the relays of delayed copies (pass `separate`) come with the threshold of an AND gate. So thresholds are chosen
level by level, and every declared network can be exported.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from mksgn_neuro.nn.network import SpikingNetwork
from mksgn_neuro.nn.nodes import INPUT, AndGate, AnyNode, Node
from mksgn_neuro.nn.population import SpikingPopulation


@dataclass(frozen=True)
class Level:
    """Trained `populations`; `relayed`: values pass through, `gated`: AND gates or relays of delays are here too."""

    populations: tuple[SpikingPopulation, ...]
    relayed: bool
    gated: bool


def chain_levels(network: SpikingNetwork) -> tuple[Level, ...]:
    """Levels from the first on."""
    level, used_until, gated = {INPUT: 0}, defaultdict(int), set()
    for node in network.nodes:
        copied = {name: _copied(network, name, node) for name in node.inputs}
        level[node.name] = here = 1 + max(level[name] + copied[name] for name in node.inputs)
        for name, by_relays in copied.items():
            used_until[name] = max(used_until[name], here - 1)
            gated |= {level[name] + 1} if by_relays else set()
        if isinstance(node, AndGate):
            gated.add(here)
    trained = [node for node in network.nodes if isinstance(node, Node)]
    return tuple(
        Level(
            tuple(node.population for node in trained if level[node.name] == k),
            relayed=any(level[name] < k <= until for name, until in used_until.items()),
            gated=k in gated,
        )
        for k in range(1, max(level.values()) + 1)
    )


def _copied(network: SpikingNetwork, name: str, node: AnyNode) -> bool:
    """Whether a node takes another over several delays, so that relays of it, a level later, hold one delay each."""
    by_name = {other.name: other for other in network.nodes}
    if not isinstance(node, Node) or name == INPUT or isinstance(by_name[name], AndGate):
        return False
    (module,) = (node.population.synapses[key] for key, source in node.sources.items() if source == name)
    return module.delays > 1
