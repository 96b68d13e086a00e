"""Stages of a trained network: fold its normalisation, then choose the thresholds that make its weights 8-bit integers.

One mantissa per population is the scale: weight_int = round_even(weight · vth). Larger mantissas are finer but clip
large weights; the search takes the one with the least squared error, for all populations of one level of a layered
network together (`levels`). Relays in the same level fire on one spike of weight at most 254, which bounds those
mantissas.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeVar, cast

import numpy as np
import torch

from mksgn_neuro.evenly import evenly
from mksgn_neuro.ir.spec import BIAS_RANGE, MAX_VTH, MIXED_WEIGHT_RANGE
from mksgn_neuro.nn.levels import chain_levels
from mksgn_neuro.nn.network import SpikingNetwork
from mksgn_neuro.nn.nodes import AND_VTH
from mksgn_neuro.nn.population import SpikingPopulation
from mksgn_neuro.nn.synapses import SynapseModule

MAX_RELAYED_VTH = MIXED_WEIGHT_RANGE[1] - 2
MAX_SAMPLES = 20_000  # weights that the search looks at, evenly spaced by size, the extremes among them

Trained = TypeVar("Trained", bound=SpikingNetwork)


def fold(network: Trained) -> Trained:
    """A folded copy in eval mode; its spikes equal the network's up to float rounding."""
    folded = copy.deepcopy(network).eval()
    for population in folded.populations().values():
        population.fold()
    return folded


def quantize(network: Trained) -> Trained:
    """A copy whose every population computes in integers; folds it first where that was not done."""
    integer = fold(network)
    for level in chain_levels(integer):
        if not level.populations:
            continue
        limit = MAX_RELAYED_VTH if level.relayed else MAX_VTH
        vth = AND_VTH if level.gated else best_threshold(level.populations, limit)
        for population in level.populations:
            population.vth.fill_(vth)
    return integer


def best_threshold(populations: Sequence[SpikingPopulation], limit: int) -> int:
    """The mantissa in 1..limit with the least squared error of weights and biases, in thresholds."""
    trained = [_weights_and_bias(population) for population in populations]
    largest = max(max(np.abs(weights).max() for weights, _ in trained), 1e-6)
    high = min(limit, 2 * -MIXED_WEIGHT_RANGE[0] / largest)
    candidates = np.unique(np.geomspace(max(1, high / 32), max(1, high), 200).astype(int))
    errors = [sum(_error(weights, bias, int(vth)) for weights, bias in trained) for vth in candidates]
    return int(candidates[int(np.argmin(errors))])


@torch.no_grad()
def _weights_and_bias(population: SpikingPopulation) -> tuple[np.ndarray, np.ndarray]:
    modules = [cast(SynapseModule, module) for module in population.synapses.values()]
    weights = torch.cat([module.effective().flatten() for module in modules]).double().numpy()
    if len(weights) > MAX_SAMPLES:
        weights = np.sort(weights)[evenly(len(weights), MAX_SAMPLES)]
    return weights, population.beta.clamp(max=population.max_bias).double().numpy()


def _error(weights: np.ndarray, bias: np.ndarray, vth: int) -> float:
    rounded = np.clip(np.round(weights * vth / 2) * 2, *MIXED_WEIGHT_RANGE) / vth
    rounded_bias = np.clip(np.round(bias * vth), *BIAS_RANGE) / vth
    per_weight = np.mean((rounded - weights) ** 2)
    return float(per_weight + np.mean((rounded_bias - bias) ** 2) / max(len(weights) / len(bias), 1))
