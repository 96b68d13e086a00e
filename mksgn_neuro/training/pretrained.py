"""Begin a training with the weights of a trained network: as far as the two have the same parts.

A trained network has its normalisation folded away. It is put back so that a network that takes all of another's parts
computes what that one does, up to float rounding: normalisation gets the statistics of the given network's synaptic
sums on the training clips, and gains and shifts that undo it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mksgn_neuro.data.augment import NO_VARIATION
from mksgn_neuro.data.frames import Scaling
from mksgn_neuro.data.skeleton import Skeleton
from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import role_of
from mksgn_neuro.models.correspondence import Correspondence, Side
from mksgn_neuro.models.store import Model
from mksgn_neuro.models.student import MKSGN
from mksgn_neuro.nn import Node, SpikingNetwork, SpikingPopulation
from mksgn_neuro.nn.nodes import INPUT
from mksgn_neuro.nn.population import EPSILON
from mksgn_neuro.training.batches import sequence_batches
from mksgn_neuro.training.collective import device
from mksgn_neuro.training.evaluate import recalibration_clips
from mksgn_neuro.training.run import Run

OPEN_SHIFT = 1.84  # of new gates, in deviations: they are open at about 4 of 5 frames
SMALLEST = 1e-12

Statistics = dict[str, tuple[Tensor, Tensor]]  # population → mean and variance (C,) of its sums, in thresholds


@dataclass(frozen=True)
class Begun:
    """Names of populations that took the given network's weights whole, in part, or not at all."""

    whole: tuple[str, ...]
    part: tuple[str, ...]
    new: tuple[str, ...]

    def __str__(self) -> str:
        named = (("in part", self.part), ("new", self.new))
        rest = "".join(f"; {how}: {', '.join(names)}" for how, names in named if names)
        return f"{len(self.whole)} populations took the given network's weights{rest}"


def scaling_of(given: Model, skeleton: Skeleton, graph_radius: int, modalities: tuple[str, ...]) -> Scaling:
    """The given network's input scaling, for these modalities of it.

    Raises BadInput unless it is an MK-SGN on this skeleton that takes all of these.
    """
    hint = "begin with a model of the same joints and modalities, or leave --pretrained out"
    if not isinstance(given.student, MKSGN):
        raise BadInput(f"a network of kind {given.student.kind!r}", location="--pretrained", hint=hint)
    bodies = [(s.parents, s.coordinates, s.bodies) for s in (given.skeleton, skeleton)]
    if bodies[0] != bodies[1] or given.graph_radius != graph_radius:
        raise BadInput("a network of another skeleton or graph radius", location="--pretrained", hint=hint)
    counts = dict(zip(given.scaling.modalities, given.scaling.counts_per_metre))
    missing = [name for name in modalities if name not in counts]
    if missing:
        raise BadInput(f"a network without {', '.join(missing)}", location="--pretrained", hint=hint)
    return replace(given.scaling, modalities=modalities, counts_per_metre=tuple(counts[name] for name in modalities))


@torch.no_grad()
def begin_with(student: MKSGN, given: Model, run: Run) -> Begun:
    """Copy into the untrained `student`, in place, what it has in common with the `given` network; gates open."""
    sides = (
        Side(student.config, run.scaling.modalities, run.fit_clips.class_names),
        Side(given.student.config, given.scaling.modalities, given.class_names),
    )
    same, statistics = Correspondence(*sides), synaptic_statistics(given, run)
    given.student.cpu()
    whole, part, new = [], [], []
    theirs = given.student.populations()
    for name, own in student.populations().items():
        if name not in theirs or not _alike(own, theirs[name]):
            new.append(name)
            continue
        outputs = same.outputs(name, (len(own.beta), len(theirs[name].beta)))
        _take(own, theirs[name], outputs, same.inputs(name), statistics[name])
        known = outputs >= 0
        (whole if known.all() else part if known.any() else new).append(name)
    for node in student.nodes:
        if role_of(node.role).gates and node.name in new:
            node.population.beta.fill_(OPEN_SHIFT)
    return Begun(tuple(whole), tuple(part), tuple(new))


@torch.no_grad()
def synaptic_statistics(given: Model, run: Run) -> Statistics:
    """Mean and variance of every population's sums on un-augmented training clips, in thresholds."""
    network: SpikingNetwork = given.student.to(device()).eval()
    clips, shape = recalibration_clips(run.fit_clips), replace(run.preset.sequences, least=1)
    sums: dict[str, tuple] = {}
    for batch in sequence_batches(clips, given.scaling, shape, NO_VARIATION, seed=0, stage="statistics", epoch=0):
        frames = batch.frames.to(device())
        known = {INPUT: network.as_input(frames), **network(frames).spikes}
        for node in network.nodes:
            if isinstance(node, Node):
                drive = node.drive(known).flatten(0, 2).double() / max(1, int(node.population.vth))
                count, total, squares = sums.get(node.name, (0, 0, 0))
                sums[node.name] = count + len(drive), total + drive.sum(0), squares + drive.square().sum(0)
    means = {name: (total / count, squares / count) for name, (count, total, squares) in sums.items()}
    return {
        name: (mean.float().cpu(), (square - mean**2).clamp(min=0).float().cpu())
        for name, (mean, square) in means.items()
    }


def _alike(own: SpikingPopulation, theirs: SpikingPopulation) -> bool:
    synapses, others = own.synapses, theirs.synapses
    return set(synapses) == set(others) and all(synapses[name].is_like(others[name]) for name in synapses)


def _take(
    own: SpikingPopulation, theirs: SpikingPopulation, outputs: Tensor, inputs: Tensor,
    statistics: tuple[Tensor, Tensor],
) -> None:  # fmt: skip
    """Weights, and a normalisation that leaves what they make as it was.

    Weights come at the size that an untrained population has, so that a learning rate is worth as much as there.
    """
    known, size = outputs >= 0, _size(own)
    for name, module in own.synapses.items():
        module.take(theirs.synapses[name], outputs, inputs)
    factor = torch.where(known, size / _size(own).clamp(min=SMALLEST), 1.0)
    for module in own.synapses.values():
        module.rescale(factor)
    mean, variance = (statistic[outputs[known]] for statistic in statistics)
    factor, bias = factor[known], theirs.beta.clamp(max=theirs.max_bias)[outputs[known]]
    own.mean[known], own.variance[known] = factor * mean, factor**2 * variance
    own.gamma[known] = torch.sqrt(own.variance[known] + EPSILON) / factor
    own.beta[known] = bias + mean


def _size(population: SpikingPopulation) -> Tensor:
    """The norm (C,) of what each channel's synapses weigh."""
    return torch.cat([module.by_output() for module in population.synapses.values()]).norm(dim=0)
