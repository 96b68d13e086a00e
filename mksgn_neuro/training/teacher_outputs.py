"""What teachers say of the clips that a student sees: once of each as it was recorded, or of every variation of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mksgn_neuro.data.frames import Scaling, encode_batch, resample_batch
from mksgn_neuro.data.mapped import let_go, rows_of
from mksgn_neuro.data.skeleton import Skeleton
from mksgn_neuro.models.distill import Targets
from mksgn_neuro.models.teacher import Ensemble
from mksgn_neuro.processes.together import is_first
from mksgn_neuro.training.batches import Batch, evaluation_batches
from mksgn_neuro.training.collective import device, wait_for_all
from mksgn_neuro.training.run import Run

ENOUGH = 0.5  # of a clip must be in a sequence for teachers to be asked about what is seen of it


@dataclass(frozen=True)
class RecordedTeacherOutputs:
    """What the teachers say of each training clip, un-augmented: `logits` (N, classes) float32, `features` (N, V, C)
    float16, all of them memory-mapped files: for large data sets they are gigabytes.
    """

    logits: np.ndarray
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
        features = [
            torch.from_numpy(rows_of(array, longest.numpy()).astype(np.float32)).transpose(0, 1) for array in arrays
        ]
        logits = torch.from_numpy(rows_of(self.logits, batch.index.numpy()))
        return Targets(
            logits.to(here), [f.contiguous().to(here) for f in features],
            shown.float().to(here), labels.to(here),
        )  # fmt: skip


@dataclass(frozen=True)
class AugmentedTeacherOutputs:
    """Teachers that see what the student sees: each clip of a sequence as it was varied, brought to `frames` frames.

    Of a clip that is cut off before it is ENOUGH, `logits` (N, classes), of clips as they were recorded, speak instead.
    """

    ensemble: Ensemble
    logits: np.ndarray
    scaling: Scaling
    skeleton: Skeleton
    frames: int

    @property
    def widths(self) -> list[int]:
        """Channels per depth."""
        configs = [teacher.config for teacher in self.ensemble.teachers]
        return [sum(c.channels[layer] for c in configs) for layer in configs[0].feature_layers]

    @torch.no_grad()
    def of(self, batch: Batch, *, with_features: bool) -> Targets:
        """The targets of a batch of sequences; features are those of the clip that fills most of each."""
        positions, since, length = batch.played.positions, batch.played.since, batch.played.length
        here = positions.device
        begins = np.flatnonzero(since == 0)  # clips follow each other; a row begins with one
        count = np.diff(begins, append=since.size)
        played = np.minimum(count, length.ravel()[begins])
        starts, lengths = (torch.from_numpy(array).to(here) for array in (begins, played))
        clips = resample_batch(positions.flatten(0, 1), starts, lengths, self.frames, self.skeleton.bodies)
        logits, features = self.ensemble(encode_batch(clips, self.scaling, self.skeleton))
        enough = torch.from_numpy(played >= ENOUGH * length.ravel()[begins]).to(here)
        recorded = torch.from_numpy(rows_of(self.logits, batch.index.flatten()[begins].numpy())).to(here)
        logits = torch.where(enough[:, None], logits, recorded)
        clip = (np.cumsum(since == 0) - 1).reshape(since.shape)
        longest = np.array([row[0] + np.bincount(row - row[0]).argmax() for row in clip])
        shown = torch.from_numpy(clip == longest[:, None]).to(here)
        chosen = torch.from_numpy(longest).to(here)
        features = [f[:, chosen].contiguous() for f in features] if with_features else []
        labels = batch.labels.flatten()[starts[chosen]]
        return Targets(logits[torch.from_numpy(clip).to(here)], features, shown.float(), labels)


TeacherOutputs = RecordedTeacherOutputs | AugmentedTeacherOutputs


@torch.no_grad()
def prepare_teacher_outputs(ensemble: Ensemble, run: Run) -> TeacherOutputs:
    """Run the teachers once over the training clips; what they say lies in DIR/teachers.

    Features are not written where teachers are asked again for every variation.
    """
    directory, again = run.directory / "teachers", run.preset.teach_augmented
    directory.mkdir(exist_ok=True)
    if is_first():
        _write_lessons(ensemble.eval(), run, directory, with_features=not again)
    wait_for_all()
    if again:
        skeleton = run.fit_clips.skeleton
        return AugmentedTeacherOutputs(ensemble.eval(), _logits(directory), run.scaling, skeleton, run.preset.frames)
    features = [np.load(path, mmap_mode="r") for path in _feature_paths(ensemble, directory)]
    return RecordedTeacherOutputs(_logits(directory), features)


def _logits(directory: Path) -> np.ndarray:
    return np.load(directory / "logits.npy", mmap_mode="r")


def _write_lessons(ensemble: Ensemble, run: Run, directory: Path, *, with_features: bool) -> None:
    clips, files = run.fit_clips, []
    logits = np.lib.format.open_memmap(directory / "logits.npy", "w+", np.float32, (len(clips), run.classes))
    for batch in evaluation_batches(clips, run.scaling, run.preset.frames, batch=16):
        answer, features = ensemble(batch.frames.to(device()))
        logits[batch.index.numpy()] = answer.cpu().numpy()
        if with_features and not files:
            files = [
                np.lib.format.open_memmap(path, "w+", np.float16, (len(clips), len(f), f.shape[2]))
                for path, f in zip(_feature_paths(ensemble, directory), features)
            ]
        for file, f in zip(files, features):
            file[batch.index.numpy()] = f.transpose(0, 1).cpu().numpy()
            let_go(file)
    for file in (logits, *files):
        file.flush()


def _feature_paths(ensemble: Ensemble, directory: Path) -> list[Path]:
    depths = ensemble.teachers[0].config.feature_layers
    return [directory / f"features-{d}.npy" for d in range(len(depths))]
