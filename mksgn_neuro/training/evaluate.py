"""Accuracy and spike rates of a student on clips, and its statistics on un-augmented ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import Scaling
from mksgn_neuro.models.student import MKSGN
from mksgn_neuro.training.batches import evaluation_batches

SETTLED_CLIPS = 512  # that normalisation statistics are taken from


@dataclass(frozen=True)
class Evaluation:
    """`scores` (N, classes) summed readout spikes; `predictions` (N,); `accuracy`; mean `rates` by population."""

    scores: np.ndarray
    predictions: np.ndarray
    accuracy: float
    rates: dict[str, float]


@torch.no_grad()
def evaluate(student: MKSGN, clips: Clips, scaling: Scaling, frames: int) -> Evaluation:
    """Run the student on whole clips; ties go to the lowest class."""
    was_training = student.training
    student.eval()
    here = student.joint_firing.device
    scores, rates = [], []
    for batch in evaluation_batches(clips, scaling, frames):
        activity = student(batch.frames.to(here))
        scores.append(activity.counts.sum(-1).cpu().numpy())
        share = len(batch.labels) / len(clips)
        rates.append({name: share * float(spikes.mean()) for name, spikes in activity.spikes.items()})
    student.train(was_training)
    all_scores = np.concatenate(scores).astype(np.int64)
    predictions = all_scores.argmax(1)
    mean_rates = {name: sum(rate[name] for rate in rates) for name in rates[0]}
    return Evaluation(all_scores, predictions, float((predictions == clips.labels).mean()), mean_rates)


def test_accuracy(student: MKSGN, clips: Clips, scaling: Scaling, frames: int) -> dict[str, float | None]:
    """Accuracy on all test clips, and `clean`: on those without a twin in training; None where there are no clips."""
    test = clips.subset(~clips.train)
    if not len(test):
        return {"standard": None, "clean": None}
    right = evaluate(student, test, scaling, frames).predictions == test.labels
    clean = right[~test.leaked]
    return {"standard": float(right.mean()), "clean": float(clean.mean()) if len(clean) else None}


@torch.no_grad()
def settle_statistics(
    student: MKSGN, clips: Clips, scaling: Scaling, frames: int, at_most: int = SETTLED_CLIPS
) -> None:
    """Set normalisation statistics to those of at most `at_most` un-augmented training clips.

    Running averages over small augmented batches wander (DESIGN.md, issue 10).
    """
    chosen = clips.subset(np.linspace(0, len(clips) - 1, min(at_most, len(clips))).astype(int))
    populations = student.populations().values()
    student.train()
    here = student.joint_firing.device
    sums = [(torch.zeros_like(p.mean), torch.zeros_like(p.variance)) for p in populations]
    for batch in evaluation_batches(chosen, scaling, frames):
        student(batch.frames.to(here))
        share = len(batch.labels) / len(chosen)
        for population, (mean, variance) in zip(populations, sums):
            mean += share * population.batch_mean
            variance += share * population.batch_variance
    for population, (mean, variance) in zip(populations, sums):
        population.mean.copy_(mean)
        population.variance.copy_(variance)
    student.eval()
