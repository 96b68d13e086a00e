"""Model files as this program wrote them before it knew time."""

from pathlib import Path

import torch


def as_version_2(path: Path, old: Path, frames: int = 40) -> Path:
    """Write the model file `path` as one of version 2, of clips stretched to `frames`; returns `old`."""
    content = torch.load(path, weights_only=True)
    del content["timing"], content["scaling"]["origin"]
    torch.save(content | {"version": 2, "frames": frames}, old)
    return old
