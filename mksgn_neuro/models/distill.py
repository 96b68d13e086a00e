"""Distillation from the teachers: soft labels, and inner features translated to spikes (FTM).

From the paper: a feature translation module turns inner teacher features into spike form and the student's are drawn
to them; soft labels come from the teachers' logits. Our reconstruction: features are means over time; a linear map and
one layer of spiking neurons that see it for four steps (the paper's T) turn them into rates per joint and channel;
a linear classifier on those rates keeps the translation from agreeing with the student on nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mksgn_neuro.nn import Activity, Pointwise, SpikingNetwork, SpikingPopulation
from mksgn_neuro.nn.collective import channel_statistics

TRANSLATION_STEPS = 4


@dataclass(frozen=True)
class Targets:
    """What the teachers say of a batch of sequences: `logits` (B, T, classes) of the clip that each frame belongs to.

    `features` (V, B, C) per depth are those of one clip per sequence, whose frames are marked in `shown` (B, T); its
    `labels` (B,).
    """

    logits: Tensor
    features: list[Tensor]
    shown: Tensor
    labels: Tensor


class FeatureTranslation(nn.Module):
    """Teacher features (V, B, C_teacher) to spike rates (V, B, C_student) in {0, 1/4, 2/4, 3/4, 1}, for one depth."""

    def __init__(self, teacher_channels: int, channels: int, classes: int) -> None:
        super().__init__()
        linear = Pointwise(teacher_channels, channels)
        self.spiking = SpikingPopulation(channels, {"teacher": linear}, subthreshold_bias=False)
        self.anchor = nn.Linear(channels, classes)

    def forward(self, features: Tensor) -> Tensor:
        drive = self.spiking.drive({"teacher": features.unsqueeze(1)})
        return self.spiking.fire(drive.expand(-1, TRANSLATION_STEPS, -1, -1).contiguous()).mean(1)

    def loss(self, features: Tensor, student_rates: Tensor, labels: Tensor) -> Tensor:
        """Mean squared difference of the rates, in units of the translated rates' variance, and the anchor's error."""
        rates = self(features)
        _, variance = channel_statistics(rates.detach().reshape(-1, 1))
        difference = F.mse_loss(student_rates, rates) / variance[0].clamp(min=1e-3)
        return difference + F.cross_entropy(self.anchor(rates.mean(0)), labels)


class Distilled(nn.Module):
    """A student in training with the translations that it is drawn to; `teacher_widths` are channels per depth.

    Depths are matched with the nodes that end the student's blocks, evenly.
    """

    def __init__(self, student: SpikingNetwork, teacher_widths: list[int]) -> None:
        super().__init__()
        self.student = student
        ends, depths = student.block_ends, len(teacher_widths)
        self.matched = [len(ends) * (d + 1) // depths for d in range(depths)]
        widths = [ends[b - 1].channels for b in self.matched]
        translations = (FeatureTranslation(a, b, student.classes) for a, b in zip(teacher_widths, widths))
        self.translations = nn.ModuleList(translations)

    def feature_loss(self, activity: Activity, targets: Targets) -> Tensor:
        """Sum over depths; the student's rates are those at the ends of its blocks while the clip is shown."""
        share = (targets.shown / targets.shown.sum(1, keepdim=True)).T[..., None]
        names = [self.student.block_ends[b - 1].name for b in self.matched]
        losses = [
            translation.loss(features, (activity.spikes[name] * share).sum(1), targets.labels)
            for translation, features, name in zip(self.translations, targets.features, names)
        ]
        return torch.stack(losses).sum()


def soft_label_loss(logits: Tensor, teacher_logits: Tensor, temperature: float, weight: Tensor) -> Tensor:
    """τ²·KL(teacher ‖ student) of the classes (..., classes) at temperature τ, summed with `weight` (...)."""
    student = F.log_softmax(logits / temperature, -1)
    teacher = F.log_softmax(teacher_logits / temperature, -1)
    divergence = F.kl_div(student, teacher, reduction="none", log_target=True).sum(-1)
    return temperature**2 * (divergence * weight).sum()
