"""Passes from a trained model to the integer IR, one per file."""

from mksgn_neuro.lowering.balance import balance, steps_per_sample
from mksgn_neuro.lowering.lower import lower
from mksgn_neuro.lowering.passes import as_chain

__all__ = ["as_chain", "balance", "lower", "steps_per_sample"]
