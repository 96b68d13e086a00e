"""The time step of a graph that does not tell it, as NIR's equations have none: read off the neurons, or asked for.

Exporters that think in steps write a spike's full weight into r: r·dt = 1 in an IF, r·dt/tau = 1 in a LIF. That says dt
where it is a power of ten: 1e-4 (snnTorch, SpikingJelly, ours) or 1, a step (IF of sinabs, norse, BindsNET, Spyx).
"""

from __future__ import annotations

import nir
import numpy as np

from mksgn_neuro.export.findings import Finding
from mksgn_neuro.export.nir.graph import Graph

DEFAULT = 1e-4  # seconds
UNIT = 1.0
EQUAL = 1e-4  # relative: exporters compute tau and r from one another in float32
TIMES = {nir.IF: (), nir.LIF: (("tau", "r"),), nir.CubaLIF: (("tau_mem", "r"), ("tau_syn", "w_in"))}


def choose(graph: Graph, given: float | None, findings: list[Finding]) -> float:
    """Seconds per time step, `given` if not None. Raises BadInput where layers contradict each other."""
    said = {name: full_weight(graph, name) for name in graph.neurons}
    if given is not None:
        return _kept(graph, given, {dt for dt in said.values() if dt is not None}, findings)
    integrators = {name for name in said if isinstance(graph.nodes[name], nir.IF)}
    shortest = min((_shortest(graph, name) for name in said), default=np.inf)
    wanted = sorted({dt for name, dt in said.items() if dt is not None and name in integrators})
    others = sorted({dt for dt in said.values() if dt is not None})
    if wanted and (len(others) > 1 or wanted[0] > shortest * (1 + EQUAL)):
        name = next(name for name, dt in said.items() if dt == wanted[0])
        among = f"time steps of {' s and '.join(f'{dt:g}' for dt in others)} s in other layers"
        clash = among if len(others) > 1 else f"a time constant of {shortest:g} s"
        raise graph.bad(name, f"asks for a time step of {wanted[0]:g} s, beside {clash}", "give dt, seconds per step")
    if wanted:
        return _told(graph, wanted[0], "there r·dt is 1, so that a spike counts in full", findings)
    if DEFAULT not in others and UNIT <= shortest < np.inf and all(_unscaled(graph, name) for name in said):
        return _told(graph, UNIT, f"the time constants, {shortest:g} and more, are in steps", findings)
    return _kept(graph, DEFAULT, set(others), findings)


def full_weight(graph: Graph, name: str) -> float | None:
    """The time step at which a layer adds a spike's whole weight to v, if it is a power of ten."""
    r = graph.parameter(name, "r")
    pairs = [(graph.parameter(name, tau), graph.parameter(name, gain)) for tau, gain in TIMES[type(graph.nodes[name])]]
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.concatenate([tau / gain for tau, gain in pairs]) if pairs else 1 / r
        power = 10.0 ** np.round(np.log10(np.abs(steps[0])))
    if not 0 < power < np.inf or not np.allclose(steps, power, rtol=EQUAL, atol=0):
        return None
    degenerate = bool(pairs) and np.allclose(r, 1)  # tau itself, whatever the step
    return None if degenerate else float(f"{power:.6g}")


def _kept(graph: Graph, dt: float, others: set[float], findings: list[Finding]) -> float:
    for other in sorted(others - {dt}):
        text = f"runs at a time step of {dt:g} s; by its r, a spike counts in full in some layers at dt {other:g}"
        findings.append(Finding(graph.location, text))
    return dt


def _told(graph: Graph, dt: float, because: str, findings: list[Finding]) -> float:
    if dt != DEFAULT:
        findings.append(Finding(graph.location, f"the file names no time step; {dt:g} s is taken: {because}"))
    return dt


def _shortest(graph: Graph, name: str) -> float:
    taus = [graph.parameter(name, tau) for tau, _ in TIMES[type(graph.nodes[name])]]
    return min((float(tau.min()) for tau in taus), default=np.inf)


def _unscaled(graph: Graph, name: str) -> bool:
    return bool(np.allclose(graph.parameter(name, "r"), 1))
