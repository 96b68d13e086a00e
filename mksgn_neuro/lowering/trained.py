"""Pass: an integer network becomes populations and projections, without transmission delay, spike for spike the same.

A loop over the nodes that the network declares; each synapse module says itself what its synapses are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.ir import Network, Population, Projection, Source, Task
from mksgn_neuro.nn.network import SpikingNetwork
from mksgn_neuro.nn.nodes import AND_VTH, AND_WEIGHT, INPUT, AndGate, Node
from mksgn_neuro.nn.population import DECAY_ONE


def lower_trained(network: SpikingNetwork, task: Task | None = None) -> Network:
    """The network in integers; raises Unsupported for what no CUBA neuron computes."""
    _require_deployable(network)
    positions = {INPUT: network.joints} | {node.name: node.positions for node in network.nodes}
    populations, projections = [], []
    for node in network.nodes:
        populations.append(_gate(node) if isinstance(node, AndGate) else _population(node))
        projections += _gate_synapses(node) if isinstance(node, AndGate) else _synapses(node, positions, network.source)
    readout = network.output_node.name
    lowered = Network(
        network.source, tuple(populations), tuple(projections), readout=readout, transmission_delay=0, task=task
    )
    return lowered.with_(populations=lowered.order)


def _require_deployable(network: SpikingNetwork) -> None:
    for node in network.nodes:
        for module in node.modules:
            if not getattr(module, "deployable", False):
                reason = getattr(module, "reason", "") or f"no neuron of the chip computes a {type(module).__name__}"
                hint = getattr(module, "hint", "") or "use synapse modules of mksgn_neuro.nn"
                raise Unsupported(reason, location=node.name, hint=hint)
        if isinstance(node, AndGate) and AND_VTH * node.v_decay < AND_WEIGHT * DECAY_ONE:
            hint = f"give the populations a v_decay of at least {-(-AND_WEIGHT * DECAY_ONE // AND_VTH)}"
            raise Unsupported("neurons that keep so much are no exact AND", location=node.name, hint=hint)
    floats = [name for name, population in network.populations().items() if not population.is_integer]
    if floats:
        raise Unsupported(f"{floats[0]} still has float weights", location="the model", hint="quantize it first")


def _population(node: Node) -> Population:
    trained = node.population
    bias = trained.integer_bias().detach().cpu().numpy().astype(np.int32)
    neurons = {"vth": int(trained.vth), "v_decay": trained.v_decay, "bias": np.tile(bias, node.positions)}
    return Population.of(node.name, node.role, node.shape, axes=node.axes, block=node.block, **neurons)


def _synapses(node: Node, positions: dict[str, int], source: Source) -> Iterator[Projection]:
    for name, module in node.population.synapses.items():
        pre = node.sources[name]
        for delay, weights in module.synapses(node.population.quantize_weight, positions[pre]):
            yield Projection(pre, node.name, weights[:, _as_delivered(source)] if pre == INPUT else weights, delay)


def _as_delivered(source: Source) -> np.ndarray:
    """Where each value of the source, (modality, joint, coordinate), lies in a node's input, (joint, modality, ...)."""
    modalities, joints, coordinates = source.shape
    in_node = np.arange(source.size).reshape(joints, modalities, coordinates)
    return in_node.swapaxes(0, 1).ravel()


def _gate(node: AndGate) -> Population:
    neurons = {"vth": AND_VTH, "v_decay": node.v_decay}
    return Population.of(node.name, node.role, node.shape, axes=node.axes, block=node.block, **neurons)


def _gate_synapses(node: AndGate) -> Iterator[Projection]:
    through, gate = node.of
    spread = sp.kron(sp.identity(node.gate_positions * node.gates), np.ones((node.channels // node.gates, 1)))
    if node.gate_positions < node.positions:  # one gate for all of them
        spread = sp.vstack([spread] * node.positions)
    yield Projection(through, node.name, AND_WEIGHT * sp.identity(node.positions * node.channels, dtype=np.int32))
    yield Projection(gate, node.name, AND_WEIGHT * spread)
