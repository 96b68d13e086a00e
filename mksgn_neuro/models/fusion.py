"""Mutual information between the spikes of modalities (SMF; the estimate is our reconstruction).

I_ij = Σ_ab p(a, b)·log(p(a, b) / (p(a)·p(b))) over the binary spikes of modalities i and j at the same joint, frame,
clip and channel, in nats. The paper weights its fusion with this matrix; how exactly is not public.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mksgn_neuro.models.collective import all_sum


def joint_probabilities(spikes: Tensor) -> Tensor:
    """P(i fires and j fires), (M, M), from spikes (M, n) of 0 and 1 of all processes; its diagonal is P(i fires)."""
    counted = torch.cat([(spikes @ spikes.T).flatten(), spikes.new_full((1,), spikes.shape[1])])
    total = all_sum(counted)
    return (total[:-1] / total[-1]).view(len(spikes), -1)


def mutual_information(joint: Tensor) -> Tensor:
    """(M, M) matrix in nats from `joint_probabilities`; the diagonal is each modality's entropy."""
    fires = joint.diagonal()
    total = torch.zeros_like(joint)
    for a in (0, 1):
        for b in (0, 1):
            p_a = fires[:, None] if a else 1 - fires[:, None]
            p_b = fires[None, :] if b else 1 - fires[None, :]
            p_ab = _cell(joint, fires, a, b)
            positive = p_ab > 0
            ratio = torch.where(positive, p_ab / (p_a * p_b).clamp(min=1e-30), torch.ones_like(p_ab))
            total += torch.where(positive, p_ab * ratio.log(), torch.zeros_like(p_ab))
    return total


def modality_weights(information: Tensor) -> Tensor:
    """Fusion weights (M,), mean 1: each modality's information about the others, relative to the average.

    A modality that tells nothing about the others keeps half a share: it may still know what they do not.
    """
    others = (information.sum(1) - information.diagonal()).clamp(min=0)
    share = others / others.mean().clamp(min=1e-12)
    return (1 + share) / 2


def _cell(joint: Tensor, fires: Tensor, a: int, b: int) -> Tensor:
    if a and b:
        return joint
    if a:
        return (fires[:, None] - joint).clamp(min=0)
    if b:
        return (fires[None, :] - joint).clamp(min=0)
    return (1 - fires[:, None] - fires[None, :] + joint).clamp(min=0)
