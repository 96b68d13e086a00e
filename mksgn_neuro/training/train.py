"""The whole training: student in floats, then in integers; what is saved computes in integers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import Scaling, fit_scaling
from mksgn_neuro.lowering import quantize
from mksgn_neuro.models.store import Model, build_student, save_model
from mksgn_neuro.models.student import MKSGN
from mksgn_neuro.training.batches import Batch, training_batches
from mksgn_neuro.training.collective import is_first_rank, start
from mksgn_neuro.training.evaluate import evaluate, settle_statistics
from mksgn_neuro.training.presets import Preset
from mksgn_neuro.training.stage import Report, Stage, fit

LOGIT_SCALE = 12.0  # from a firing rate in [0, 1] to a logit; our choice


@dataclass(frozen=True)
class Run:
    """What one training run works on: `fit_clips` to train, `held_out` training subjects to select on."""

    preset: Preset
    fit_clips: Clips
    held_out: Clips
    scaling: Scaling
    directory: Path
    seed: int
    resume: bool
    report: Report
    rank: int = 0
    world: int = 1

    def stage(self, name: str, epochs: int, rate: float, loss: Callable, validate: Callable) -> Stage:
        """A stage over this run's clips."""
        preset, batch = self.preset, min(self.preset.batch, len(self.fit_clips))
        batches = partial(
            training_batches, self.fit_clips, self.scaling, preset.frames, preset.augmentation, batch,
            seed=self.seed, stage=name, rank=self.rank, world=self.world,
        )  # fmt: skip
        return Stage(
            name, epochs, rate, preset.weight_decay, lambda epoch: batches(epoch=epoch), len(self.fit_clips) // batch,
            loss, validate, self.seed,
        )  # fmt: skip

    def accuracy(self, student: MKSGN) -> dict:
        """Accuracy and rates on the held-out subjects, with the statistics of whole, un-augmented clips."""
        if not student.encode.folded:
            settle_statistics(student, self.fit_clips, self.scaling, self.preset.frames)
        result = evaluate(student, self.held_out, self.scaling, self.preset.frames)
        return {"accuracy": result.accuracy, "rates": result.rates}


def train(
    clips: Clips, preset: Preset, directory: Path, *, seed: int = 0, resume: bool = False, report: Report
) -> Model:
    """Train on the training clips of `clips`; writes model.pt, metrics.json and config.json into `directory`."""
    rank, world = start()
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    fit_clips, held_out = clips.held_out_split(seed=seed)
    scaling = fit_scaling(fit_clips, preset.frames, modalities=preset.modalities)
    run = Run(preset, fit_clips, held_out, scaling, directory, seed, resume, report, rank, world)
    torch.manual_seed(seed)
    student = build_student(preset.student(len(clips.class_names)), clips.skeleton, preset.hops)
    history = train_float(student, run)
    float_accuracy = run.accuracy(student)["accuracy"]
    integer = quantize(student)
    ptq_accuracy = run.accuracy(integer)["accuracy"]
    history += train_integer(integer, run)
    summary = {
        "held_out_accuracy": {
            "float": float_accuracy,
            "post_training_quantization": ptq_accuracy,
            "integer": run.accuracy(integer)["accuracy"],
        },
        "held_out_clips": len(held_out),
        "seed": seed,
    }
    model = Model(
        integer.eval(), clips.skeleton, preset.hops, scaling, clips.class_names, preset.frames, clips.dataset, summary
    )
    if is_first_rank():
        save_model(model, directory / "model.pt")
        write_json(directory / "metrics.json", {"history": history, **summary})
    return model


def train_float(student: MKSGN, run: Run) -> list[dict]:
    """Float stage."""
    loss = partial(student_loss, preset=run.preset)
    stage = run.stage("float", run.preset.epochs, run.preset.learning_rate, loss, run.accuracy)
    return fit(student, stage, run.directory, resume=run.resume, report=run.report)


def train_integer(student: MKSGN, run: Run) -> list[dict]:
    """Integer-exact fine-tuning: normalisation folded and frozen, forward in integers, straight-through gradients."""
    for population in student.populations().values():
        population.gamma.requires_grad_(False)
    loss = partial(student_loss, preset=run.preset)
    preset = run.preset
    stage = run.stage("integer", preset.integer_epochs, preset.integer_learning_rate, loss, run.accuracy)
    return fit(student, stage, run.directory, resume=run.resume, report=run.report)


def student_loss(student: MKSGN, batch: Batch, preset: Preset) -> tuple[Tensor, int]:
    """Cross entropy of the class neurons' mean rates, plus an optional penalty on all spikes."""
    activity = student(batch.frames)
    rates = activity.counts.mean(-1) / batch.frames.shape[1]
    loss = F.cross_entropy(LOGIT_SCALE * rates, batch.labels, label_smoothing=preset.label_smoothing)
    if preset.rate_penalty:
        hidden = [spikes.mean() for name, spikes in activity.spikes.items() if name != "readout"]
        loss = loss + preset.rate_penalty * torch.stack(hidden).mean()
    return loss, int((rates.argmax(1) == batch.labels).sum())


def write_json(path: Path, content: dict) -> None:
    """Write JSON in one piece."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(temporary, path)
