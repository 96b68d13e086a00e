"""Where the chip's arithmetic departs from NIR's equations in a network that was read: made small, then said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mksgn_neuro.export.findings import Finding
from mksgn_neuro.export.nir.firing import PATIENCE
from mksgn_neuro.ir import ConvKernel, Network, Population, Projection
from mksgn_neuro.ir.spec import (
    BIAS_RANGE,
    MAX_DECAY,
    MAX_UNSIGNED_WEIGHT,
    MAX_VTH,
    MIXED_WEIGHT_RANGE,
    SYNAPTIC_SUM_LIMIT,
    synaptic_sum_range,
)

STATE_UNIT = 1 / 64  # of a weight: u and v are whole numbers of it


def refined(network: Network) -> Network:
    """The same network with each layer that truncates its state scaled up as far as a whole factor goes.

    Weights, bias and threshold keep their proportions exactly; what the state loses at every step gets smaller.
    """
    factors = {p.name: _room(network, p) if truncates(p) else 1 for p in network.populations}
    populations = (replace(p, vth=p.vth * factors[p.name], bias=p.bias * factors[p.name]) for p in network.populations)
    projections = (_scaled(q, factors[q.post]) for q in network.projections)
    return network.with_(populations=tuple(populations), projections=tuple(projections))


def truncates(p: Population) -> bool:
    """Whether a decay leaves fractions: one of 0 or 4096 does not."""
    return bool(np.any(_leaks(p.i_decay)) or np.any(_leaks(p.v_decay)))


def describe_differences(network: Network) -> list[Finding]:
    """All that the chip may do differently from NIR's equations with the numbers of this network."""
    return [*describe_truncation(network), *describe_overflow(network), *describe_early_biases(network)]


def describe_truncation(network: Network) -> list[Finding]:
    """Per layer, how far truncated state can be from exact state."""
    found = []
    for p in network.populations:
        lost = lost_by_truncation(p)
        if lost > 0 and p.vth:
            text = (
                f"its state is truncated at every step, as the chip does, to 64ths of a {p.vth}th of the threshold:"
                f" v is {_off(lost / p.vth)} NIR's equations in real numbers, and a neuron that comes"
                " that near to its threshold may fire in one of them only"
            )
            found.append(Finding(p.name, text))
    return found


def _off(thresholds: float) -> str:
    return f"at most {thresholds:.2g} of a threshold off" if np.isfinite(thresholds) else "off, by more and more,"


def lost_by_truncation(p: Population) -> float:
    """The most by which v differs from exact arithmetic on the same input spikes between two resets, in weights."""
    i_decay, v_decay = (np.broadcast_to(d, (p.size,)).astype(np.float64) for d in (p.i_decay, p.v_decay))
    with np.errstate(divide="ignore", invalid="ignore"):
        current = np.where(_leaks(i_decay), STATE_UNIT * MAX_DECAY / i_decay, 0.0)
        step = current + np.where(_leaks(v_decay), STATE_UNIT, 0.0)
        lost = np.where(step > 0, step * MAX_DECAY / v_decay, 0.0)
    return float(lost.max(initial=0))


def describe_overflow(network: Network) -> list[Finding]:
    """Layers whose u can wrap, and those whose v inhibition can drive to where it saturates within `PATIENCE` steps."""
    found = []
    for p in network.populations:
        u, steps = _limits(network, p)
        if u >= SYNAPTIC_SUM_LIMIT:
            text = f"its current can reach {u:.0f} weights, and beyond {SYNAPTIC_SUM_LIMIT - 1} the chip's wraps around"
            found.append(Finding(p.name, text))
        if steps <= PATIENCE:
            text = (
                f"{steps:.0f} steps of every inhibitory spike at once, or more, drive v to {1 - SYNAPTIC_SUM_LIMIT}"
                " weights, where it saturates; in NIR's equations it falls further and takes longer to come back"
            )
            found.append(Finding(p.name, text))
    return found


def _limits(network: Network, p: Population) -> tuple[float, float]:
    """The largest |u|, in weights, and the fewest steps in which v can fall to its lower limit; either may be inf."""
    up, down = synaptic_sum_range(network, p)
    i_decay, v_decay, bias = (np.broadcast_to(x, (p.size,)).astype(np.float64) for x in (p.i_decay, p.v_decay, p.bias))
    lost = v_decay / MAX_DECAY
    with np.errstate(all="ignore"):
        plateau = lambda sums: np.where(sums > 0, sums * MAX_DECAY / i_decay, 0.0)
        fall = plateau(down) - np.minimum(bias, 0)
        missing = 1 - SYNAPTIC_SUM_LIMIT * lost / fall  # of where v would end, below its limit
        leaky = np.where(missing > 0, np.log(missing) / np.log1p(-lost), np.inf)
        steps = np.where(lost == 0, SYNAPTIC_SUM_LIMIT / fall, np.where(lost == 1, np.inf, leaky))
    steps = np.where(fall > 0, np.ceil(steps), np.inf)
    return float(plateau(np.maximum(up, down)).max(initial=0)), float(steps.min(initial=np.inf))


def describe_early_biases(network: Network) -> list[Finding]:
    """Layers that a bias drives before their first input comes, where every layer takes a step."""
    unfed = {p.name for p in network.populations if not network.incoming[p.name]}
    found = []
    for p in network.populations:
        kept = np.any(p.bias) and np.any((p.v_decay != MAX_DECAY) | (p.bias > p.vth))
        by_others = any(q.pre in unfed for q in network.incoming[p.name])
        if p.name not in unfed and (kept or by_others):
            text = (
                f"its bias works from step 0 and its first input comes {network.level[p.name]} later: in time steps of"
                " the chip it starts with what the bias did by then, which NIR's equations do not have; with a reset"
                " interval it starts at rest"
            )
            found.append(Finding(p.name, text))
    return found


def _leaks(decay: np.ndarray) -> np.ndarray:
    return (decay > 0) & (decay < MAX_DECAY)


def _room(network: Network, p: Population) -> int:
    """The largest factor that weights, bias, threshold, and sums of them in u and v leave."""
    limits = [(BIAS_RANGE[1], float(np.abs(p.bias).max(initial=0))), (MAX_VTH, float(p.vth))]
    for q in network.incoming[p.name]:
        values = q.weights.kernel if isinstance(q.weights, ConvKernel) else q.weights.data
        most = MAX_UNSIGNED_WEIGHT if values.min(initial=0) >= 0 else MIXED_WEIGHT_RANGE[1]
        limits.append((most, float(np.abs(values).max(initial=0))))
    limits.append((SYNAPTIC_SUM_LIMIT - 1, _plateau(network, p)))
    return max(1, min(int(limit / value) for limit, value in limits if value))


def _plateau(network: Network, p: Population) -> float:
    """A bound of |u| and |v|, in weights; infinite where nothing decays, which leaves no room."""
    worst = np.maximum(*synaptic_sum_range(network, p)).astype(np.float64)
    i_decay, v_decay = (np.broadcast_to(d, (p.size,)).astype(np.float64) for d in (p.i_decay, p.v_decay))
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = worst * MAX_DECAY / i_decay + np.abs(np.broadcast_to(p.bias, (p.size,)))
        return float(np.nan_to_num(rise * MAX_DECAY / v_decay, nan=np.inf, posinf=np.inf).max(initial=0))


def _scaled(q: Projection, factor: int) -> Projection:
    if factor == 1:
        return q
    w = q.weights
    return replace(q, weights=replace(w, kernel=w.kernel * factor) if isinstance(w, ConvKernel) else w * factor)
