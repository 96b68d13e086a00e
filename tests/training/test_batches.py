"""Batches follow from seed, stage and epoch alone, and the ranks of a distributed run share them out."""

import numpy as np
import torch

from mksgn_neuro.data.augment import Augmentation
from mksgn_neuro.data.frames import encode, fit_scaling, resample
from mksgn_neuro.training.batches import evaluation_batches, training_batches
from tests.training.runs import few_clips

FRAMES, BATCH = 10, 6


def epoch_of(**changes):
    clips = few_clips()
    fields = {"seed": 1, "stage": "float", "epoch": 2} | changes
    return list(training_batches(clips, fit_scaling(clips, FRAMES), FRAMES, Augmentation(), BATCH, **fields))


def equal(a, b) -> bool:
    return all(torch.equal(x.frames, y.frames) and torch.equal(x.index, y.index) for x, y in zip(a, b, strict=True))


def test_seed_stage_and_epoch_decide():
    reference = epoch_of()
    assert equal(reference, epoch_of())
    for change in ({"seed": 2}, {"stage": "integer"}, {"epoch": 3}):
        assert not equal(reference, epoch_of(**change)), change


def test_an_epoch_shows_each_clip_once_with_its_label():
    clips, batches = few_clips(), epoch_of()
    index = torch.cat([batch.index for batch in batches])
    assert sorted(index.tolist()) == list(range(60))
    assert np.array_equal(torch.cat([batch.labels for batch in batches]), clips.labels[index])
    frames = torch.cat([batch.frames for batch in batches])
    assert frames.shape == (60, FRAMES, 4, 20, 3) and frames.dtype == torch.float32
    assert torch.equal(frames, frames.round()) and frames.min() >= -128 and frames.max() <= 127


def test_ranks_share_every_batch():
    alone, shares = epoch_of(), [epoch_of(rank=rank, world=4) for rank in range(4)]
    for whole, *parts in zip(alone, *shares):
        assert [len(part.labels) for part in parts] == [2, 2, 1, 1]
        for rank, part in enumerate(parts):
            assert torch.equal(part.frames, whole.frames[rank::4]) and torch.equal(part.index, whole.index[rank::4])


def test_evaluation_shows_every_clip_in_order_as_it_is():
    clips = few_clips()
    scaling = fit_scaling(clips, FRAMES)
    batches = list(evaluation_batches(clips, scaling, FRAMES, batch=16))
    assert torch.cat([batch.index for batch in batches]).tolist() == list(range(60))
    alone = encode(resample(clips[17], FRAMES), scaling, clips.skeleton)
    assert np.array_equal(batches[1].frames[1], alone)
