"""Random legal networks and inputs for property tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from hypothesis import strategies as st

from mksgn_neuro.ir import ConvKernel, Network, Population, Projection, Source


def random_weights(rng: np.random.Generator, post: int, pre: int, density: float, mixed: bool = True) -> sp.csr_matrix:
    """Sparse integers on the legal grid: even in [−256, 254], or 0..255 where not `mixed`."""
    values = 2 * rng.integers(-128, 128, (post, pre)) if mixed else rng.integers(0, 256, (post, pre))
    return sp.csr_matrix(values * (rng.random((post, pre)) < density))


def random_network(
    seed: int,
    *,
    populations: int = 4,
    max_size: int = 8,
    max_delay: int = 5,
    loops: bool = False,
    shared_parameters: bool = False,
    subthreshold_bias: bool = False,
    threshold: int | None = None,
    source_delays: bool = True,
    transmission_delay: int = 1,
    message_bits: int = 8,
) -> Network:
    """A legal DAG with skips, delays and biases; one in three populations has per-neuron decays.

    `shared_parameters` gives all populations one v_decay and i_decay; `subthreshold_bias` makes bias too weak to fire
    alone and current memoryless, as every network lowered from a student is; without `source_delays` the input reaches
    each population with one delay only.
    """
    rng = np.random.default_rng(seed)
    source = Source("input", (int(rng.integers(1, 4)),), message_bits)
    pops, projections, names = [], [], ["input"]
    for i in range(populations):
        n = int(rng.integers(1, max_size + 1))
        v_decay = rng.integers(0, 4097, n) if rng.random() < 0.3 else int(rng.integers(0, 4097))
        i_decay = rng.integers(2048, 4097, n) if rng.random() < 0.3 else 4096
        vth = threshold or int(rng.integers(20, 400))
        if shared_parameters or subthreshold_bias:
            i_decay, v_decay = 4096, 2458
        bias = rng.integers(-40, int(0.6 * vth) if subthreshold_bias else 60, n) if rng.random() < 0.5 else 0
        name = f"p{i}"
        pops.append(Population.of(name, "layer", (n,), vth=vth, v_decay=v_decay, i_decay=i_decay, bias=bias))
        pres = {names[-1], *rng.choice(names, int(rng.integers(1, 3)))}
        for pre in sorted(pres):
            size = source.size if pre == "input" else next(p.size for p in pops if p.name == pre)
            delays = sorted({int(d) for d in rng.integers(0, max_delay + 1, int(rng.integers(1, 3)))})
            for delay in delays[:1] if pre == "input" and not source_delays else delays:
                weights = random_weights(rng, n, size, 0.6, bool(rng.random() < 0.7))
                projections.append(Projection(str(pre), name, weights, delay))
        if loops and rng.random() < 0.5:
            lag = int(rng.integers(1 - transmission_delay, max_delay + 1))
            projections.append(Projection(name, name, random_weights(rng, n, n, 0.3), max(lag, 1 - transmission_delay)))
        names.append(name)
    return Network(source, tuple(pops), tuple(projections), readout=names[-1], transmission_delay=transmission_delay)


def forgetting(network: Network, rng: np.random.Generator) -> Network:
    """The same of neurons that keep nothing from step to step, one in five populations aside."""
    keeps = {p.name for p in network.populations if rng.random() < 0.2}
    forgetful = [p if p.name in keeps else replace(p, i_decay=4096, v_decay=4096) for p in network.populations]
    return network.with_(populations=tuple(forgetful))


def random_inputs(seed: int, network: Network, steps: int, rate: float = 0.6) -> np.ndarray:
    """Integers (steps, source.size) in the source's range, zero where nothing arrives."""
    rng = np.random.default_rng(seed)
    bits = network.source.message_bits
    low, high = (0, 2) if bits == 0 else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    values = rng.integers(low, high, (steps, network.source.size))
    return (values * (rng.random(values.shape) < rate)).astype(np.int32)


def conv_network(seed: int) -> Network:
    """Two convolutions (strided, padded, dilated, grouped) and a dense layer on a small image."""
    rng = np.random.default_rng(seed)
    first = ConvKernel(2 * rng.integers(-60, 60, (4, 2, 3, 3)), (2, 7, 9), (2, 2), (1, 0), (1, 2))
    second = ConvKernel(2 * rng.integers(-60, 60, (6, 2, 2, 3)), first.output_shape, groups=2)
    populations = (
        Population.of("c0", "layer", first.output_shape, vth=300, v_decay=1024, axes=("channel", "y", "x")),
        Population.of("c1", "layer", second.output_shape, vth=200, v_decay=1024, axes=("channel", "y", "x")),
        Population.of("out", "readout", (3,), vth=200, v_decay=500, axes=("class",)),
    )
    dense = random_weights(rng, 3, populations[1].size, 0.8)
    projections = (Projection("input", "c0", first), Projection("c0", "c1", second), Projection("c1", "out", dense))
    return Network(Source("input", (2, 7, 9), 0), populations, projections, readout="out")


seeds = st.integers(0, 2**32 - 1)
