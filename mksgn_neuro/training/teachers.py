"""Teachers: trained one per modality and kept as files, or read back; what they say of every training clip."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.skeleton import Skeleton, partitions
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.distill import Targets
from mksgn_neuro.models.store import read_checked, write_atomically
from mksgn_neuro.models.teacher import Ensemble, Teacher, TeacherConfig
from mksgn_neuro.training.batches import Batch, evaluation_batches
from mksgn_neuro.training.collective import device, is_first_rank, wait_for_all
from mksgn_neuro.training.run import Run
from mksgn_neuro.training.stage import fit

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
        if is_first_rank():
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
        return {"accuracy": accuracy(Selected(module, m), run.held_out, run)}

    name = f"teacher-{_file_name(run.scaling.modalities[m])}"
    stage = run.clip_stage(name, run.preset.teacher_schedule, loss, validate)
    fit(teacher, stage, directory, resume=run.resume, report=run.report)


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
        content = read_checked(path, FORMAT, VERSION)
        for name, value in _surroundings(modality, run).items():
            if content.get(name) != value:
                raise BadInput(
                    f"this teacher was trained with another {name.replace('_', ' ')}",
                    place=str(path),
                    remedy="train teachers of the same data set, frames and modalities, or leave --teacher out",
                )
        try:
            teacher = _build(TeacherConfig(**content["config"]), run.fit_clips.skeleton)
            teacher.load_state_dict(content["state"])
        except (KeyError, TypeError, RuntimeError) as error:
            problem = f"damaged teacher ({str(error).splitlines()[0]})"
            raise BadInput(problem, place=str(path), remedy="train it again") from error
        teachers.append(teacher.eval())
    return Ensemble(teachers)


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


def describe(ensemble: Ensemble, clips: Clips, run: Run) -> dict:
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


@dataclass(frozen=True)
class Lessons:
    """What the teachers say of each training clip, un-augmented: `logits` (N, classes), `features` (N, V, C) float16.

    The features are memory-mapped files: for large data sets they are gigabytes.
    """

    logits: Tensor
    features: list[np.ndarray]

    @property
    def widths(self) -> list[int]:
        """Channels per depth."""
        return [array.shape[2] for array in self.features]

    def of(self, batch: Batch, *, with_features: bool) -> Targets:
        """The targets of a batch of sequences; features are those of the clip that fills most of each."""
        here = batch.labels.device
        rows = torch.arange(len(batch.index))
        longest = batch.index.mode(dim=1).values
        shown = batch.index == longest[:, None]
        labels = batch.labels.cpu()[rows, shown.int().argmax(1)]
        arrays = self.features if with_features else []
        features = [torch.from_numpy(array[longest.numpy()].astype(np.float32)).transpose(0, 1) for array in arrays]
        return Targets(
            self.logits[batch.index].to(here), [f.contiguous().to(here) for f in features],
            shown.float().to(here), labels.to(here),
        )  # fmt: skip


@torch.no_grad()
def prepare_lessons(ensemble: Ensemble, run: Run) -> Lessons:
    """Run the teachers once over the training clips; the features lie in DIR/teachers."""
    directory = run.directory / "teachers"
    directory.mkdir(exist_ok=True)
    if is_first_rank():
        _write_lessons(ensemble.eval(), run, directory)
    wait_for_all()
    features = [np.load(path, mmap_mode="r") for path in _feature_paths(ensemble, directory)]
    return Lessons(torch.from_numpy(np.load(directory / "logits.npy")), features)


def _write_lessons(ensemble: Ensemble, run: Run, directory: Path) -> None:
    clips, logits, files = run.fit_clips, [], []
    for batch in evaluation_batches(clips, run.scaling, run.preset.frames, batch=16):
        answer, features = ensemble(batch.frames.to(device()))
        logits.append(answer.cpu())
        if not files:
            files = [
                np.lib.format.open_memmap(path, "w+", np.float16, (len(clips), len(f), f.shape[2]))
                for path, f in zip(_feature_paths(ensemble, directory), features)
            ]
        for file, f in zip(files, features):
            file[batch.index.numpy()] = f.transpose(0, 1).cpu().numpy()
    for file in files:
        file.flush()
    np.save(directory / "logits.npy", torch.cat(logits).numpy())


def _feature_paths(ensemble: Ensemble, directory: Path) -> list[Path]:
    depths = ensemble.teachers[0].config.feature_layers
    return [directory / f"features-{d}.npy" for d in range(len(depths))]
