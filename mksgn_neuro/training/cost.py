"""What a spike costs: the synapses that it goes through, by population."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from mksgn_neuro.lowering import lower
from mksgn_neuro.lowering.passes import STEPS, run_passes
from mksgn_neuro.nn import SpikingNetwork, quantize


def synapse_shares(student: SpikingNetwork) -> dict[str, float]:
    """Each population's share of all synapses, counted where its spikes go; those that feed nothing are left out.

    Raises Unsupported for a student that cannot be deployed: what its spikes cost is not known.
    """
    here = copy.deepcopy(student).cpu()
    network = run_passes(lower(here if here.is_integer else quantize(here)), STEPS).network
    synapses: dict[str, int] = {}
    for projection in network.projections:
        synapses[projection.pre] = synapses.get(projection.pre, 0) + projection.synapses
    synapses.pop(network.source.name)  # its values come whatever the student does
    return {name: count / sum(synapses.values()) for name, count in synapses.items()}


def synop_fraction(spikes: dict[str, Tensor], shares: dict[str, float]) -> Tensor:
    """Share of the accumulates of a network in which everybody fires always that these spikes make, in [0, 1]."""
    return torch.stack([share * spikes[name].mean() for name, share in shares.items()]).sum()
