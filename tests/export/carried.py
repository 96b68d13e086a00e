"""Random networks that the Lava exports can carry."""

import numpy as np

from mksgn_neuro.ir import ConvKernel, Network, Population, Projection, Source
from mksgn_neuro.ir.spec import check
from tests.networks import random_network, random_weights


def legal_network(seed, **options):
    """The first legal random network from `seed` on: some would overflow their current."""
    while check(network := random_network(seed, **options)):
        seed += 1
    return network


def random_layered(seed, *, populations=4, loops=False, delays=True):
    """A layered network with per-neuron decays, biases, and one delay per synapse or one-step loops."""
    while check(network := _layered(np.random.default_rng(seed), populations, loops, delays and not loops)):
        seed += 1
    return network


def _layered(rng, populations, loops, delays):
    source = Source("input", (int(rng.integers(1, 4)),), 8)
    pops, projections, pre, width = [], [], source.name, source.size
    for name in (f"p{i}" for i in range(populations)):
        n = int(rng.integers(1, 9))
        v_decay = rng.integers(0, 4097, n) if rng.random() < 0.5 else int(rng.integers(0, 4097))
        i_decay = rng.integers(2048, 4097, n) if rng.random() < 0.3 and not loops else 4096
        bias = rng.integers(-40, 60, n) if rng.random() < 0.5 else 0
        vth = int(rng.integers(20, 400))
        pops.append(Population.of(name, "layer", (n,), vth=vth, v_decay=v_decay, i_decay=i_decay, bias=bias))
        weights = random_weights(rng, n, width, 0.7, bool(rng.random() < 0.7))
        steps = rng.integers(0, 4, (n, width)) if delays and rng.random() < 0.7 else np.zeros((n, width), int)
        projections += [Projection(pre, name, weights.multiply(steps == d), int(d)) for d in np.unique(steps)]
        if loops:
            projections.append(Projection(name, name, random_weights(rng, n, n, 0.4)))
        pre, width = name, n
    return Network(source, tuple(pops), tuple(projections), pre)


def weight_grid_network():
    """Two neurons per legal weight w, bias vth − w and vth − w + 1: on one spike only the second may fire.

    Mixed signs, none negative, none positive; by Sparse, DelaySparse and Conv.
    """
    vth = 300
    grids = {"mixed": np.arange(-256, 255, 2), "positive": np.arange(256), "negative": np.arange(-256, 0, 2)}
    pops, projections = [], []
    for name, grid in grids.items():
        w = np.repeat(grid, 2)
        bias = vth - w + np.tile([0, 1], len(grid))
        for kind, delay in (("sparse", 0), ("delayed", 3), ("conv", 0)):
            shape = (len(w), 1, 1)
            population = Population.of(f"{name} {kind}", "layer", shape, vth=vth, v_decay=4096, bias=bias)
            weights = ConvKernel(w[:, None, None, None], (1, 1, 1)) if kind == "conv" else w[:, None]
            pops.append(population)
            projections.append(Projection("input", population.name, weights, delay))
    return Network(Source("input", (1, 1, 1), 0), tuple(pops), tuple(projections), pops[-1].name)
