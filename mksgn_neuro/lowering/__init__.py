"""Passes from a trained model to the integer IR, one per file."""

from mksgn_neuro.lowering.balance import balance, steps_per_sample
from mksgn_neuro.lowering.levelize import levelize
from mksgn_neuro.lowering.lower import lower

__all__ = ["balance", "levelize", "lower", "steps_per_sample"]
