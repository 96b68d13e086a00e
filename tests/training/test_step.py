"""One step on the CPU: what it returns, and that a checkpoint of a GPU's run is gone on with here."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mksgn_neuro.training.batches import Batch
from mksgn_neuro.training.step import make_optimizer, restore, set_rate, training_step


def linear_and_batch():
    torch.manual_seed(0)
    frames, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    return nn.Linear(4, 3), Batch(frames, labels, torch.arange(6))


def loss(module, batch):
    scores = module(batch.frames)
    return F.cross_entropy(scores, batch.labels), (scores.argmax(1) == batch.labels).sum()


def test_a_step_returns_sums_over_its_clips_and_learns():
    module, batch = linear_and_batch()
    mean, right = loss(module, batch)
    optimizer = make_optimizer(module, 0.0)
    set_rate(optimizer, 0.1)
    step = training_step(module, optimizer, loss)
    total, correct, clips = step(batch).tolist()
    assert abs(total - 6 * float(mean)) < 1e-5 and (correct, clips) == (int(right), 6)
    assert loss(module, batch)[0] < mean


def test_only_matrices_decay():
    optimizer = make_optimizer(nn.Linear(4, 3), 0.3)
    assert [(group["weight_decay"], group["params"][0].ndim) for group in optimizer.param_groups] == [
        (0.3, 2),
        (0.0, 1),
    ]


def test_a_checkpoint_of_a_gpus_run_is_gone_on_with_on_the_cpu():
    module, batch = linear_and_batch()
    optimizer = make_optimizer(module, 0.3)
    set_rate(optimizer, 0.1)
    training_step(module, optimizer, loss)(batch)
    state = optimizer.state_dict()
    for group in state["param_groups"]:
        group |= {"lr": torch.tensor(0.1), "fused": True, "capturable": True}
    other = make_optimizer(module, 0.3)
    restore(other, state)
    set_rate(other, 0.05)
    training_step(module, other, loss)(batch)
    for group in other.param_groups:
        assert (group["lr"], group["fused"], group["capturable"]) == (0.05, None, False)
    assert all(float(moments["step"]) == 2 for moments in other.state_dict()["state"].values())


@pytest.mark.parametrize(
    ("name", "value"), [("step", 0.0), ("step", -1.0), ("exp_avg_sq", -1.0), ("exp_avg", math.nan)]
)
def test_moments_that_no_step_can_have_left_are_refused(name, value):
    module, batch = linear_and_batch()
    optimizer = make_optimizer(module, 0.3)
    training_step(module, optimizer, loss)(batch)
    state = optimizer.state_dict()
    state["state"][0][name].fill_(value)
    with pytest.raises(ValueError, match="optimizer's state"):
        restore(make_optimizer(module, 0.3), state)
