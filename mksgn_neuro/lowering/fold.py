"""Stage: normalisation into weights and biases, so that a student is only synapses and neurons."""

from __future__ import annotations

import copy

from mksgn_neuro.models.student import MKSGN


def fold(student: MKSGN) -> MKSGN:
    """A folded copy in eval mode; its spikes equal the student's up to float rounding."""
    folded = copy.deepcopy(student).eval()
    for population in folded.populations().values():
        population.fold()
    return folded
