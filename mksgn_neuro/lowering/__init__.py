"""Passes from a trained model to the integer IR, one per file."""

from mksgn_neuro.lowering.balance_delays import balance_delays, steps_per_sample
from mksgn_neuro.lowering.lower import lower
from mksgn_neuro.lowering.passes import as_layered

__all__ = ["as_layered", "balance_delays", "lower", "steps_per_sample"]
