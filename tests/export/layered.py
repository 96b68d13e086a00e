"""Random layered networks of the kinds that netx can hold."""

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.ir import ConvKernel, Group, Network, Population, Projection, Source, Task
from tests.networks import random_weights

TASK = Task(("sit", "stand"), ("hip", "knee"), (-1, 0), 30, ("joint",), (100.0,), 0, 1, "synthetic", "abc")


def random_layered(seed, *, levels=4, max_size=7, max_delay=5, convs=True, loops=True, message_bits=8):
    """Dense levels with several delays or a loop, after up to two convolutions in one of three networks."""
    rng = np.random.default_rng(seed)
    populations, projections = [], []
    if convs and rng.random() < 0.34:
        source, populations, projections = _convolutions(rng, message_bits)
    else:
        source = Source("input", tuple(int(n) for n in rng.integers(1, 4, rng.integers(1, 3))), message_bits, ())
    width = populations[-1].size if populations else source.size
    for i in range(len(populations), len(populations) + int(rng.integers(1, levels + 1))):
        name, before = f"level{i + 1}", populations[-1].name if populations else source.name
        size = int(rng.integers(1, max_size + 1))
        populations.append(_population(rng, name, size))
        mixed = bool(rng.random() < 0.7)
        loop = loops and rng.random() < 0.3
        delays = [0] if loop else sorted({int(d) for d in rng.integers(0, max_delay + 1, rng.integers(1, 4))})
        projections += _by_delay(rng, before, name, random_weights(rng, size, width, 0.7, mixed), delays)
        if loop:
            projections.append(Projection(name, name, random_weights(rng, size, size, 0.4, mixed)))
        width = size
    task = TASK if rng.random() < 0.5 else None
    return Network(source, tuple(populations), tuple(projections), populations[-1].name, task=task)


def _by_delay(rng, pre, post, weights, delays):
    chosen = rng.choice(delays, weights.shape)
    return [Projection(pre, post, sp.csr_matrix(np.where(chosen == d, weights.toarray(), 0)), d) for d in delays]


def _population(rng, name, size):
    vth = int(rng.integers(20, 400))
    v_decay = rng.integers(0, 4097, size) if rng.random() < 0.3 else int(rng.integers(0, 4097))
    i_decay = rng.integers(2048, 4097, size) if rng.random() < 0.3 else 4096
    bias = rng.choice([0, int(rng.integers(-40, 60))]) if rng.random() < 0.5 else rng.integers(-40, 60, size)
    groups = (Group(name, "layer", (size,), ("neuron",)),)
    if size > 2:
        kept = np.sort(rng.choice(9, size - 1, replace=False))
        pruned = Group("b1.temporal", "temporal", (3, 3), ("joint", "channel"), 1, 2, kept)
        groups = (Group("b1.query", "query", (1,), ("channel",), 1), pruned)
    return Population(name, groups, vth, i_decay, v_decay, bias)


def _convolutions(rng, message_bits):
    kernels = [ConvKernel(2 * rng.integers(-60, 60, (4, 2, 3, 2)), (2, 7, 8), (2, 1), (1, 0), (1, 2))]
    if rng.random() < 0.5:
        kernels.append(ConvKernel(2 * rng.integers(-60, 60, (2, 2, 2, 3)), kernels[0].output_shape, groups=2))
    populations = []
    for i, kernel in enumerate(kernels):
        n = int(np.prod(kernel.output_shape))
        per_channel = np.repeat(rng.integers(-40, 60, kernel.output_shape[0]), n // kernel.output_shape[0])
        bias = [np.array(0), np.array(30), per_channel, rng.integers(-40, 60, n)][rng.integers(4)]
        v_decay = rng.integers(0, 4097, n) if rng.random() < 0.3 else 1024
        fields = {"vth": 300, "v_decay": v_decay, "bias": bias, "axes": ("channel", "y", "x")}
        populations.append(Population.of(f"level{i + 1}", "layer", kernel.output_shape, **fields))
    names = ["input", *(p.name for p in populations)]
    projections = [Projection(pre, post, k) for pre, post, k in zip(names, names[1:], kernels)]
    return Source("input", (2, 7, 8), message_bits, ("channel", "y", "x")), populations, projections
