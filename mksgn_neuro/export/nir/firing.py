"""Which neurons of a network can fire at all: an upper bound from weights, biases, decays and thresholds."""

from __future__ import annotations

import nir
import numpy as np

from mksgn_neuro.export.findings import Finding
from mksgn_neuro.export.nir.graph import Graph
from mksgn_neuro.ir import Network, Population
from mksgn_neuro.ir.spec import MAX_DECAY

PATIENCE = 1000  # time steps of every excitatory input at once, after which a neuron counts as silent
WEAK = 0.1  # of a spike: what an IF neuron counts of it where the time step may be the wrong one


def steps_to_fire(network: Network) -> dict[str, np.ndarray]:
    """By population, the fewest steps of all excitatory spikes at once in which each neuron can fire, float64 (N,).

    Infinite where it never can. Only neurons that can fire within `PATIENCE` steps are taken to excite others.
    """
    found = {p.name: np.full(p.size, np.inf) for p in network.populations}
    changed = True
    while changed:
        before = {name: steps <= PATIENCE for name, steps in found.items()}
        found = {p.name: _steps(p, _drive(network, p, before)) for p in network.populations}
        changed = any(np.any((found[name] <= PATIENCE) != fires) for name, fires in before.items())
    return found


def _drive(network: Network, p: Population, fires: dict[str, np.ndarray]) -> np.ndarray:
    """The largest synaptic sum per step, (N,)."""
    total = np.zeros(p.size)
    for q in network.incoming[p.name]:
        matrix = q.matrix.astype(np.float64)
        if q.pre == network.source.name:
            matrix = abs(matrix) if network.source.message_bits else matrix.maximum(0)
            most = np.full(network.source.size, float(network.source.max_payload))
        else:
            matrix, most = matrix.maximum(0), fires[q.pre].astype(np.float64)
        total += matrix @ most * 2.0**q.weight_exp
    return total


def _steps(p: Population, drive: np.ndarray) -> np.ndarray:
    """A current with memory is taken to be at its plateau from the start, which is the most that it can do."""
    i_decay, v_decay = (np.broadcast_to(d, (p.size,)).astype(np.float64) for d in (p.i_decay, p.v_decay))
    with np.errstate(all="ignore"):
        current = np.where(drive > 0, drive * MAX_DECAY / i_decay, 0.0)
        rise = current + np.broadcast_to(p.bias, (p.size,))
        lost = v_decay / MAX_DECAY
        missing = 1 - p.vth * lost / rise  # of the plateau rise / lost, above the threshold
        leaky = np.floor(np.log(missing) / np.log1p(-lost)) + 1
        steps = np.where(lost == 0, np.floor(p.vth / rise) + 1, np.where(lost == 1, 1.0, leaky))
    return np.where((rise > 0) & (missing > 0), steps, np.inf)


def describe_silence(network: Network, graph: Graph, dt: float, *, each: bool) -> list[Finding]:
    """Layers that cannot fire and, with `each`, how many neurons of the last one cannot.

    Raises BadInput where nothing can come out only because `dt` makes IF neurons count too little of a spike.
    """
    steps = steps_to_fire(network)
    last = steps[network.readout]
    if np.all(last > PATIENCE):
        _blame_time_step(graph, network.readout, dt)
    silent = [name for name, n in steps.items() if n.size and np.all(n > PATIENCE)]
    texts = {name: _when(steps[name]) for name in silent}
    some = int(np.count_nonzero(last > PATIENCE))
    if each and some and network.readout not in texts:
        texts[network.readout] = f"{some} of its {last.size} neurons can never fire, whatever the input"
    return [Finding(name, text) for name, text in texts.items()]


def _when(steps: np.ndarray) -> str:
    first = float(steps.min())
    if np.isinf(first):
        return "none of its neurons can ever fire, whatever the input"
    return f"none of its neurons can fire before {first:.0f} steps of every excitatory spike at once"


def _blame_time_step(graph: Graph, readout: str, dt: float) -> None:
    weak = [name for name in graph.neurons if isinstance(graph.nodes[name], nir.IF)]
    r = max((float(np.abs(graph.parameter(name, "r")).max()) for name in weak), default=0.0)
    if 0 < r * dt < WEAK:
        problem = f"cannot fire at a time step of {dt:g} s: {weak[0]} counts {r * dt:.2g} of a spike, r·dt"
        raise graph.bad(readout, problem, f"give dt {1 / r:g}, seconds per step")
