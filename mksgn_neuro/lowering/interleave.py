"""Pass: several time steps per frame, so that a network of many levels answers sooner after a frame.

A level takes one time step, and at one step per frame a network of 21 levels answers 21 frames late. With S steps per
frame it answers 21 / S frames late: a frame comes in, then S − 1 steps of silence, and every delay is S times as long.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mksgn_neuro.errors import BadInput, Unsupported
from mksgn_neuro.ir import Network, role_of
from mksgn_neuro.ir.memory import memory_of


def interleave(network: Network, steps_per_frame: int) -> Network:
    """A network without transmission delay that takes a frame every `steps_per_frame` steps; at these steps the same
    spikes.

    Exact where nothing is kept from step to step but by delays and no neuron that matters fires unasked; raises
    Unsupported for a network that keeps voltage, current or loops, BadInput for less than one step.
    """
    if steps_per_frame < 1:
        raise BadInput(f"{steps_per_frame} steps per frame", location="--steps-per-frame", hint="give at least 1")
    if steps_per_frame == 1:
        return network
    if network.transmission_delay:
        hint = "give the model, or leave it at 1"
        raise Unsupported("is written in time steps already", location="--steps-per-frame", hint=hint)
    memory = memory_of(network)
    if not memory.exact:
        raise Unsupported(
            "a network that keeps voltage decays between the frames too",
            location="--steps-per-frame",
            hint="train with complete decays (v_decay 4096), or leave it at 1",
        )
    _require_silent(network)
    projections = tuple(replace(q, delay=q.delay * steps_per_frame) for q in network.projections)
    task = None if network.task is None else replace(network.task, steps_per_frame=steps_per_frame)
    return network.with_(projections=projections, task=task)


def _require_silent(network: Network) -> None:
    """Between frames nothing may fire that reaches the readout: gates may, for an AND needs their partner too."""
    for population in network.populations:
        if not role_of(population.role).gates and int(np.max(population.bias)) > population.vth:
            raise Unsupported(
                "has neurons that fire without input, between the frames too",
                location=population.name,
                hint="leave --steps-per-frame at 1",
            )
