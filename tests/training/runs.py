"""A training run of seconds: few clips, the smallest student and teachers that have every part."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.synthetic import generate
from mksgn_neuro.models.store import Model
from mksgn_neuro.training.preset import Preset
from mksgn_neuro.training.train import train

SMALLEST = Preset(
    channels=(4, 4, 4, 6, 6, 6),
    encoder_channels=2,
    heads=2,
    query_channels=4,
    taps=2,
    readout_copies=1,
    frames=10,
    batch=4,
    rows=2,
    sequence=24,
    epochs=2,
    learning_rate=8e-3,
    integer_epochs=2,
    integer_learning_rate=2e-3,
    teacher_channels=(4, 4, 4, 4, 6, 6, 6, 8, 8, 8),
    teacher_epochs=1,
)
WITHOUT_TEACHER = replace(SMALLEST, soft_label_weight=0.0, feature_weight=0.0)


def few_clips() -> Clips:
    """Sixty clips of five subjects, two of whom are for training, one to fit and one to select on."""
    return generate(60, seed=3, subjects=5)


def silent(kind: str, record: dict) -> None:
    """A report that shows nothing."""


def trained(directory: Path, preset: Preset = SMALLEST, **options) -> Model:
    return train(few_clips(), preset, directory, **({"seed": 5, "report": silent} | options))


def same_weights(a: Model, b: Model) -> bool:
    one, other = a.student.state_dict(), b.student.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def run_alone(directory: str, *options: str) -> None:
    """What a process of its own does: one epoch per stage with --short."""
    preset = replace(SMALLEST, epochs=1, integer_epochs=1) if "--short" in options else SMALLEST
    trained(Path(directory), preset)


if __name__ == "__main__":
    run_alone(*sys.argv[1:])
