"""Pass: leave out neurons that can never fire or whose spikes reach nothing; all other spikes stay the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mksgn_neuro.ir import ConvKernel, Group, Network, Population, Projection
from mksgn_neuro.ir.spec import MAX_DECAY


def prune(network: Network) -> Network:
    """The network without dead neurons; populations left empty go too. The readout keeps all of its neurons.

    In time steps an empty one keeps a neuron where others would change their level without it, and with it the step
    of their reset. Where nothing can reach the readout, all would go: the network stays as it is, for others to say so.
    """
    pruned = _pruned(network, at_least=0)
    moved = any(pruned.level[p.name] != network.level[p.name] for p in pruned.populations)
    return _pruned(network, at_least=1) if network.transmission_delay and moved else pruned


def _pruned(network: Network, *, at_least: int) -> Network:
    """With `at_least` so many neurons in each population."""
    given = network
    while True:
        keep = {p.name: _alive(network, p) for p in network.populations}
        for alive in keep.values():
            if not alive.any():
                alive[:at_least] = True
        if all(alive.all() for alive in keep.values()):
            return network
        network = _restricted(network, keep)
        if not network.incoming[network.readout]:
            return given


def _alive(network: Network, population: Population) -> np.ndarray:
    """(N,) bool: neurons that can fire and reach someone; populations of convolutions are left whole."""
    own = (*network.incoming[population.name], *network.outgoing[population.name])
    if population.name == network.readout or any(isinstance(q.weights, ConvKernel) for q in own):
        return np.ones(population.size, dtype=bool)
    used = np.zeros(population.size, dtype=bool)
    for q in network.outgoing[population.name]:
        targets = np.diff(q.matrix.tocsc().indptr)
        itself = q.matrix.diagonal() != 0 if q.post == population.name else 0
        used |= targets > itself
    return used & can_fire(network, population)


def can_fire(network: Network, population: Population) -> np.ndarray:
    """(N,) bool: False where no input whatever lifts the voltage above the threshold.

    A drive of at most a per step lifts u to a·4096/i_decay and v to u·4096/v_decay (geometric series; rounding toward
    zero only lowers them).
    """
    drive = np.zeros(population.size)
    for q in network.incoming[population.name]:
        both_signs = q.pre == network.source.name and network.source.message_bits
        payload = network.source.max_payload if both_signs else 1
        reach = abs(q.matrix) if both_signs else q.matrix.maximum(0)
        drive += payload * np.ceil(np.asarray(reach.sum(axis=1)).ravel() * 2.0**q.weight_exp)
    with np.errstate(divide="ignore", invalid="ignore"):
        current = np.where(drive > 0, drive * MAX_DECAY / population.i_decay, 0.0) + population.bias
        voltage = np.where(current > 0, current * MAX_DECAY / population.v_decay, 0.0)
    return voltage > population.vth


def _restricted(network: Network, keep: dict[str, np.ndarray]) -> Network:
    gone = {name for name, alive in keep.items() if not alive.any()}
    populations = tuple(_kept(p, keep[p.name]) for p in network.populations if p.name not in gone)
    projections = tuple(
        _kept_synapses(q, keep.get(q.pre), keep[q.post])
        for q in network.projections
        if q.pre not in gone and q.post not in gone
    )
    return network.with_(populations=populations, projections=projections)


def _kept(population: Population, alive: np.ndarray) -> Population:
    if alive.all():
        return population
    groups, start = [], 0
    for group in population.groups:
        part = np.flatnonzero(alive[start : start + group.size])
        start += group.size
        if len(part):
            groups.append(_kept_group(group, part))
    arrays = {name: getattr(population, name) for name in ("i_decay", "v_decay", "bias")}
    arrays = {name: value[alive] if value.ndim else value for name, value in arrays.items()}
    return replace(population, groups=tuple(groups), **arrays)


def _kept_group(group: Group, part: np.ndarray) -> Group:
    index = part if group.index is None else group.index[part]
    return group if len(part) == group.size else replace(group, index=index)


def _kept_synapses(q: Projection, pre: np.ndarray | None, post: np.ndarray) -> Projection:
    if post.all() and (pre is None or pre.all()):
        return q
    matrix = q.matrix[np.flatnonzero(post)]
    return replace(q, weights=matrix if pre is None else matrix[:, np.flatnonzero(pre)])
