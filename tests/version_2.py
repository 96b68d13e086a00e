"""Model files as this program wrote them before it knew time."""

from pathlib import Path

import torch

ITS_TRAINING = {
    "seed": 0,
    "held_out_clips": 0,
    "held_out_accuracy": {"float": 0.75, "integer": 0.5},
    "test_accuracy": {"integer": {"standard": 0.625, "clean": 0.5}},
}  # what training left in a file then


def as_version_2(path: Path, old: Path, frames: int = 40, **changes) -> Path:
    """Write the model file `path` as one of version 2, of clips stretched to `frames`; returns `old`."""
    content = torch.load(path, weights_only=True)
    del content["timing"], content["scaling"]["origin"]
    torch.save(content | {"version": 2, "frames": frames} | changes, old)
    return old
