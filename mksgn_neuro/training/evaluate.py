"""How well a student does under the three protocols, and its statistics on un-augmented frames."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from mksgn_neuro.data.augment import NO_VARIATION
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import Scaling, encode_batch
from mksgn_neuro.data.made import lengths_of
from mksgn_neuro.data.mapped import let_go, scratch
from mksgn_neuro.data.protocols import PROTOCOLS, Streams, Timing, hold, streams
from mksgn_neuro.data.recognition import recognition
from mksgn_neuro.evenly import evenly
from mksgn_neuro.ir import role_of
from mksgn_neuro.nn import SpikingNetwork
from mksgn_neuro.training.batches import Sequences, batches_per_epoch, sequence_batches

RECALIBRATION_CLIPS = 512  # that normalisation statistics are taken from
FRAMES_AT_ONCE = 2560
PIECE, LEAD = 384, 128  # frames


@dataclass(frozen=True)
class Evaluation:
    """`recognition` by protocol as `data.recognition` gives it; of the last one mean firing `rates` by population and
    `gates` (G,), the share of frames at which each attention gate is open.
    """

    recognition: dict[str, dict]
    rates: dict[str, float]
    gates: np.ndarray

    @property
    def accuracy(self) -> float:
        """What is selected by: the mean of `clip` at the last frame and `continuous`, as far as they were run."""
        found = [self.recognition[name]["accuracy"]["standard"] for name in PROTOCOLS[1:] if name in self.recognition]
        return sum(found) / len(found)


def evaluate(
    student: SpikingNetwork, clips: Clips, scaling: Scaling, timing: Timing, protocols: tuple[str, ...] = PROTOCOLS
) -> Evaluation:
    """Run the student on clips under each protocol."""
    was_training = student.training
    student.eval()
    found = {}
    for protocol in protocols:
        given = streams(protocol, clips, timing)
        spikes, firing = class_spikes(student, given, scaling, clips)
        found[protocol] = recognition(spikes, given, clips, timing.rate or clips.rate)
    student.train(was_training)
    gates = [firing[node.name].flatten() for node in student.nodes if role_of(node.role).gates]
    rates = {name: float(by_neuron.mean()) for name, by_neuron in firing.items()}
    return Evaluation(found, rates, np.concatenate(gates) if gates else np.zeros(0))


def spike_rate(network: SpikingNetwork, rates: dict[str, float]) -> float:
    """The mean of firing rates by population, without gates, whose rate says how open they are, and the readout."""
    roles = {node.name: role_of(node.role) for node in network.nodes}
    told = [rate for name, rate in rates.items() if not (roles[name].gates or roles[name].reads_out)]
    return sum(told) / max(len(told), 1)


@torch.no_grad()
def class_spikes(
    student: SpikingNetwork, given: Streams, scaling: Scaling, clips: Clips
) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Readout spikes by class (T, classes) of each stream, uint16, and each neuron's mean firing rate by population.

    A long stream is run in pieces, each with LEAD frames before it, which is more than a student remembers. Spikes of
    many streams lie in a file: read them through `data.mapped.rows_of`.
    """
    here = student.device
    lengths = lengths_of(given.positions)
    ends = np.cumsum(lengths)
    flat = scratch((int(ends[-1]), student.classes), np.uint16)
    found = np.split(flat, ends[:-1])
    firing: dict[str, np.ndarray] = {}
    frames = 0
    for group in _of_like_length(_pieces(lengths.tolist())):
        longest = max(piece.end - piece.first for piece in group)
        parts = [hold(given.positions[p.stream][p.first : p.end], longest) for p in group]
        encoded = encode_batch(torch.from_numpy(np.stack(parts)), scaling, clips.skeleton)
        activity = student(encoded.to(here))
        counted = activity.class_spikes.sum(-1).cpu().numpy().astype(np.uint16)
        for i, piece in enumerate(group):
            found[piece.stream][piece.own : piece.end] = counted[piece.own - piece.first : piece.end - piece.first, i]
        let_go(flat)
        seen = len(group) * longest
        for name, spikes in activity.spikes.items():  # (V, T, B, C)
            firing[name] = firing.get(name, 0.0) + seen * spikes.mean((1, 2), dtype=torch.float64).cpu().numpy()
        frames += seen
    return found, {name: total / frames for name, total in firing.items()}


@dataclass(frozen=True)
class _Piece:
    """Frames `own` to `end` of a stream, run from `first` on."""

    stream: int
    first: int
    own: int
    end: int


def _pieces(lengths: list[int]) -> list[_Piece]:
    starts = ((s, own, length) for s, length in enumerate(lengths) for own in range(0, length, PIECE))
    return [_Piece(s, max(0, own - LEAD), own, min(own + PIECE, length)) for s, own, length in starts]


def _of_like_length(pieces: list[_Piece]) -> list[list[_Piece]]:
    """In groups of at most FRAMES_AT_ONCE frames when all are padded to the longest."""
    groups: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda p: p.first - p.end):
        if groups and (len(groups[-1]) + 1) * (groups[-1][0].end - groups[-1][0].first) <= FRAMES_AT_ONCE:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def recalibration_clips(clips: Clips, at_most: int = RECALIBRATION_CLIPS) -> Clips:
    """At most so many of the clips, evenly."""
    return clips.subset(evenly(len(clips), at_most))


@torch.no_grad()
def recalibrate_batch_norm(
    student: SpikingNetwork, clips: Clips, scaling: Scaling, shape: Sequences, at_most: int = RECALIBRATION_CLIPS
) -> None:
    """Set normalisation statistics to those of sequences of at most `at_most` un-augmented training clips.

    Running averages over small augmented batches wander.
    """
    chosen = recalibration_clips(clips, at_most)
    populations = student.populations().values()
    student.train()
    here, once = student.device, replace(shape, least=1)
    sums = [(torch.zeros_like(p.mean), torch.zeros_like(p.variance)) for p in populations]
    batches = batches_per_epoch(chosen, once)
    for batch in sequence_batches(chosen, scaling, once, NO_VARIATION, seed=0, stage="statistics", epoch=0):
        student(batch.frames.to(here))
        for population, (mean, variance) in zip(populations, sums):
            mean += population.batch_mean / batches
            variance += population.batch_variance / batches
    for population, (mean, variance) in zip(populations, sums):
        population.mean.copy_(mean)
        population.variance.copy_(variance)
    student.eval()
