"""The neurons of a NIR graph as integers: decays, and weights, bias and threshold on one grid per population."""

from __future__ import annotations

from dataclasses import dataclass

import nir
import numpy as np
import scipy.sparse as sp

from mksgn_neuro.export.findings import Finding
from mksgn_neuro.export.nir.graph import Graph
from mksgn_neuro.export.nir.grid import NEAR, in_range, on_grid, threshold, whole
from mksgn_neuro.export.nir.maps import Map, apply, scaled, values_of
from mksgn_neuro.export.nir.routes import Route
from mksgn_neuro.ir.spec import MAX_DECAY, MAX_VTH


@dataclass(frozen=True)
class Neurons:
    """One population's integers: decays and bias (N,), and per route its weights, whole by now.

    `current` (N, 1) are weights from a neuron that fires at every step: a bias that enters a current with memory.
    """

    vth: int
    i_decay: np.ndarray
    v_decay: np.ndarray
    bias: np.ndarray
    weights: tuple[Map, ...]
    current: Map | None = None


@dataclass(frozen=True)
class _Real:
    """The same in floating point: threshold above the reset and bias (N,), weights per route, then the current's."""

    threshold: np.ndarray
    bias: np.ndarray
    weights: tuple[Map, ...]


def quantize(
    graph: Graph, name: str, routes: list[Route], constant: np.ndarray, dt: float, findings: list[Finding]
) -> Neurons:
    """Whole numbers on a synapse's grid as they are; else the finest grid on which the largest fits, with a finding.

    `constant` (N,) is what biases add to the input at every step.
    """
    v_decay, i_decay = _decays(graph, name, dt, findings)
    filtered = bool(np.any(constant)) and bool(np.any(i_decay != MAX_DECAY))
    real = _real(graph, name, routes, constant, filtered, dt, findings)
    vth, bias, weights = _integers(graph, name, real, findings)
    if filtered:
        text = (
            f"its bias enters the current, which reaches its plateau over time, as NIR has it: a neuron {name}.bias"
            " is added that fires at every step and brings it"
        )
        findings.append(Finding(name, text))
    return Neurons(vth, i_decay, v_decay, bias, weights[: len(routes)], weights[-1] if filtered else None)


def _real(
    graph: Graph, name: str, routes: list[Route], constant: np.ndarray, filtered: bool, dt: float, findings: list
) -> _Real:
    """v counted from v_reset, so that a reset is one to 0."""
    reset, level = graph.parameter(name, "v_reset"), graph.parameter(name, "v_threshold")
    if np.any(reset):
        text = "v is counted from v_reset, and the neurons start there; NIR does not say where they start"
        findings.append(Finding(name, text))
    if np.any(level < reset):
        raise graph.bad(name, "a threshold is not positive (counted from v_reset)", "scale weights and threshold")
    gain, leak = _gain(graph, name, reset, dt)
    if not all(np.all(np.isfinite(x)) for x in (level, gain, leak, constant, *(values_of(r.weights) for r in routes))):
        raise graph.bad(name, "its parameters, or weights into it, are not finite", "train or export it again")
    weights = [apply(scaled(r.weights, gain), lambda w, r=r: w / 2.0**r.exponent) for r in routes]
    if filtered:
        weights.append(sp.csr_matrix((constant * gain)[:, None]))
        return _Real(level - reset, leak, tuple(weights))
    return _Real(level - reset, leak + constant * gain, tuple(weights))


def _integers(graph: Graph, name: str, real: _Real, findings: list[Finding]) -> tuple[int, np.ndarray, tuple[Map, ...]]:
    """Threshold, bias and weights of the chip."""
    level, bias = real.threshold, real.bias
    same = whole(level) and len(set(level)) == 1 and level[0] <= MAX_VTH and whole(bias) and in_range(bias)
    if same and all(on_grid(values_of(w)) for w in real.weights):
        return int(level[0]), np.rint(bias).astype(np.int64), tuple(apply(w, np.rint) for w in real.weights)
    if np.any(level <= 0):
        raise graph.bad(name, "a threshold is not positive (counted from v_reset)", "scale weights and threshold")
    relative, bias = [scaled(w, 1 / level) for w in real.weights], bias / level
    vth = threshold([values_of(w) for w in relative], bias)
    if vth < 1:
        largest = max(float(np.abs(values_of(w)).max(initial=0)) for w in relative)
        problem = f"weights of up to {largest:.3g} and biases of up to {np.abs(bias).max():.3g} thresholds"
        raise graph.bad(name, problem, "a synapse holds 254 times the smallest threshold: scale weights down")
    weights = tuple(apply(w, lambda x: 2 * np.rint(x * vth / 2)) for w in relative)
    whole_bias = np.rint(bias * vth)
    off = [values_of(i) / vth - values_of(w) for i, w in zip(weights, relative)] + [whole_bias / vth - bias]
    error = max(float(np.abs(o).max(initial=0)) for o in off)
    if error > NEAR:
        text = f"weights, bias and threshold are rounded to a grid of vth {vth}, at most {error:.2g} of a threshold off"
        findings.append(Finding(name, text))
    return vth, whole_bias.astype(np.int64), weights


def _decays(graph: Graph, name: str, dt: float, findings: list[Finding]) -> tuple[np.ndarray, np.ndarray]:
    node, size = graph.nodes[name], graph.size(name)
    fields = {nir.IF: (None, None), nir.LIF: ("tau", None), nir.CubaLIF: ("tau_mem", "tau_syn")}[type(node)]
    decays = []
    for ours, field, without in zip(("v_decay", "i_decay"), fields, (0, MAX_DECAY)):
        tau = None if field is None else graph.parameter(name, field)
        exact = np.full(size, float(without)) if tau is None else MAX_DECAY * dt / tau
        if not np.all((exact <= MAX_DECAY * (1 + NEAR)) & (exact >= 0)):
            raise graph.bad(name, f"a time constant is shorter than the time step {dt:g} s", "give a smaller dt")
        decays.append(np.rint(exact).astype(np.int64))
        off = float(np.abs(decays[-1] - exact).max())
        if off > NEAR * MAX_DECAY:
            findings.append(Finding(name, f"{ours} is rounded to whole 4096ths, at most {off:.2g} off"))
    return decays[0], decays[1]


def _gain(graph: Graph, name: str, reset: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """What forward Euler multiplies the input by, and what it adds per step, v counted from `reset`; (N,) each."""
    node, r = graph.nodes[name], graph.parameter(name, "r")
    if isinstance(node, nir.IF):
        return r * dt, np.zeros(r.shape)
    tau = graph.parameter(name, "tau_mem" if isinstance(node, nir.CubaLIF) else "tau")
    gain = r * dt / tau
    if isinstance(node, nir.CubaLIF):
        gain = gain * graph.parameter(name, "w_in") * dt / graph.parameter(name, "tau_syn")
    return gain, (graph.parameter(name, "v_leak") - reset) * dt / tau
