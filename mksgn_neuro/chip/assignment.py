"""Quadratic assignment by FAQ (Vogelstein et al. 2015), the same on every machine and under every version of numpy.

A mesh is symmetric, so that FAQ meets ties from its first step on, and the last bit of a sum decides them. scipy's
solver adds in floating point, in the order of whichever BLAS is there, and arranged the same network differently on two
Pythons. Here all that is added up is a whole number small enough for a double, so that the order is of no matter.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import linear_sum_assignment

ONE = 1 << 16  # what stands for a probability of 1 in a doubly stochastic matrix
LARGEST = 1 << 48  # no sum passes it, so that assignment, which adds and subtracts such sums, stays exact too
MOST_STEPS = 30
TOLERANCE = 0.03  # root mean square of what a step changes in a row, by which scipy ends too


def assign(flow: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """A place for each thing, int (n,), so that flow times distance is small.

    `flow` between things and `distance` between places are float (n, n), symmetric and not negative. What passes the
    grid of whole numbers is rounded: here alone, the caller compares arrangements by what they really cost.
    """
    far = _whole(distance, 1 << 16)
    much = _whole(flow, LARGEST // (2 * ONE * max(1, int(far.sum(axis=0).max(initial=0)))))
    now = np.full(flow.shape, float(round(ONE / max(len(flow), 1))))
    for _ in range(MOST_STEPS):
        slope = _between(much, now, far)
        _, place = linear_sum_assignment(slope)
        change = -now
        change[np.arange(len(place)), place] += ONE
        size = _step_size(slope, change, _between(much, change, far))
        then = np.rint(now + size * change)
        moved, now = then - now, then
        if math.fsum((moved * moved).flat) < len(flow) * (TOLERANCE * ONE) ** 2:
            break
    return linear_sum_assignment(now, maximize=True)[1]


def _whole(matrix: np.ndarray, most: int) -> np.ndarray:
    """As whole numbers, in steps of a power of two; the sum of a column is at most about `most`."""
    largest = float(matrix.sum(axis=0).max(initial=0))
    return np.rint(np.ldexp(matrix, math.frexp(most / largest)[1] - 1)) if largest else matrix


def _between(flow: np.ndarray, places: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """What each thing pays at each place where the others lie as `places` says; exact, see LARGEST."""
    return flow @ places @ distance


def _step_size(slope: np.ndarray, change: np.ndarray, bend: np.ndarray) -> float:
    """How far to go, 0 to 1: the least of a parabola in one variable. `math.fsum` rounds once, whatever the order."""
    linear, square = (math.fsum((each * change).flat) for each in (2 * slope, bend))
    if square > 0:
        return min(max(-linear / (2 * square), 0.0), 1.0)
    return 1.0 if linear + square < 0 else 0.0
