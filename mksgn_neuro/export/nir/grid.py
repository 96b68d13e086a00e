"""One grid for a layer: the threshold on which weights, bias and threshold are whole numbers of the chip."""

from __future__ import annotations

import numpy as np

from mksgn_neuro.ir.spec import BIAS_RANGE, MAX_UNSIGNED_WEIGHT, MAX_VTH, MIXED_WEIGHT_RANGE

NEAR = 1e-6  # of one: what float arithmetic leaves of a whole number


def whole(values: np.ndarray) -> bool:
    """Whether all are integers, but for float noise; small values together are no zeros."""
    scale = min(1.0, float(np.abs(values).max(initial=0)))
    return bool(np.all(np.abs(values - np.rint(values)) <= NEAR * scale))


def on_grid(weights: np.ndarray) -> bool:
    """Integers that a synapse holds: 0..255, or even in [-256, 254]."""
    if not whole(weights):
        return False
    integers = np.rint(weights)
    low, high = integers.min(initial=0), integers.max(initial=0)
    even = not np.any(integers % 2)
    return (low >= 0 and high <= MAX_UNSIGNED_WEIGHT) or (
        even and MIXED_WEIGHT_RANGE[0] <= low and high <= MIXED_WEIGHT_RANGE[1]
    )


def in_range(bias: np.ndarray) -> bool:
    """Whether a neuron holds these biases, integers."""
    return bool(bias.min(initial=0) >= BIAS_RANGE[0] and bias.max(initial=0) <= BIAS_RANGE[1])


def threshold(relative: list[np.ndarray], bias: np.ndarray) -> int:
    """The largest threshold that makes every weight even and every bias whole; if none does, the largest possible.

    `relative` are weights and `bias` the biases, in thresholds. 0 where not even a threshold of 1 has room for them.
    """
    largest = max((float(np.abs(w).max(initial=0)) for w in relative), default=0.0)
    steepest = float(np.abs(bias).max(initial=0))
    limits = [MAX_VTH]
    limits += [MIXED_WEIGHT_RANGE[1] / largest] if largest else []
    limits += [BIAS_RANGE[1] / steepest] if steepest else []
    top = int(min(limits) * (1 + NEAR))
    values = [np.unique(np.abs(w)) / 2 for w in relative]
    return _exact(np.unique(np.concatenate([*values, np.abs(bias)])), top) or top


def _exact(values: np.ndarray, top: int) -> int | None:
    """The largest threshold up to `top` of which all values are whole multiples."""
    candidates = np.arange(top, 0, -1)
    for value in values[values > 0][::-1]:
        multiples = value * candidates
        close = (np.abs(multiples - np.rint(multiples)) <= NEAR) & (np.rint(multiples) > 0)
        candidates = candidates[close]
        if not candidates.size:
            return None
    return int(candidates[0]) if candidates.size and np.any(values > 0) else None
