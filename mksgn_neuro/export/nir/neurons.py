"""The neurons of a NIR graph as integers: decays, and weights, bias and threshold on one grid per population."""

from __future__ import annotations

from dataclasses import dataclass

import nir
import numpy as np

from mksgn_neuro.export.findings import Finding
from mksgn_neuro.export.nir.routes import Graph, Route
from mksgn_neuro.ir.spec import BIAS_RANGE, MAX_DECAY, MAX_UNSIGNED_WEIGHT, MAX_VTH, MIXED_WEIGHT_RANGE

NEAR = 1e-6  # of one: what float arithmetic leaves of a whole number


@dataclass(frozen=True)
class Neurons:
    """One population's integers: decays and bias (N,), and per route its weights, of the node's shape."""

    vth: int
    i_decay: np.ndarray
    v_decay: np.ndarray
    bias: np.ndarray
    weights: tuple[np.ndarray, ...]


def quantize(graph: Graph, name: str, routes: list[Route], dt: float, findings: list[Finding]) -> Neurons:
    """Whole numbers on a synapse's grid as they are; else the finest grid on which the largest fits, with a finding."""
    node = graph.nodes[name]
    if np.any(node.v_reset != 0):
        raise graph.bad(name, "v_reset is not 0", "only a reset to 0 runs on the chip")
    v_decay, i_decay = _decays(graph, name, dt, findings)
    gain, leak = _gain(node, dt)
    threshold = np.ravel(node.v_threshold).astype(np.float64)
    weights = [_by_post(graph, p, _weight(p, threshold.size), gain) / 2.0**p.exponent for p in routes]
    bias = leak + _affine_bias(graph, routes, threshold.size, np.all(i_decay == MAX_DECAY)) * gain
    if _whole(threshold) and len(set(threshold)) == 1 and _whole(bias) and all(map(_on_grid, weights)):
        integers = tuple(np.rint(w).astype(np.int64) for w in weights)
        return Neurons(int(threshold[0]), i_decay, v_decay, np.rint(bias).astype(np.int64), integers)
    if np.any(threshold <= 0):
        raise graph.bad(name, "a threshold is not positive", "scale weights and threshold")
    relative = [_by_post(graph, p, w, 1 / threshold) for p, w in zip(routes, weights)]
    vth = _finest(relative, bias / threshold)
    integers = tuple(2 * np.rint(w * vth / 2).astype(np.int64) for w in relative)
    whole_bias = np.rint(bias / threshold * vth).astype(np.int64)
    off = [i / vth - w for i, w in zip((*integers, whole_bias), (*relative, bias / threshold))]
    error = max(float(np.abs(o).max(initial=0)) for o in off)
    if error > NEAR:
        text = f"weights, bias and threshold are rounded to a grid of vth {vth}, at most {error:.2g} of a threshold off"
        findings.append(Finding(name, text))
    return Neurons(vth, i_decay, v_decay, whole_bias, integers)


def _decays(graph: Graph, name: str, dt: float, findings: list[Finding]) -> tuple[np.ndarray, np.ndarray]:
    node = graph.nodes[name]
    none = np.zeros(np.size(node.v_threshold))
    tau = {"v_decay": None if isinstance(node, nir.IF) else node.tau_mem if isinstance(node, nir.CubaLIF) else node.tau}
    tau["i_decay"] = node.tau_syn if isinstance(node, nir.CubaLIF) else np.full(none.shape, dt)
    decays = {}
    for field, constant in tau.items():
        exact = none if constant is None else MAX_DECAY * dt / np.ravel(constant)
        if np.any(exact > MAX_DECAY * (1 + NEAR)) or np.any(exact < 0):
            raise graph.bad(name, f"a time constant is shorter than the time step {dt:g} s", "give a smaller dt")
        decays[field] = np.rint(exact).astype(np.int64)
        off = float(np.abs(decays[field] - exact).max())
        if off > NEAR * MAX_DECAY:
            findings.append(Finding(name, f"{field} is rounded to whole 4096ths, at most {off:.2g} off"))
    return decays["v_decay"], decays["i_decay"]


def _gain(node: nir.NIRNode, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """What forward Euler multiplies the input by, and what it adds per step."""
    r = np.ravel(node.r)
    if isinstance(node, nir.IF):
        return r * dt, np.zeros(r.shape)
    tau = np.ravel(node.tau_mem if isinstance(node, nir.CubaLIF) else node.tau)
    gain = r * dt / tau
    if isinstance(node, nir.CubaLIF):
        gain = gain * np.ravel(node.w_in) * dt / np.ravel(node.tau_syn)
    return gain, np.ravel(node.v_leak) * dt / tau


def _weight(route: Route, size: int) -> np.ndarray:
    return np.eye(size) if route.weight is None else np.asarray(route.weight.weight, dtype=np.float64)


def _affine_bias(graph: Graph, routes: list[Route], size: int, memoryless: bool) -> np.ndarray:
    total = np.zeros(size)
    for route in routes:
        bias = np.ravel(getattr(route.weight, "bias", np.zeros(1)))
        if not np.any(bias):
            continue
        if not memoryless or np.any(route.after):
            raise graph.bad(route.place, "a bias through a delay or a current with memory", "use the neurons' v_leak")
        total += np.repeat(bias, size // bias.size)
    return total


def _by_post(graph: Graph, route: Route, weight: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Rows of a matrix, or output channels of a kernel, times their neurons' factor (N,)."""
    if factor.size % len(weight):
        raise graph.bad(route.place, f"{len(weight)} outputs into {factor.size} neurons", "make the shapes fit")
    per_row = factor.reshape(len(weight), -1)
    if not np.allclose(per_row, per_row[:, :1]):
        problem = "a convolution into neurons whose gain or threshold differs within a channel"
        raise graph.bad(route.place, problem, "unroll it to a Linear")
    return weight * per_row[:, 0].reshape(-1, *[1] * (weight.ndim - 1))


def _whole(values: np.ndarray) -> bool:
    return bool(np.all(np.abs(values - np.rint(values)) <= NEAR))


def _on_grid(weights: np.ndarray) -> bool:
    """Integers that a synapse holds: 0..255, or even in [-256, 254]."""
    if not _whole(weights):
        return False
    whole = np.rint(weights)
    low, high = whole.min(initial=0), whole.max(initial=0)
    even = not np.any(whole % 2)
    return (low >= 0 and high <= MAX_UNSIGNED_WEIGHT) or (
        even and MIXED_WEIGHT_RANGE[0] <= low and high <= MIXED_WEIGHT_RANGE[1]
    )


def _finest(relative: list[np.ndarray], bias: np.ndarray) -> int:
    """The largest threshold with which neither weights nor biases leave their range."""
    largest = max((float(np.abs(w).max()) for w in relative if w.size), default=0.0)
    limits = [MAX_VTH, MIXED_WEIGHT_RANGE[1] / largest if largest else MAX_VTH]
    steepest = float(np.abs(bias).max(initial=0))
    limits.append(BIAS_RANGE[1] / steepest if steepest else MAX_VTH)
    return max(1, int(min(limits)))
