"""Stages of a trained student: fold its normalisation, then choose the thresholds that make its weights 8-bit integers.

One mantissa per population is the scale: weight_int = round_even(weight · vth). Larger mantissas are finer but clip
large weights; the search takes the one with the least squared error. Relays share the level of `graph`, `query` and
`gate` in a netx chain and fire on one spike of weight at most 254, which bounds those mantissas.
"""

from __future__ import annotations

import copy

import numpy as np
import torch

from mksgn_neuro.ir.spec import BIAS_RANGE, MAX_VTH, MIXED_WEIGHT_RANGE
from mksgn_neuro.models.population import SpikingPopulation
from mksgn_neuro.models.student import MKSGN

MAX_RELAYED_VTH = MIXED_WEIGHT_RANGE[1] - 2
RELAYED_ROLES = ("graph", "query", "gate")
MAX_SAMPLES = 20_000  # weights that the search looks at, evenly spaced by size, the extremes among them


def fold(student: MKSGN) -> MKSGN:
    """A folded copy in eval mode; its spikes equal the student's up to float rounding."""
    folded = copy.deepcopy(student).eval()
    for population in folded.populations().values():
        population.fold()
    return folded


def quantize(student: MKSGN) -> MKSGN:
    """A copy whose every population computes in integers; folds it first where that was not done."""
    integer = copy.deepcopy(student).eval() if student.encode.folded else fold(student)
    for name, population in integer.populations().items():
        relayed = name.split(".")[-1] in RELAYED_ROLES
        population.vth.fill_(best_threshold(population, MAX_RELAYED_VTH if relayed else MAX_VTH))
    return integer


@torch.no_grad()
def best_threshold(population: SpikingPopulation, limit: int) -> int:
    """The mantissa in 1..limit with the least squared error of weights and bias, in thresholds."""
    weights = torch.cat([m.effective().flatten() for m in population.synapses.values()]).double().numpy()
    if len(weights) > MAX_SAMPLES:
        weights = np.sort(weights)[np.linspace(0, len(weights) - 1, MAX_SAMPLES).astype(int)]
    bias = population.beta.clamp(max=population.max_bias).double().numpy()
    largest = max(np.abs(weights).max(), 1e-6)
    high = min(limit, 2 * -MIXED_WEIGHT_RANGE[0] / largest)
    candidates = np.unique(np.geomspace(max(1, high / 32), max(1, high), 200).astype(int))
    errors = [_error(weights, bias, int(vth)) for vth in candidates]
    return int(candidates[int(np.argmin(errors))])


def _error(weights: np.ndarray, bias: np.ndarray, vth: int) -> float:
    rounded = np.clip(np.round(weights * vth / 2) * 2, *MIXED_WEIGHT_RANGE) / vth
    rounded_bias = np.clip(np.round(bias * vth), *BIAS_RANGE) / vth
    per_weight = np.mean((rounded - weights) ** 2)
    return float(per_weight + np.mean((rounded_bias - bias) ** 2) / max(len(weights) / len(bias), 1))
