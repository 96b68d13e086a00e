"""Small students with trained-looking statistics."""

from __future__ import annotations

import torch

from mksgn_neuro.models.student import MKSGN, StudentConfig
from mksgn_neuro.nn.stages import quantize

PARENTS = (1, -1, 1, 2, 1)


def partitions(parents: tuple[int, ...] = PARENTS) -> torch.Tensor:
    """Self, inward, outward: (3, V, V)."""
    v = len(parents)
    masks = torch.zeros(3, v, v)
    masks[0] = torch.eye(v)
    for child, parent in enumerate(parents):
        if parent >= 0:
            masks[1, parent, child] = masks[2, child, parent] = 1
    return masks / masks.sum(2, keepdim=True).clamp(min=1)


def small_config(**changes) -> StudentConfig:
    fields = {"classes": 3, "encoder_channels": 4, "channels": (8, 8, 12), "heads": 2, "query_channels": 4, "taps": 3}
    fields |= {"dilations": (1, 2, 1), "readout_copies": 2}
    return StudentConfig(**(fields | changes))


GROUPED = {"branch_modalities": ((0,), (1,), (2,), (0, 1, 3)), "heads": 4, "readout_copies": 4}  # for `small_config`


def random_frames(seed: int, batch: int, frames: int, joints: int = 5) -> torch.Tensor:
    """(B, T, 4, V, 3) integers in the 8-bit range, smooth enough to drive the network."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-100, 101, (batch, frames, 4, joints, 3), generator=generator).float()


def firing_student(frames: int, **changes) -> MKSGN:
    """An integer student all of whose layers fire on `random_frames` of that length."""
    torch.manual_seed(0)
    student = MKSGN(small_config(**changes), partitions()).train()
    with torch.no_grad():
        for step in range(40):  # until its running statistics are those of such frames
            student(random_frames(step, 4, frames))
    return quantize(student)


def warm_student(seed: int, steps: int = 3, **changes) -> MKSGN:
    """A student in eval mode whose running statistics and weights have seen a few training steps."""
    torch.manual_seed(seed)
    student = MKSGN(small_config(**changes), partitions())
    optimizer = torch.optim.SGD(student.parameters(), 0.1)
    for step in range(steps):
        activity = student.train()(random_frames(seed + step, 4, 8))
        optimizer.zero_grad()
        activity.counts.pow(2).sum().backward()
        optimizer.step()
    return student.eval()
