"""The training loop, presets and checkpoints."""
