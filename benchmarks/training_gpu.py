"""One training step of a student on a GPU: as Python starts it, and recorded and replayed as `train` does.

Run from the repository root, on a machine with a GPU: python -m benchmarks.training_gpu
"""

from __future__ import annotations

import statistics
from functools import partial

import click
import torch

from benchmarks.timing import measure
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.models.distill import Distilled
from mksgn_neuro.models.store import build_student
from mksgn_neuro.training.batches import Batch
from mksgn_neuro.training.loss import student_loss
from mksgn_neuro.training.preset import Preset
from mksgn_neuro.training.presets import PRESETS
from mksgn_neuro.training.step import STEPS_BEFORE_RECORDING, Step, make_optimizer, set_rate, training_step

CLASSES, ROUNDS = 10, 20


@click.command()
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    """Milliseconds per step of the presets NAMES, base and nw-ucla where none is given."""
    print(torch.cuda.get_device_name())
    for name in names or ("base", "nw-ucla"):
        seconds = measure(steps_of(name), ROUNDS)
        eager, recorded = (1000 * statistics.median(seconds[way]) for way in ("eager", "recorded"))
        print(f"  {name}: {eager:.1f} ms, recorded {recorded:.1f} ms, {eager / recorded:.1f} times as fast")


def steps_of(name: str) -> dict[str, Step]:
    """A step of either way on one batch, each waiting until the GPU has done it."""
    preset = PRESETS[name]
    batch = batch_of(preset, "cuda")
    module = Distilled(build_student(preset.student(CLASSES), KINECT_20, preset.graph_radius), []).cuda().train()
    optimizer = make_optimizer(module, preset.weight_decay)
    set_rate(optimizer, 1e-3)
    recorded = training_step(module, optimizer, partial(student_loss, preset=preset))
    for _ in range(STEPS_BEFORE_RECORDING + 1):
        recorded(batch)

    def timed(step: Step) -> None:
        step(batch)
        torch.cuda.synchronize()

    return {"eager": partial(timed, recorded.step), "recorded": partial(timed, recorded)}


def batch_of(preset: Preset, device: str) -> Batch:
    """Rows of random frames, each of one clip all along."""
    shape = (preset.rows, preset.sequence)
    frames = torch.randint(-100, 101, (*shape, 4, KINECT_20.joints, 3), device=device).float()
    labels = torch.randint(0, CLASSES, (preset.rows, 1), device=device).expand(shape)
    since = torch.arange(preset.sequence, device=device).expand(shape).clone()
    weight = torch.ones(shape, device=device)
    return Batch(frames, labels.clone(), labels.cpu(), since, weight, weight.clone())


if __name__ == "__main__":
    main()
