"""How well a student does under the three protocols, and its statistics on un-augmented frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mksgn_neuro.data.augment import NO_VARIATION
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import Scaling, encode_batch
from mksgn_neuro.data.protocols import PROTOCOLS, Streams, Timing, hold, streams
from mksgn_neuro.data.recognition import recognition
from mksgn_neuro.models.student import MKSGN
from mksgn_neuro.training.batches import Sequences, sequence_batches

SETTLED_CLIPS = 512  # that normalisation statistics are taken from
FRAMES_AT_ONCE = 2560


@dataclass(frozen=True)
class Evaluation:
    """`recognition` by protocol as `data.recognition` gives it; mean firing `rates` by population, of the last one."""

    recognition: dict[str, dict]
    rates: dict[str, float]

    @property
    def accuracy(self) -> float:
        """What is selected by: the mean of `clip` at the last frame and `continuous`, as far as they were run."""
        found = [self.recognition[name]["accuracy"]["standard"] for name in PROTOCOLS[1:] if name in self.recognition]
        return sum(found) / len(found)


def evaluate(
    student: MKSGN, clips: Clips, scaling: Scaling, timing: Timing, protocols: tuple[str, ...] = PROTOCOLS
) -> Evaluation:
    """Run the student on clips under each protocol."""
    was_training = student.training
    student.eval()
    found, rates = {}, {}
    for protocol in protocols:
        given = streams(protocol, clips, timing)
        spikes, rates = class_spikes(student, given, scaling, clips)
        found[protocol] = recognition(spikes, given, clips, timing.rate or clips.rate)
    student.train(was_training)
    return Evaluation(found, rates)


@torch.no_grad()
def class_spikes(
    student: MKSGN, given: Streams, scaling: Scaling, clips: Clips
) -> tuple[list[np.ndarray], dict[str, float]]:
    """Readout spikes by class (T, classes) of each stream, int64, and mean firing rates by population."""
    here = student.joint_firing.device
    found: dict[int, np.ndarray] = {}
    rates: list[dict[str, Tensor]] = []
    shares = []
    for chosen in _of_like_length([len(x) for x in given.positions]):
        longest = max(len(given.positions[s]) for s in chosen)
        positions = torch.from_numpy(np.stack([hold(given.positions[s], longest) for s in chosen]))
        activity = student(encode_batch(positions, scaling, clips.skeleton).to(here))
        counted = activity.class_spikes.sum(-1).cpu().numpy().astype(np.int64)
        found |= {s: counted[: len(given.positions[s]), i] for i, s in enumerate(chosen)}
        rates.append({name: spikes.mean() for name, spikes in activity.spikes.items()})
        shares.append(len(chosen) * longest)
    mean = {name: sum(w * float(r[name]) for w, r in zip(shares, rates)) / sum(shares) for name in rates[0]}
    return [found[s] for s in range(len(given.positions))], mean


def _of_like_length(lengths: list[int]) -> list[list[int]]:
    """Streams in groups of at most FRAMES_AT_ONCE frames when all are padded to the longest."""
    groups: list[list[int]] = []
    for s in sorted(range(len(lengths)), key=lambda s: -lengths[s]):
        if groups and (len(groups[-1]) + 1) * lengths[groups[-1][0]] <= FRAMES_AT_ONCE:
            groups[-1].append(s)
        else:
            groups.append([s])
    return groups


@torch.no_grad()
def settle_statistics(
    student: MKSGN, clips: Clips, scaling: Scaling, shape: Sequences, at_most: int = SETTLED_CLIPS
) -> None:
    """Set normalisation statistics to those of sequences of at most `at_most` un-augmented training clips.

    Running averages over small augmented batches wander.
    """
    chosen = clips.subset(np.linspace(0, len(clips) - 1, min(at_most, len(clips))).astype(int))
    populations = student.populations().values()
    student.train()
    here = student.joint_firing.device
    sums = [(torch.zeros_like(p.mean), torch.zeros_like(p.variance)) for p in populations]
    batches = list(sequence_batches(chosen, scaling, shape, NO_VARIATION, seed=0, stage="statistics", epoch=0))
    for batch in batches:
        student(batch.frames.to(here))
        for population, (mean, variance) in zip(populations, sums):
            mean += population.batch_mean / len(batches)
            variance += population.batch_variance / len(batches)
    for population, (mean, variance) in zip(populations, sums):
        population.mean.copy_(mean)
        population.variance.copy_(variance)
    student.eval()
