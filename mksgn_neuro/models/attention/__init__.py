"""Attention between a block's spatial features and its window over frames: a table of what there is, by name.

A new one is a file of its own beside these and a line here.
"""

from collections.abc import Mapping

from mksgn_neuro.models.attention.base import Attention, Site
from mksgn_neuro.models.attention.gated import Gated
from mksgn_neuro.models.attention.spike_driven import SpikeDriven
from mksgn_neuro.models.attention.ssa import SelfAttention

ATTENTIONS: Mapping[str, Attention] = {
    "gated": Gated(),
    "spike-driven": SpikeDriven(),
    "ssa": SelfAttention(),
    "none": Attention(),
}

__all__ = ["ATTENTIONS", "Attention", "Site"]
