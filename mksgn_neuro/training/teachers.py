"""Teachers: trained one per modality and kept as files, or read back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.skeleton import Skeleton, partitions
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.fields import made_of
from mksgn_neuro.gates.regular import shown
from mksgn_neuro.models.store import DAMAGE, read_checked, require_accounted, same_value, write_atomically
from mksgn_neuro.models.teacher import Ensemble, Teacher, TeacherConfig
from mksgn_neuro.processes.together import is_first
from mksgn_neuro.training.batches import Batch, evaluation_batches
from mksgn_neuro.training.collective import device, wait_for_all
from mksgn_neuro.training.run import Run
from mksgn_neuro.training.stage import train_stage

FORMAT, VERSION = "mksgn-neuro-teacher", 1
HOPS = 2


def train_teachers(run: Run) -> Ensemble:
    """Train one teacher per modality of the run and write them to DIR/teachers."""
    directory = run.directory / "teachers"
    directory.mkdir(exist_ok=True)
    teachers = []
    for m, modality in enumerate(run.scaling.modalities):
        torch.manual_seed(run.seed + 1 + m)
        config = TeacherConfig(run.classes, run.preset.teacher_channels)
        teacher = _build(config, run.fit_clips.skeleton)
        _train_one(teacher, m, run, directory)
        if is_first():
            _save(teacher, modality, run, directory)
        teachers.append(teacher.eval())
    wait_for_all()
    return Ensemble(teachers)


def _train_one(teacher: Teacher, m: int, run: Run, directory: Path) -> None:
    def loss(module: Teacher, batch: Batch) -> tuple[Tensor, Tensor]:
        logits, _ = module(batch.frames[:, :, m])
        error = F.cross_entropy(logits, batch.labels, label_smoothing=run.preset.label_smoothing)
        return error, (logits.argmax(1) == batch.labels).sum()

    def validate(module: Teacher) -> dict:
        return {"accuracy": accuracy(Selected(module, m), run.held_out, run), "on": run.watched_on}

    name = f"teacher-{_file_name(run.scaling.modalities[m])}"
    stage = run.clip_stage(name, run.preset.teacher_schedule, loss, validate)
    train_stage(teacher, stage, directory, resume=run.resume, report=run.report)


class Selected(nn.Module):
    """One modality's teacher as if it were an ensemble: it takes all modalities' frames."""

    def __init__(self, teacher: Teacher, modality: int) -> None:
        super().__init__()
        self.teacher, self.modality = teacher, modality

    def forward(self, frames: Tensor) -> tuple[Tensor, list[Tensor]]:
        return self.teacher(frames[:, :, self.modality])


@torch.no_grad()
def accuracy(teacher: Ensemble | Selected, clips: Clips, run: Run) -> float:
    """Share of whole clips that are recognised."""
    was_training = teacher.training
    teacher.eval()
    right = 0
    for batch in evaluation_batches(clips, run.scaling, run.preset.frames):
        right += int((teacher(batch.frames.to(device()))[0].argmax(1).cpu() == batch.labels).sum())
    teacher.train(was_training)
    return right / len(clips)


def load_teachers(directory: Path, run: Run) -> Ensemble:
    """Teachers that another run wrote; raises BadInput unless they were made for this task and this input."""
    teachers = []
    for modality in run.scaling.modalities:
        path = Path(directory) / f"{_file_name(modality)}.pt"
        content = _as_written_today(read_checked(path, FORMAT, VERSION))
        for name, value in _surroundings(modality, run).items():
            if not same_value(content.get(name), value):
                raise BadInput(
                    f"this teacher was trained with another {name.replace('_', ' ')}",
                    location=str(path),
                    hint="train teachers of the same data set, frames and modalities, or leave --teacher out",
                )
        try:
            require_accounted(content["config"], content["state"])
            teacher = _build(made_of(TeacherConfig, content["config"]), run.fit_clips.skeleton)
            teacher.load_state_dict(content["state"])
        except DAMAGE as error:
            problem = f"damaged teacher ({shown(error)})"
            raise BadInput(problem, location=str(path), hint="train it again") from error
        teachers.append(teacher.eval())
    return Ensemble(teachers)


def _as_written_today(content: dict) -> dict:
    """Teachers of before 0.2 do not say how many coordinates their skeleton has: three."""
    skeleton = content.get("skeleton")
    return content | {"skeleton": {"coordinates": 3} | skeleton} if isinstance(skeleton, dict) else content


def _build(config: TeacherConfig, skeleton: Skeleton) -> Teacher:
    return Teacher(config, torch.from_numpy(partitions(skeleton, HOPS)), skeleton.coordinates).to(device())


def _save(teacher: Teacher, modality: str, run: Run, directory: Path) -> None:
    content = {"format": FORMAT, "version": VERSION, "config": asdict(teacher.config), "state": teacher.state_dict()}
    write_atomically(content | _surroundings(modality, run), directory / f"{_file_name(modality)}.pt")


def _surroundings(modality: str, run: Run) -> dict:
    """What a teacher must share with a student that learns from it. The held-out subjects follow from the seed."""
    m = run.scaling.modalities.index(modality)
    return {
        "modality": modality,
        "classes": run.fit_clips.class_names,
        "skeleton": asdict(run.fit_clips.skeleton),
        "held_out_subjects": sorted({int(subject) for subject in run.held_out.subjects}),
        "number_of_frames": run.preset.frames,
        "input_scale": run.scaling.counts_per_metre[m],
    }


def _file_name(modality: str) -> str:
    return modality.replace(" ", "-")


def teacher_summary(ensemble: Ensemble, clips: Clips, run: Run) -> dict:
    """For the model's notes: the ensemble's accuracy, size and multiply-accumulates per clip, all modalities."""
    test = clips.subset(~clips.train)
    clean = clips.subset(~clips.train & ~clips.leaked)
    return {
        "held_out_accuracy": accuracy(ensemble, run.held_out, run),
        "test_accuracy": accuracy(ensemble, test, run) if len(test) else None,
        "test_accuracy_clean": accuracy(ensemble, clean, run) if len(clean) else None,
        "macs_per_clip": ensemble.macs_per_clip(run.preset.frames),
        "parameters": sum(p.numel() for p in ensemble.parameters()),
        "modalities": list(run.scaling.modalities),
    }
