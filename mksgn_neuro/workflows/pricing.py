"""What a trained network costs once it is deployed: cores of its netx file, energy of a clip."""

from __future__ import annotations

from mksgn_neuro.chip.energy import PAPER
from mksgn_neuro.chip.mapping import map_network
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.errors import Unsupported
from mksgn_neuro.lowering import lower
from mksgn_neuro.models.store import Model
from mksgn_neuro.training.ablate import Price
from mksgn_neuro.workflows.inputs import Request, chosen
from mksgn_neuro.workflows.recognise import HEADLINE, recognise
from mksgn_neuro.workflows.targets import build

MOST_CLIPS = 100  # that energy is counted on, evenly spaced


def price(model: Model, clips: Clips) -> Price:
    """Of a model, counted on its test clips or, where there are none, on others; nothing of one that does not lower."""
    try:
        network = lower(model.student, model.task())
    except Unsupported:
        return Price()
    cores = len(map_network(build(network, "loihi2").network).cores)
    request = Request(split="train" if clips.train.all() else "test", limit=MOST_CLIPS)
    run = recognise(build(network, "emulator").network, chosen(clips, network.task, request, clips.dataset), HEADLINE)
    return Price(cores, 1e3 * run.simulation.energy(PAPER.name, run.samples).joules_per_sample)
