"""One training step of the base student against the same network of SLAYER's CUBA blocks, and of its teachers.

Run from the repository root, on Python 3.10 with lava-dl: python -m benchmarks.training
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.slayer_student import SlayerStudent
from benchmarks.timing import measure
from mksgn_neuro.data.skeleton import KINECT_20, partitions
from mksgn_neuro.models.store import build_student
from mksgn_neuro.models.teacher import Teacher, TeacherConfig
from mksgn_neuro.nn.kernels.graph_conv import products_by_joint
from mksgn_neuro.training.presets import BASE

CLASSES, ROUNDS = 10, 5


def stepper(module: nn.Module, scores: Callable[[Tensor], Tensor], frames: Tensor, labels: Tensor) -> Callable:
    """A function that takes one training step: forward, backward, AdamW."""
    optimizer = torch.optim.AdamW(module.parameters(), 1e-3)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(scores(frames), labels).backward()
        optimizer.step()

    return step


def drawn(batch: int, frames: int) -> tuple[Tensor, Tensor]:
    """Frames (B, T, M, V, 3) and labels (B,)."""
    x = torch.randint(-100, 101, (batch, frames, 4, KINECT_20.joints, 3)).float()
    return x, torch.randint(0, CLASSES, (batch,))


def main() -> None:
    torch.manual_seed(0)
    rows, clips = (drawn(BASE.rows, BASE.sequence), drawn(BASE.batch, BASE.frames))
    config = BASE.student(CLASSES)
    graph = torch.from_numpy(partitions(KINECT_20, BASE.graph_radius))
    ours, slayers = build_student(config, KINECT_20, BASE.graph_radius), SlayerStudent(config, graph)
    teacher = Teacher(TeacherConfig(CLASSES, BASE.teacher_channels), torch.from_numpy(partitions(KINECT_20, 2)))
    steps = {
        "ours": products_by_joint()(stepper(ours, lambda x: ours(x).counts.mean(-1), *rows)),  # as in `train`
        "SLAYER": stepper(slayers, lambda x: slayers(x).unflatten(1, (CLASSES, -1)).mean(-1), *rows),
        "teacher, one modality": stepper(teacher, lambda x: teacher(x[:, :, 0])[0], *clips),
    }
    seconds = measure(steps, ROUNDS)
    batches = f"{BASE.rows} rows of {BASE.sequence} frames, a teacher's {BASE.batch} clips of {BASE.frames}"
    print(f"{batches}, {torch.get_num_threads()} threads, median of {ROUNDS} rounds")
    for name, times in seconds.items():
        print(f"  {name}: {statistics.median(times):.3f} s per step ({min(times):.3f} to {max(times):.3f})")
    ratio = statistics.median(seconds["SLAYER"]) / statistics.median(seconds["ours"])
    print(f"SLAYER takes {ratio:.1f} times as long (target: at least 3)")


if __name__ == "__main__":
    main()
