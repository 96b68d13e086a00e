"""What a training run is told: the student's shape, the schedule of each stage, the weights of the losses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from mksgn_neuro.data.augment import Augmentation
from mksgn_neuro.data.protocols import Timing
from mksgn_neuro.data.sequences import rows_per_epoch
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.student import StudentConfig
from mksgn_neuro.nn.population import DECAY_ONE
from mksgn_neuro.training.batches import Sequences

if TYPE_CHECKING:
    from mksgn_neuro.data.clips import Clips

LEAST_RATE = 10.0  # Hz, that `clip_frames` may lead to: in fewer frames fast motion is not seen
WINDOWS = 10, 60  # frames, shortest and longest that it may lead to


@dataclass(frozen=True)
class Schedule:
    """How long one stage trains, at which highest learning rate, on clips varied how."""

    epochs: int
    learning_rate: float
    augmentation: Augmentation


@dataclass(frozen=True)
class Preset:
    """One training run: the student's shape, the schedule of each stage and the weights of the losses.

    Raises BadInput for a rate or penalty that nothing can be learned with.
    """

    channels: tuple[int, ...]
    encoder_channels: int = 8
    heads: int = 8
    query_channels: int = 32
    taps: int = 5
    dilations: tuple[int, ...] = (1, 1, 2, 2, 3, 3)  # with five taps 48 frames before the present one are seen
    readout_copies: int = 4
    graph_radius: int = 1
    v_decay: int = DECAY_ONE  # neurons that keep nothing: what a network remembers is exactly its delays (ir.memory)
    rate: float = 30.0  # Hz, of the frames that the network gets
    window: int = 20  # frames whose class spikes are counted for a decision
    clip_frames: int = 0  # of the median clip at most: slow actions get a slower `rate`; 0: `rate` and `window` stand
    frames: int = 40  # of a stretched clip, which teachers see; a shorter one is held until as many were seen
    batch: int = 16  # clips that a teacher sees at once
    rows: int = 8  # sequences that the student sees at once
    sequence: int = 80  # frames of each
    steps: int = 0  # of the float stage at least, on few clips; 0: `epochs` and `integer_epochs` as they stand
    least_batches: int = 1  # of an epoch, after which the student is validated
    warm_up: int = 8  # frames of a clip before its decisions count
    epochs: int = 40
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    integer_epochs: int = 4
    integer_learning_rate: float = 2e-4
    label_smoothing: float = 0.1
    attention: str = "gated"
    attention_blocks: tuple[int, ...] = ()  # the blocks that attend, from 1; (): all of them
    mutual_information: bool = True
    modalities: tuple[str, ...] = ("joint", "bone", "joint motion", "bone motion")
    branch_modalities: tuple[tuple[str, ...], ...] = ()  # the modalities that each branch takes; (): one branch, all
    synop_regularisation: float = 0.0
    teacher_channels: tuple[int, ...] = (64, 64, 64, 64, 128, 128, 128, 256, 256, 256)
    teacher_epochs: int = 30
    teacher_learning_rate: float = 2e-3
    soft_label_weight: float = 1.0
    temperature: float = 3.0
    feature_weight: float = 0.5
    teach_augmented: bool = False  # ask teachers about every variation of a clip, not once about the recorded one
    gate_penalty: float = 0.0  # of gates that are nearly always or nearly never open
    held_out: float = 0.2  # share of the training subjects; 0: train on all of them and keep the last epoch
    augmentation: Augmentation = field(default_factory=Augmentation)
    integer_augmentation: Augmentation | None = None  # None: as in the float stage
    mirror_sided: bool = False  # mirror clips although their classes' names have sides

    def __post_init__(self) -> None:
        for name in ("learning_rate", "integer_learning_rate", "teacher_learning_rate"):
            if not 0 < getattr(self, name) <= 1:  # false for NaN too
                problem = f"{name.replace('_', ' ')} {getattr(self, name):g}"
                raise BadInput(problem, location="training", hint="give one above 0, at most 1")
        if not 0 <= self.synop_regularisation < math.inf:
            hint = "give 0 or a positive number"
            raise BadInput(
                f"synaptic-operation regularisation {self.synop_regularisation:g}", location="training", hint=hint
            )

    def changed(self, changes: Mapping[str, object]) -> Preset:
        """The same with the changes that are not None; `epochs` then hold for any clips. Raises BadInput."""
        given = {field: value for field, value in changes.items() if value is not None}
        return replace(self, **(({"steps": 0} if "epochs" in given else {}) | given))

    def only(self, modality: str) -> Preset:
        """What is left with one modality: where branches take it, a single one, as wide as each was."""
        if not self.branch_modalities:
            return replace(self, modalities=(modality,))
        branches = len(self.branch_modalities)
        return replace(
            self,
            modalities=(modality,),
            branch_modalities=((modality,),),
            channels=tuple(channels // branches for channels in self.channels),
            heads=max(1, self.heads // branches),
            query_channels=max(1, self.query_channels // branches),
            readout_copies=max(1, self.readout_copies // branches),
        )

    def for_clips(self, clips: Clips) -> Preset:
        """With the frame rate that `clip_frames` asks for on these clips, and the epochs that `steps` ask for.

        The window is two thirds of the median clip. `epochs` are the fewest, however many clips there are; as large a
        share of them as before is in integers. The same where both are 0.
        """
        found = self._in_time_of(clips) if self.clip_frames and clips.train.any() else self
        if not self.steps:
            return found
        epochs = max(self.epochs, math.ceil(self.steps / found.batches(clips)))
        integer = round(self.integer_epochs * epochs / self.epochs)
        return replace(found, steps=0, epochs=epochs, integer_epochs=integer)

    def _in_time_of(self, clips: Clips) -> Preset:
        seconds = float(np.median(clips.lengths[clips.train])) / clips.rate
        every = math.ceil(seconds * self.rate / self.clip_frames)
        rate = self.rate / max(1, min(every, int(self.rate / LEAST_RATE)))
        window = int(np.clip(round(seconds * rate * 2 / 3), *WINDOWS))
        return replace(self, rate=rate, window=window, clip_frames=0)

    def batches(self, clips: Clips) -> int:
        """Of an epoch, about: which clips are held out is not known yet."""
        training = clips.subset(clips.train)
        rows = (1 - self.held_out) * rows_per_epoch(training, self.rate, self.sequence)
        return max(self.least_batches, int(rows) // self.rows, 1)

    @property
    def mirrors(self) -> bool:
        """Whether any stage varies clips by exchanging left and right."""
        return any(varied.mirror > 0 for varied in (self.augmentation, self.integer_augmentation) if varied)

    def mirroring(self, chance: float) -> Preset:
        """The same with left and right exchanged by this chance, in every stage."""
        own, integer = self.augmentation, self.integer_augmentation
        integer = integer and replace(integer, mirror=chance)
        return replace(self, augmentation=replace(own, mirror=chance), integer_augmentation=integer)

    @property
    def timing(self) -> Timing:
        """What the network is to make of time."""
        return Timing(self.rate, self.window, self.frames)

    @property
    def sequences(self) -> Sequences:
        """Shape of a batch."""
        return Sequences(self.rows, self.sequence, self.rate, self.warm_up, self.least_batches)

    @property
    def distils(self) -> bool:
        """Whether anything is learned from teachers."""
        return self.soft_label_weight > 0 or self.feature_weight > 0

    @property
    def teacher_schedule(self) -> Schedule:
        """Each teacher's."""
        return Schedule(self.teacher_epochs, self.teacher_learning_rate, self.augmentation)

    @property
    def float_schedule(self) -> Schedule:
        """The student's in floats."""
        return Schedule(self.epochs, self.learning_rate, self.augmentation)

    @property
    def integer_schedule(self) -> Schedule:
        """The student's in integers."""
        varied = self.integer_augmentation or self.augmentation
        return Schedule(self.integer_epochs, self.integer_learning_rate, varied)

    def student(self, classes: int) -> StudentConfig:
        """The student's shape for a task; raises BadInput for parts that do not go together."""
        try:
            return self._student(classes)
        except ValueError as error:
            raise BadInput(str(error), location="--preset", hint="choose another preset or --attention") from error

    def _student(self, classes: int) -> StudentConfig:
        return StudentConfig(
            classes=classes,
            modalities=len(self.modalities),
            encoder_channels=self.encoder_channels,
            channels=self.channels,
            heads=self.heads,
            query_channels=self.query_channels,
            taps=self.taps,
            dilations=self.dilations,
            readout_copies=self.readout_copies,
            attention=self.attention,
            mutual_information=self.mutual_information,
            branch_modalities=self._branch_modalities(),
            v_decay=self.v_decay,
            attention_blocks=self.attention_blocks,
        )

    def _branch_modalities(self) -> tuple[tuple[int, ...], ...]:
        """As indices; where a modality was taken away, no branch takes it, and branches that took only it are gone."""
        taken = (
            tuple(m for m, name in enumerate(self.modalities) if name in group) for group in self.branch_modalities
        )
        return tuple(branch for branch in taken if branch)
