"""What a student learns by: the decision at every frame, soft labels, inner features, the cost of spikes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mksgn_neuro.ir import role_of
from mksgn_neuro.models.distill import Distilled, soft_label_loss
from mksgn_neuro.nn import Activity, SpikingNetwork
from mksgn_neuro.nn.collective import all_sum, shared_sum
from mksgn_neuro.training.batches import Batch
from mksgn_neuro.training.cost import synop_fraction
from mksgn_neuro.training.preset import Preset

USEFUL_GATES = (0.2, 0.8)  # share of frames at which a gate that tells something is open; our choice
LOGIT_SCALE = 12.0  # from a firing rate in [0, 1] to a logit; our choice


def student_loss(
    module: Distilled, batch: Batch, preset: Preset, shares: dict[str, float] | None = None
) -> tuple[Tensor, Tensor]:
    """CE + α·soft labels + β·inner features + penalties on synaptic operations and on gates that tell nothing; and how
    many rows' worth was right.

    CE is the mean of two: that of each frame's decision from the last `window` frames, as on an endless stream, and
    that from all frames since the clip began, as where its beginning is known; weighted by the batch. `shares` are
    those of `synapse_shares`; without them spikes cost nothing. With groups of channels CE is the mean of theirs: each
    learns by itself, as if it voted alone.
    """
    activity = module.student(batch.frames)
    window, clip = (
        windowed_rates(activity.class_spikes, preset.window),
        clip_rates(activity.class_spikes, batch.since.T),
    )
    labels, weights = batch.labels.T, [normalised(w.T) for w in (batch.weight, batch.clip_weight)]
    by_branch = [module.student.class_scores(LOGIT_SCALE * rates) for rates in (window, clip)]
    smoothing = preset.label_smoothing
    loss = torch.stack([frame_errors(x, labels, w, smoothing) for x, w in zip(by_branch, weights)]).mean()
    logits, weight = LOGIT_SCALE * window.mean(-1), weights[0]
    if batch.targets:
        if preset.soft_label_weight:
            soft = soft_label_loss(logits, batch.targets.logits.transpose(0, 1), preset.temperature, weight)
            loss = loss + preset.soft_label_weight * soft
        if module.translations:
            loss = loss + preset.feature_weight * module.feature_loss(activity, batch.targets)
    if shares:
        loss = loss + preset.synop_regularisation * synop_fraction(activity.spikes, shares)
    if preset.gate_penalty:
        loss = loss + preset.gate_penalty * useless_gates(activity, module.student)
    right = ((logits.argmax(-1) == labels) * weight).sum() * len(batch.labels)
    return loss, right


def useless_gates(activity: Activity, network: SpikingNetwork) -> Tensor:
    """How far gates are outside USEFUL_GATES, mean over all; 0 where there are none."""
    gates = [activity.spikes[node.name] for node in network.nodes if role_of(node.role).gates]
    if not gates:
        return activity.class_spikes.new_zeros(())
    here = torch.cat([spikes.mean((0, 1, 2)) for spikes in gates])
    opened = shared_sum(here * own_share(gates[0].shape[2], here))
    low, high = USEFUL_GATES
    return (F.relu(opened - high) + F.relu(low - opened)).mean()


def normalised(weight: Tensor) -> Tensor:
    """Weights (T, B) that sum to 1; all 0 stay so.

    Of a batch that is spread over processes they sum to 1 over all of them, each times its `own_share` as a training
    step adds them up: a frame counts the same wherever its row went.
    """
    return weight / all_sum(weight.sum()).clamp(min=1e-6) / own_share(weight.shape[1], weight)


def own_share(rows: int, like: Tensor) -> Tensor:
    """The share of a batch's rows that this process has, exactly 1 for a process alone."""
    return rows / all_sum(like.new_full((), rows))


def frame_errors(by_branch: Tensor, labels: Tensor, weight: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy of logits (groups, T, B, classes), summed over frames with `weight` (T, B), mean over groups."""
    spread = labels.expand(len(by_branch), -1, -1)
    errors = F.cross_entropy(by_branch.flatten(0, 2), spread.flatten(), label_smoothing=smoothing, reduction="none")
    return (errors.view(spread.shape) * weight).sum((1, 2)).mean()


def clip_rates(class_spikes: Tensor, since: Tensor) -> Tensor:
    """Spikes (T, B, ...) per frame over all frames since the clip began, `since` (T, B) frames ago."""
    total = class_spikes.cumsum(0)
    total = torch.cat([torch.zeros_like(total[:1]), total])
    first = torch.arange(len(since), device=since.device)[:, None] - since
    began = total[first, torch.arange(since.shape[1], device=since.device)]
    return (total[1:] - began) / (since + 1).view(*since.shape, *[1] * (class_spikes.ndim - 2))


def windowed_rates(class_spikes: Tensor, window: int) -> Tensor:
    """Spikes (T, ...) per frame over the last `window` frames, or over those that there are."""
    total = class_spikes.cumsum(0)
    before = torch.cat([torch.zeros_like(total[:window]), total[:-window]])[: len(total)]
    frames = torch.arange(1, len(total) + 1, device=total.device).clamp(max=window)
    return (total - before) / frames.view(-1, *[1] * (total.ndim - 1))
