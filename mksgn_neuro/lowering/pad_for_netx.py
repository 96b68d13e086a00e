"""Pass on a layered network: the few levels whose weights the stock loader cannot load get one neuron that does
nothing.

It fails on a matrix of zeros and changes one without positive weights whose lowest is a power of two
(export.netx.loader_model). One positive weight mends both, and one from a neuron that never fires has no effect.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.export.netx.layers import layers_of
from mksgn_neuro.ir import ConvKernel, Group, Network, Population, Projection
from mksgn_neuro.ir.spec import BIAS_RANGE

ROLE = "relay"
NAME = "silent"
WEIGHT = 2  # the least even one


def pad_for_netx(network: Network) -> Network:
    """A layered network whose spikes are the same, the added neurons apart; itself where nothing has to be added."""
    for level in layers_of(network):
        if level.conv is None and _needs_a_positive_weight(level.weights):
            network = _mended(network, level.population.name)
        if level.recurrent is not None and _needs_a_positive_weight(level.recurrent):
            network = _mended_loop(network, level.population.name)
    return network


def _needs_a_positive_weight(weights: sp.csr_matrix) -> bool:
    lowest = -int(weights.min())
    return weights.max() <= 0 and lowest & (lowest - 1) == 0


def _mended(network: Network, name: str) -> Network:
    before = network.incoming[name][0].pre
    if before != network.source.name:
        return _with_weight(_with_neuron(network, before, bias=0), name, row=0, column=network[before].size)
    if network.readout == name:
        hint = "prune it: nothing excites the network"
        raise Unsupported("the only level has no positive weight", location=name, hint=hint)
    # Input channels are the user's, so the first level's neuron takes them instead, and feeds nothing.
    return _with_weight(_with_neuron(network, name, bias=BIAS_RANGE[0]), name, row=network[name].size, column=0)


def _mended_loop(network: Network, name: str) -> Network:
    """The new neuron of the level itself has no input, so that its weight in the loop has no effect."""
    own = network[name].size
    return _with_weight(_with_neuron(network, name, bias=0), name, row=0, column=own, loop=True)


def _with_neuron(network: Network, name: str, bias: int) -> Network:
    """One more neuron at the end of a population, without synapses."""
    if any(isinstance(q.weights, ConvKernel) for q in network.incoming[name]):
        raise Unsupported("a convolution cannot take a silent neuron", location=name, hint="unroll its kernel")
    populations = tuple(_grown(p, bias) if p.name == name else p for p in network.populations)
    projections = tuple(_resized(q, q.post == name, q.pre == name) for q in network.projections)
    return network.with_(populations=populations, projections=projections)


def _grown(p: Population, bias: int) -> Population:
    decays = {
        field: np.append(value, value[-1]) if (value := getattr(p, field)).ndim else value
        for field in ("i_decay", "v_decay")
    }
    shared = p.bias.ndim == 0 and int(p.bias) == bias
    biases = p.bias if shared else np.append(np.broadcast_to(p.bias, (p.size,)), bias)
    return replace(p, groups=(*p.groups, Group(NAME, ROLE, (1,), ("neuron",))), bias=biases, **decays)


def _resized(q: Projection, row: bool, column: bool) -> Projection:
    if not row and not column:
        return q
    rows, columns = q.weights.shape
    matrix = q.matrix.copy()
    matrix.resize((rows + row, columns + column))
    return replace(q, weights=matrix)


def _with_weight(network: Network, name: str, *, row: int, column: int, loop: bool = False) -> Network:
    first = next(q for q in network.incoming[name] if (q.pre == name) == loop)
    matrix = first.matrix.tolil()
    matrix[row, column] = WEIGHT
    changed = replace(first, weights=matrix.tocsr())
    return network.with_(projections=tuple(changed if q is first else q for q in network.projections))
