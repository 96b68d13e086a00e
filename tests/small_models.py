"""A quantized student with few neurons on synthetic motion, untrained: every population of it fires."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import torch

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import fit_scaling
from mksgn_neuro.data.protocols import Timing
from mksgn_neuro.data.registry import load
from mksgn_neuro.models.store import Model, build_student
from mksgn_neuro.models.student import StudentConfig
from mksgn_neuro.nn.population import V_DECAY
from mksgn_neuro.nn.stages import quantize
from mksgn_neuro.training.batches import Sequences
from mksgn_neuro.training.evaluate import recalibrate_batch_norm

ONE_BLOCK = {"channels": (4,), "dilations": (1,)}  # small enough for the stock loader in seconds
CAMERA = Timing(rate=30.0, window=8, frames=40)
STRETCHED = Timing(rate=None, window=None, frames=12)


@lru_cache
def synthetic() -> Clips:
    return load("synthetic", None)


@lru_cache
def small_model(timing: Timing = CAMERA, v_decay: int = V_DECAY) -> Model:
    """As a new model file has it where `timing` has a rate, else as one of version 2 is read."""
    clips = synthetic()
    config = StudentConfig(10, encoder_channels=2, heads=2, query_channels=4, taps=3, v_decay=v_decay, **ONE_BLOCK)
    torch.manual_seed(0)
    scaling = fit_scaling(clips, 30.0)
    if timing.rate is None:
        scaling = replace(scaling, origin="first frame")
    student = build_student(config, clips.skeleton, 1)
    recalibrate_batch_norm(student, clips.subset(clips.train), scaling, Sequences(8, 80, 30.0, 8), at_most=64)
    return Model(quantize(student), clips.skeleton, 1, scaling, clips.class_names, timing, "synthetic")
