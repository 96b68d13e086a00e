"""What teachers say of a batch: of clips as recorded, or of each clip as the student sees it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from mksgn_neuro.data.augment import NO_VARIATION, Augmentation
from mksgn_neuro.data.frames import encode_batch, fit_scaling, resample
from mksgn_neuro.data.skeleton import partitions
from mksgn_neuro.models.teacher import Ensemble, Teacher, TeacherConfig
from mksgn_neuro.training.batches import Sequences, sequence_batches
from mksgn_neuro.training.teacher_outputs import ENOUGH, AugmentedTeacherOutputs
from tests.training.runs import SMALLEST, few_clips, trained

FRAMES = 12
SHAPE = Sequences(rows=3, frames=70, rate=30.0, warm_up=5)


def outputs_and_batch(variation: Augmentation):
    clips = few_clips()
    torch.manual_seed(0)
    scaling, graph = fit_scaling(clips, 30.0), torch.from_numpy(partitions(clips.skeleton, 2))
    config = TeacherConfig(len(clips.class_names), SMALLEST.teacher_channels)
    ensemble = Ensemble([Teacher(config, graph) for _ in scaling.modalities]).eval()
    logits = torch.randn(len(clips), len(clips.class_names)).numpy()
    teacher_outputs = AugmentedTeacherOutputs(ensemble, logits, scaling, clips.skeleton, FRAMES)
    batch = next(sequence_batches(clips, scaling, SHAPE, variation, seed=0, stage="float", epoch=0))
    return teacher_outputs, batch


@pytest.mark.parametrize("variation", [Augmentation(), NO_VARIATION, Augmentation(mirror=0.5, hold=1.0, stretched=1.0)])
def test_teachers_answer_about_the_frames_that_the_student_sees_of_each_clip(variation):
    teacher_outputs, batch = outputs_and_batch(variation)
    targets, played = teacher_outputs.of(batch, with_features=True), batch.played
    asked = 0
    for row in range(SHAPE.rows):
        starts = [*np.flatnonzero(played.since[row] == 0), SHAPE.frames]
        longest = max(range(len(starts) - 1), key=lambda k: starts[k + 1] - starts[k])
        for k, (a, b) in enumerate(pairwise(starts)):
            length = int(played.length[row, a])
            if min(b - a, length) >= ENOUGH * length:
                seen = resample(played.positions[row, a : min(b, a + length)].numpy(), FRAMES)
                frames = encode_batch(torch.from_numpy(seen)[None], teacher_outputs.scaling, teacher_outputs.skeleton)
                logits, features = teacher_outputs.ensemble(frames)
                asked += 1
            else:
                logits, features = torch.from_numpy(teacher_outputs.logits[batch.index[row, a]])[None], None
            assert torch.allclose(targets.logits[row, a:b], logits.expand(b - a, -1), atol=1e-4)
            if k == longest:
                assert torch.equal(
                    targets.shown[row], ((torch.arange(SHAPE.frames) >= a) & (torch.arange(SHAPE.frames) < b)).float()
                )
                assert targets.labels[row] == batch.labels[row, a]
                for found, expected in zip(targets.features, features or []):
                    assert torch.allclose(found[:, row], expected[:, 0], atol=1e-4)
    assert asked >= SHAPE.rows
    assert [f.shape[2] for f in targets.features] == teacher_outputs.widths
    assert teacher_outputs.of(batch, with_features=False).features == []


def test_a_run_learns_from_teachers_that_see_its_variations(tmp_path):
    preset = replace(SMALLEST, teach_augmented=True, epochs=1, integer_epochs=1)
    model = trained(tmp_path, preset)
    assert model.training["teacher"]["macs_per_clip"] > 0
    assert not list((tmp_path / "teachers").glob("features-*.npy"))
