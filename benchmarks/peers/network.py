"""The network that all engines run: 75-512-512-512-60, integer weights, neurons that keep their voltage, 5 % active.

A neuron adds its input of the step before, fires above its threshold and begins again at 0: what every peer can compute
without rounding, so that spikes can be equal. Only ours, which wrap nothing here, also know leaks in integers.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from mksgn_neuro.ir import Network, Population, Projection, Source

SIZES, STEPS, CLIPS, RATE = (75, 512, 512, 512, 60), 200, 64, 0.05


def make(path: Path, sizes: tuple[int, ...] = (), steps: int = 0, inputs_each: int = 0) -> None:
    """Write a network to a file: weights `w0`, ... (post, pre), thresholds `vth`, `inputs` (clips, steps, channels).

    The network above if nothing else is asked for. `inputs_each`: synapses of each neuron, 0 for one with every pre.
    """
    sizes, steps = sizes or SIZES, steps or STEPS
    rng = np.random.default_rng(0)
    weights = [2 * rng.integers(-64, 64, (post, pre)) for pre, post in pairwise(sizes)]
    inputs = (rng.random((CLIPS, steps, sizes[0])) < RATE).astype(np.uint8)
    x, vth = inputs[:8].astype(float), []
    for w in weights:
        if 0 < inputs_each < w.shape[1]:
            np.put_along_axis(w, rng.random(w.shape).argpartition(inputs_each)[:, inputs_each:], 0, axis=1)
        currents = (x @ w.T.astype(float)).astype(np.int64)  # exact, and a product of floats is fast
        vth.append(_threshold(currents))
        x = np.pad(_fired(currents, vth[-1]), ((0, 0), (1, 0), (0, 0)))[:, :-1].astype(float)
    named = {f"w{k}": w.astype(np.int32) for k, w in enumerate(weights)}
    np.savez(path, vth=np.array(vth, dtype=np.int32), inputs=inputs, **named)


def _fired(currents: np.ndarray, vth: int) -> np.ndarray:
    voltage, fired = np.zeros_like(currents[:, 0]), np.zeros(currents.shape, dtype=np.int64)
    for t in range(currents.shape[1]):
        voltage = voltage + currents[:, t]
        fired[:, t] = voltage > vth
        voltage[fired[:, t] > 0] = 0
    return fired


def _threshold(currents: np.ndarray) -> int:
    """The threshold at which RATE of the neurons fire per step."""
    low, high = 1, 2**17 - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _fired(currents, middle).mean() > RATE else (low, middle)
    return high


def as_network(given: dict[str, np.ndarray]) -> Network:
    """The same as ours."""
    count = len(given["vth"])
    names = ["input", *(f"level{k}" for k in range(count))]
    populations = [
        Population.of(names[k + 1], "layer", (len(given[f"w{k}"]),), vth=int(given["vth"][k]), v_decay=0, i_decay=4096)
        for k in range(count)
    ]
    projections = [Projection(names[k], names[k + 1], given[f"w{k}"]) for k in range(count)]
    source = Source("input", (given["inputs"].shape[2],), 0)
    return Network(source, tuple(populations), tuple(projections), readout=names[-1])
