"""What one training run works on, and how its parts become stages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import Scaling
from mksgn_neuro.models.notes import HELD_OUT, TRAINED_ON
from mksgn_neuro.training.batches import Batch, batches_per_epoch, clip_batches, sequence_batches
from mksgn_neuro.training.collective import device
from mksgn_neuro.training.preset import Preset, Schedule
from mksgn_neuro.training.stage import Report, Stage
from mksgn_neuro.training.step import Loss


@dataclass(frozen=True)
class Run:
    """`fit_clips` to train on, `held_out` training subjects to select on, files in `directory`.

    `findings`: what of the preset was not done with these clips, and why.
    """

    preset: Preset
    fit_clips: Clips
    held_out: Clips
    scaling: Scaling
    directory: Path
    seed: int
    resume: bool
    report: Report
    teacher_id: str = ""
    rank: int = 0
    world: int = 1
    findings: tuple[str, ...] = ()

    @property
    def watched_on(self) -> str:
        """What `held_out` are: HELD_OUT, or TRAINED_ON where nothing is held out."""
        return HELD_OUT if self.preset.held_out else TRAINED_ON

    @property
    def classes(self) -> int:
        """Number of classes of the task."""
        return len(self.fit_clips.class_names)

    def sequence_stage(
        self, name: str, schedule: Schedule, loss: Loss, validate: Callable,
        teach: Callable[[Batch], Batch] | None = None, *, start_counts: bool = False,
    ) -> Stage:  # fmt: skip
        """A student's stage, over sequences of clips; `teach` puts targets into its batches.

        `start_counts`: the state that it begins with takes part in the choice.
        """
        shape = self.preset.sequences

        def batches(epoch: int) -> Iterator[Batch]:
            drawn = sequence_batches(
                self.fit_clips, self.scaling, shape, schedule.augmentation, **self._draw(name, epoch)
            )
            return map(teach, drawn) if teach else drawn

        stage = self._stage(name, schedule, loss, validate, batches, batches_per_epoch(self.fit_clips, shape))
        return replace(stage, start_counts=start_counts)

    def clip_stage(self, name: str, schedule: Schedule, loss: Loss, validate: Callable) -> Stage:
        """A teacher's stage, over whole clips."""
        preset, batch = self.preset, min(self.preset.batch, len(self.fit_clips))

        def batches(epoch: int) -> Iterator[Batch]:
            options = (preset.frames, schedule.augmentation, batch)
            return clip_batches(self.fit_clips, self.scaling, *options, **self._draw(name, epoch))

        return self._stage(name, schedule, loss, validate, batches, len(self.fit_clips) // batch)

    def _draw(self, stage: str, epoch: int) -> dict:
        ranks = {"rank": self.rank, "world": self.world, "device": device()}
        return {"seed": self.seed, "stage": stage, "epoch": epoch, **ranks}

    def _stage(self, name, schedule, loss, validate, batches, steps) -> Stage:  # noqa: ANN001
        """Under such a regularisation its last epoch is kept: the most accurate one tends to have the most spikes."""
        preset = self.preset
        return Stage(
            name, schedule.epochs, schedule.learning_rate, preset.weight_decay, batches, steps, loss, validate,
            self.seed, self.fingerprint(), keep_last=preset.held_out == 0 or preset.synop_regularisation > 0,
        )  # fmt: skip

    def held_out_key(self) -> str:
        """Names the clips that this run selects on."""
        described = repr((self.held_out.dataset, sorted(self.held_out.names), self.watched_on))
        return hashlib.blake2b(described.encode(), digest_size=8).hexdigest()

    def fingerprint(self) -> str:
        """Names preset, clips, seed and teachers: what a resumed run must share with the one that was killed."""
        names = (self.fit_clips.names, self.held_out.names)
        described = repr((self.preset, self.scaling, self.seed, self.fit_clips.dataset, names, self.teacher_id))
        return hashlib.blake2b(described.encode(), digest_size=8).hexdigest()
