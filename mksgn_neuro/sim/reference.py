"""The definition: what an integer network computes, in plain numpy (docs/design.md#the-neuron, docs/design.md#time).

Per neuron and time step, u and v signed 24 bits:

    a = Σ_projections W·s·2^weight_exp                  spikes that arrive at this step
    u = trunc0(u·(4096 − i_decay) / 4096) + 64·a        wraps into (−2^23, 2^23]
    v = trunc0(v·(4096 − v_decay) / 4096) + u + 64·bias saturates at ±(2^23 − 1)
    s = v > 64·vth;   v = 0 where s

Checked against lava-nc 0.10.0's `PyLifModelBitAcc`, a trace of a real Loihi 2 and Intel's ntidigits network
(tests/sim/test_reference.py, tests/sim/test_engine_oracles.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.ir import Network, Population
from mksgn_neuro.ir.inputs import checked

UV_MAX = 2**23


@dataclass(frozen=True)
class Trace:
    """What one population did: `spikes` uint8 (T, N); `u`, `v` int32 (T, N) after the reset, if recorded."""

    spikes: np.ndarray
    u: np.ndarray | None = None
    v: np.ndarray | None = None


def run(
    network: Network,
    inputs: np.ndarray,
    *,
    reset_interval: int | None = None,
    states: bool = False,
    starts: Mapping[str, int] | None = None,
) -> dict[str, Trace]:
    """Run `inputs` (T, source.size), integers, through the network; a Trace of T steps per population.

    With a `reset_interval`, each population zeroes u and v at the first step of each period, counted from the step at
    which the period's first input can reach it (its level times transmission delay); spikes in flight are not cleared.
    `starts` names steps before which a population is not yet switched on: at rest and silent.
    Raises BadInput for inputs that the source cannot send.
    """
    inputs = checked(network.source, inputs)
    arrived = {network.source.name: inputs.astype(np.int64)}
    traces = {}
    for population in network.order:
        drive = np.zeros((len(inputs), population.size), dtype=np.int64)
        loops = []
        for q in network.incoming[population.name]:
            lag = network.transmission_delay + q.delay
            if q.pre == q.post:
                loops.append((q.matrix.astype(np.int64), q.weight_exp, lag))
            else:
                current = _scaled(q.matrix.astype(np.int64) @ arrived[q.pre].T, q.weight_exp).T
                drive[lag:] += current[: max(len(inputs) - lag, 0)]
        first = network.transmission_delay * network.level[population.name]
        start = starts.get(population.name, 0) if starts else 0
        trace = _integrate(population, drive, loops, reset_interval, first, states, start)
        traces[population.name] = trace
        arrived[population.name] = trace.spikes.astype(np.int64)
    return traces


def _integrate(
    p: Population, drive: np.ndarray, loops: list, reset_interval: int | None, first: int, states: bool, start: int
) -> Trace:
    steps = len(drive)
    spikes = np.zeros((steps, p.size), dtype=np.uint8)
    u_all, v_all = (np.zeros((steps, p.size), dtype=np.int32) for _ in "uv") if states else (None, None)
    u = np.zeros(p.size, dtype=np.int64)
    v = np.zeros(p.size, dtype=np.int64)
    for t in range(start, steps):
        a = drive[t]
        for matrix, exponent, lag in loops:
            if t >= lag:
                a = a + _scaled(matrix @ spikes[t - lag].astype(np.int64), exponent)
        if reset_interval and (t - first) % reset_interval == 0:
            u[:] = v[:] = 0
        u = wrap(decayed(u, p.i_decay) + 64 * a)
        v = np.clip(decayed(v, p.v_decay) + u + 64 * p.bias.astype(np.int64), 1 - UV_MAX, UV_MAX - 1)
        fired = v > 64 * p.vth
        v[fired] = 0
        spikes[t] = fired
        if states:
            u_all[t], v_all[t] = u, v
    return Trace(spikes, u_all, v_all)


def decayed(state: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """state·(4096 − decay) / 4096, rounded toward zero."""
    product = state * (4096 - decay.astype(np.int64))
    return np.sign(product) * (np.abs(product) >> 12)


def wrap(u: np.ndarray) -> np.ndarray:
    """u modulo 2^24 into (−2^23, 2^23]."""
    return UV_MAX - (UV_MAX - u) % (2 * UV_MAX)


def _scaled(current: np.ndarray, exponent: int) -> np.ndarray:
    return current << exponent if exponent >= 0 else current >> -exponent
