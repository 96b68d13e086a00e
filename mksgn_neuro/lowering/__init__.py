"""Passes from a trained model to the integer IR, one per file."""

from mksgn_neuro.lowering.balance import balance, steps_per_sample
from mksgn_neuro.lowering.fold import fold
from mksgn_neuro.lowering.levelize import levelize
from mksgn_neuro.lowering.lower import lower
from mksgn_neuro.lowering.quantize import quantize

__all__ = ["balance", "fold", "levelize", "lower", "quantize", "steps_per_sample"]
