"""Random chains of NIR nodes on whole numbers, as a property test wants them."""

from itertools import pairwise

import nir
import numpy as np

from tests.export.nir import euler

DT = 2.0**-13  # seconds; a power of two, so that no time constant rounds in float64


def random_graph(rng, decays=(1024, 2048, 4096), *, leaks=True):
    """A graph of one to three layers of neurons and the nodes between them; a decay of 0 makes an IF."""
    axes = int(rng.integers(1, 4))
    shape = (int(rng.integers(1, 4)), *(int(n) for n in rng.integers(4, 8, axes - 1))) if axes > 1 else (6,)
    nodes = {"in": nir.Input(np.array(shape))}
    for layer in range(int(rng.integers(1, 4))):
        for i in range(int(rng.integers(1, 4))):
            node = between(rng, shape, leaks)
            if node is not None:
                nodes[f"n{layer}_{i}"] = node
                shape = np.shape(euler.linear(node, np.zeros(shape)))
        nodes[f"l{layer}"] = neurons(rng, shape, decays, leaks)
    nodes["out"] = nir.Output(np.array(shape))
    return nir.NIRGraph(nodes, list(pairwise(nodes)), type_check=False)


def between(rng, shape, leaks):
    """A node that takes an input of `shape`, None where the one drawn does not."""
    kind = rng.choice(["linear", "affine", "conv", "pool", "scale", "flatten"])
    whole = lambda *s: 2.0 * rng.integers(-4, 7, s)
    bias = lambda n: 1.0 * rng.integers(-2, 5, n) * leaks
    if kind == "scale":
        return nir.Scale(1.0 * rng.integers(1, 3, shape if rng.random() < 0.5 else (shape[0], *[1] * (len(shape) - 1))))
    if len(shape) == 1:
        out = int(rng.integers(2, 7))
        return nir.Linear(whole(out, *shape)) if kind == "linear" else nir.Affine(whole(out, *shape), bias(out))
    if kind == "pool" and len(shape) == 3 and min(shape[1:]) > 1:
        size, stride = (rng.integers(1, 3, 2) for _ in range(2))
        return (nir.SumPool2d if rng.random() < 0.5 else nir.AvgPool2d)(size, stride, np.array([0, 0]))
    if kind == "conv":
        out, size = int(rng.integers(1, 4)), [int(rng.integers(1, min(3, n) + 1)) for n in shape[1:]]
        weight, stride, padding = whole(out, shape[0], *size), int(rng.integers(1, 3)), int(rng.integers(0, 2))
        if len(shape) == 2:
            return nir.Conv1d(None, weight, stride, padding, 1, 1, bias(out))
        return nir.Conv2d(None, weight, (stride,) * 2, (padding,) * 2, (1, 1), 1, bias(out))
    return nir.Flatten({"input": np.array(shape)}, 0, -1) if kind == "flatten" else None


def neurons(rng, shape, decays, leaks):
    """IF, LIF or CubaLIF that count a spike in full, with parameters for each neuron, each channel or all of them."""
    own = (shape, (), (shape[0], *[1] * (len(shape) - 1)))[rng.integers(0, 3)]
    full = lambda x: np.full(own, float(x))
    v_decay, i_decay, threshold = int(rng.choice(decays)), int(rng.choice(decays)), rng.integers(3, 20)
    if v_decay == 0:
        return nir.IF(full(1 / DT), full(threshold), full(0))
    r, tau = 4096 / v_decay, DT * 4096 / v_decay
    if i_decay in (0, 4096) or rng.random() < 0.5:
        return nir.LIF(full(tau), full(r), full(r * rng.integers(0, 3) * leaks), full(threshold), full(0))
    w_in = 4096 / i_decay
    return nir.CubaLIF(full(tau), full(DT * w_in), full(r), full(0), full(threshold), full(0), full(w_in))
