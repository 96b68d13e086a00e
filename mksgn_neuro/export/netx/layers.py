"""A layered network as netx sees it: a level per layer, and whether the stock loader would run each exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.export.netx.loader_model import MAX_CONV_GEOMETRY, distinct, load_weights
from mksgn_neuro.ir import ConvKernel, Network, Population, Projection

FIT = "call lowering.pad_for_netx.fit, which adds a silent neuron"


@dataclass(frozen=True)
class Level:
    """One population of a layered network and its synapses; `layer` is its place under /layer."""

    population: Population
    forward: tuple[Projection, ...]
    loops: tuple[Projection, ...]
    layer: int = 0

    @property
    def conv(self) -> ConvKernel | None:
        """Its kernel, if it is a convolution."""
        weights = self.forward[0].weights
        return weights if isinstance(weights, ConvKernel) else None

    @property
    def type(self) -> str:
        """netx's name for this kind of layer."""
        return "conv" if self.conv else "dense_rec" if self.loops else "dense"

    @property
    def weights(self) -> sp.csr_matrix:
        """All forward synapses in one matrix."""
        return sum((q.matrix for q in self.forward[1:]), self.forward[0].matrix)

    @property
    def recurrent(self) -> sp.csr_matrix | None:
        """All synapses to itself in one matrix, None if it has no loop."""
        return sum((q.matrix for q in self.loops[1:]), self.loops[0].matrix) if self.loops else None


def exact_layers(network: Network) -> tuple[Level, ...]:
    """The levels in order; raises Unsupported for what netx, or its stock loader, does not hold exactly."""
    levels = layers_of(network)
    for before, level in zip((None, *levels), levels):
        _require_exact(level, before)
    return levels


def layers_of(network: Network) -> tuple[Level, ...]:
    """The levels in order; raises Unsupported, naming the location, where the network is not a layered network."""
    if network.transmission_delay != 1:
        raise _not_layered("network", "is a zero-delay network, not one in time steps")
    levels: list[Level] = []
    before = network.source.name
    for population in network.order:
        levels.append(_level(network, population, before))
        before = population.name
    if network.readout != before:
        raise _not_layered(network.readout, f"is the readout, but the last level is {before}")
    return _numbered(levels)


def _level(network: Network, population: Population, before: str) -> Level:
    incoming = network.incoming[population.name]
    for q in incoming:
        if q.pre not in (before, population.name):
            raise _not_layered(_pair(q), f"does not come from the level before, {before}")
    forward = tuple(q for q in incoming if q.pre == before)
    if not forward:
        raise _not_layered(population.name, f"gets nothing from the level before, {before}")
    return Level(population, forward, tuple(q for q in incoming if q.pre == population.name))


def _numbered(levels: list[Level]) -> tuple[Level, ...]:
    """A first convolution needs an input layer that tells its shape, a dense layer after one needs a flatten."""
    layer, numbered = (1 if levels[0].conv else 0), []
    for before, level in zip([None, *levels], levels):
        layer += bool(before and before.conv and not level.conv)
        numbered.append(replace(level, layer=layer))
        layer += 1
    return tuple(numbered)


def _not_layered(location: str, problem: str) -> Unsupported:
    return Unsupported(f"{problem}; netx holds only layered networks", location=location, hint="levelize it first")


def _require_exact(level: Level, before: Level | None) -> None:
    name = level.population.name
    for q in (*level.forward, *level.loops):
        if q.weight_exp:
            hint = "quantize the level on one grid"
            raise Unsupported(f"has weight exponent {q.weight_exp}; netx has none", location=_pair(q), hint=hint)
    if any(isinstance(q.weights, ConvKernel) for q in (*level.forward, *level.loops)):
        return _require_exact_conv(level, before)
    if any(q.delay for q in level.loops):
        raise Unsupported("a loop with a delay; netx has none", location=name, hint="delay by relays, one per step")
    if level.loops and any(q.delay for q in level.forward):
        hint = "move the delay to relays on the level before"
        raise Unsupported("delays beside a loop; the stock loader drops the exponent", location=name, hint=hint)
    _require_one_delay_per_pair(level)
    _require_unchanged(level)


def _require_exact_conv(level: Level, before: Level | None) -> None:
    name, kernel = level.population.name, level.conv
    hint = "unroll it: Projection(weights=projection.matrix)"
    if kernel is None or len(level.forward) > 1 or level.loops or level.forward[0].delay:
        problem = "a convolution beside other synapses, or with a delay that the stock loader ignores"
        raise Unsupported(problem, location=name, hint=hint)
    if before is not None and (before.conv is None or before.conv.output_shape != kernel.input_shape):
        raise Unsupported("a convolution whose input is not shaped by the level before", location=name, hint=hint)
    if max(*kernel.stride, *kernel.padding, *kernel.dilation, kernel.groups) > MAX_CONV_GEOMETRY:
        problem = f"stride, padding, dilation or groups over {MAX_CONV_GEOMETRY}, Lava's limit"
        raise Unsupported(problem, location=name, hint=hint)


def _require_one_delay_per_pair(level: Level) -> None:
    synapses = sum(q.synapses for q in level.forward)
    supports = sum(abs(q.matrix).astype(bool).astype(np.int32) for q in level.forward)
    if len({q.delay for q in level.forward}) > 1 and supports.nnz != synapses:
        neuron, pre = next(zip(*np.nonzero(supports > 1)))
        problem = f"two delays from {level.forward[0].pre} {pre} to neuron {neuron}; netx holds one per pair"
        raise Unsupported(problem, location=level.population.name, hint="levelize it first: a relay per delay")


def _require_unchanged(level: Level) -> None:
    name = level.population.name
    weights, recurrent = (
        distinct(level.weights),
        level.recurrent if level.recurrent is None else distinct(level.recurrent),
    )
    loaded = load_weights(weights, recurrent)
    if loaded is None:
        raise Unsupported(
            "all weights are zero, on which the stock loader fails", location=name, hint=f"prune it or {FIT}"
        )
    for intended, actual in zip((weights, recurrent), loaded):
        for was, becomes in zip(intended, actual.values):
            if was != becomes:
                problem = f"the stock loader would run {becomes:g} instead of weight {was}"
                hint = FIT if weights.max() <= 0 else "requantize the level on one grid"
                raise Unsupported(problem, location=name, hint=hint)
        if actual.bits > 8:
            raise Unsupported(
                "odd weights above 127 beside negative ones need 9 bits", location=name, hint="requantize"
            )


def _pair(q: Projection) -> str:
    return f"{q.pre} → {q.post}"
