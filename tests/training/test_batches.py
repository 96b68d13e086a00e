"""Batches follow from seed, stage and epoch alone, and the ranks of a distributed run share them out."""

import numpy as np
import pytest
import torch

from mksgn_neuro.data.augment import NO_VARIATION, Augmentation
from mksgn_neuro.data.frames import encode, fit_scaling, resample
from mksgn_neuro.training.batches import (
    Sequences,
    batches_per_epoch,
    clip_batches,
    evaluation_batches,
    sequence_batches,
)
from tests.training.runs import few_clips

FRAMES, BATCH = 10, 6
SHAPE = Sequences(rows=6, frames=32, rate=30.0, warm_up=5)


def clips_of(**changes):
    clips = few_clips()
    fields = {"seed": 1, "stage": "float", "epoch": 2} | changes
    return list(clip_batches(clips, fit_scaling(clips, 30.0), FRAMES, Augmentation(), BATCH, **fields))


def sequences_of(variation=None, **changes):
    clips = few_clips()
    fields = {"seed": 1, "stage": "float", "epoch": 2} | changes
    return list(sequence_batches(clips, fit_scaling(clips, 30.0), SHAPE, variation or Augmentation(), **fields))


def equal(a, b) -> bool:
    return all(torch.equal(x.frames, y.frames) and torch.equal(x.index, y.index) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("epoch_of", [clips_of, sequences_of])
def test_seed_stage_and_epoch_decide(epoch_of):
    reference = epoch_of()
    assert equal(reference, epoch_of())
    for change in ({"seed": 2}, {"stage": "integer"}, {"epoch": 3}):
        assert not equal(reference, epoch_of(**change)), change


def test_an_epoch_shows_each_clip_once_with_its_label():
    clips, batches = few_clips(), clips_of()
    index = torch.cat([batch.index for batch in batches])
    assert sorted(index.tolist()) == list(range(60))
    assert np.array_equal(torch.cat([batch.labels for batch in batches]), clips.labels[index])
    frames = torch.cat([batch.frames for batch in batches])
    assert frames.shape == (60, FRAMES, 4, 20, 3) and frames.dtype == torch.float32
    assert torch.equal(frames, frames.round()) and frames.min() >= -128 and frames.max() <= 127


def test_sequences_have_a_label_and_a_weight_for_every_frame():
    clips, batches = few_clips(), sequences_of()
    assert len(batches) == batches_per_epoch(clips, SHAPE)
    for batch in batches:
        assert batch.frames.shape == (6, 32, 4, 20, 3) and batch.weight.shape == batch.labels.shape == (6, 32)
        assert np.array_equal(batch.labels, clips.labels[batch.index])
        assert (batch.weight[:, :4] == 0).all() and batch.weight.min() >= 0 and batch.weight.max() <= 1


def test_a_frame_counts_by_how_much_of_its_clip_was_seen():
    clips, batch = few_clips(), sequences_of(NO_VARIATION)[0]
    clip, seen = int(batch.index[0, 0]), int((batch.index[0] == batch.index[0, 0]).sum())
    frames = np.arange(1, seen + 1)
    expected = np.where(frames > SHAPE.warm_up, frames / clips.lengths[clip], 0)
    assert np.allclose(batch.weight[0, :seen], expected) and torch.equal(batch.weight, batch.clip_weight)


def test_a_held_pose_counts_where_the_beginning_is_known_only():
    hold = Augmentation(crop=1, tempo=1, stretched=0, hold=1, hold_until=200)
    shape = Sequences(rows=40, frames=200, rate=30.0, warm_up=5)
    clips = few_clips()
    batch = next(sequence_batches(clips, fit_scaling(clips, 30.0), shape, hold, seed=0, stage="float", epoch=0))
    held = batch.since >= torch.from_numpy(clips.lengths)[batch.index]
    assert held.any() and (batch.weight[held] == 0).all() and (batch.clip_weight[held] == 1).all()


@pytest.mark.parametrize("epoch_of", [clips_of, sequences_of])
def test_ranks_share_every_batch(epoch_of):
    alone, shares = epoch_of(), [epoch_of(rank=rank, world=4) for rank in range(4)]
    for whole, *parts in zip(alone, *shares):
        assert [len(part.labels) for part in parts] == [2, 2, 1, 1]
        for rank, part in enumerate(parts):
            assert torch.equal(part.frames, whole.frames[rank::4]) and torch.equal(part.index, whole.index[rank::4])
            assert whole.weight is None or torch.equal(part.weight, whole.weight[rank::4])


def test_evaluation_shows_every_clip_in_order_as_it_is():
    clips = few_clips()
    scaling = fit_scaling(clips, 30.0)
    batches = list(evaluation_batches(clips, scaling, FRAMES, batch=16))
    assert torch.cat([batch.index for batch in batches]).tolist() == list(range(60))
    alone = encode(resample(clips[17], FRAMES), scaling, clips.skeleton)
    assert np.array_equal(batches[1].frames[1], alone)
