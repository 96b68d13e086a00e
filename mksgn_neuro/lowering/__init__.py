"""Passes from a trained model to the integer IR, one per file."""
