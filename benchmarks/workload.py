"""What the emulator's benchmark runs: one student, float and integer, its network, and clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mksgn_neuro.data.frames import as_tensors, encode_batch, fit_scaling, resample_batch
from mksgn_neuro.data.synthetic import generate
from mksgn_neuro.ir import Network
from mksgn_neuro.lowering import lower
from mksgn_neuro.models.store import build_student, load_model
from mksgn_neuro.models.student import MKSGN
from mksgn_neuro.nn.stages import quantize
from mksgn_neuro.training.presets import preset


@dataclass(frozen=True)
class Workload:
    """`frames` (B, T, M, V, 3) float32 with exact integers; `network` computes what `integer` does; `what` it is."""

    floating: MKSGN
    integer: MKSGN
    network: Network
    frames: torch.Tensor
    what: str

    @property
    def inputs(self) -> np.ndarray:
        """The same frames for the emulator, int32 (B, T, N_in)."""
        return self.frames.flatten(2).numpy().astype(np.int32)


def calibrated_student(name: str = "base", clips: int = 64, seed: int = 0) -> Workload:
    """A preset's student on synthetic motion, untrained, its batch norm recalibrated on that motion.

    So every population fires at a rate like a trained one's, and no training is needed.
    """
    torch.manual_seed(seed)
    chosen, recorded = preset(name), generate(clips + 100, seed)
    scaling = fit_scaling(recorded, chosen.rate)
    flat, starts, lengths = as_tensors(recorded)
    frames = encode_batch(resample_batch(flat, starts, lengths, chosen.frames), scaling, recorded.skeleton)
    student = build_student(chosen.student(len(recorded.class_names)), recorded.skeleton, chosen.graph_radius)
    with torch.no_grad():
        for _ in range(30):
            student.train()(frames[torch.randint(len(frames), (8,))])
    student.eval()
    integer = quantize(student)
    return Workload(student, integer, lower(integer), frames[:clips], f"preset {name}, untrained, synthetic motion")


def trained_student(path: Path, clips: int) -> Workload:
    """A trained model and synthetic motion; its float form is the integer student computed as floats."""
    model = load_model(path)
    recorded = generate(clips, 0)
    flat, starts, lengths = as_tensors(recorded)
    frames = encode_batch(resample_batch(flat, starts, lengths, model.timing.frames), model.scaling, model.skeleton)
    return Workload(model.student, model.student, lower(model.student), frames, str(path))
