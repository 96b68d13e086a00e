"""Both distillation losses: closed forms, what is drawn to what, and that drawing works."""

import math

import pytest
import torch

from mksgn_neuro.models.distill import Distilled, FeatureTranslation, Targets, soft_label_loss
from mksgn_neuro.models.student import MKSGN
from tests.students import partitions, random_frames, small_config

LABELS = torch.tensor([0, 1, 2, 0])


def test_soft_labels_are_temperature_squared_times_the_divergence():
    student, teacher, tau = torch.tensor([[0.0, 0.0]]), torch.tensor([[2.0, 0.0]]), 2.0
    p = math.exp(1) / (math.exp(1) + 1)
    divergence = p * math.log(p / 0.5) + (1 - p) * math.log((1 - p) / 0.5)
    one = torch.ones(1)
    assert soft_label_loss(student, teacher, tau, one).item() == pytest.approx(tau**2 * divergence, rel=1e-5)
    assert soft_label_loss(teacher + 3, teacher, tau, one).item() == pytest.approx(0, abs=1e-6)
    both, share = torch.cat([student, teacher]), torch.tensor([0.25, 0.75])
    weighted = soft_label_loss(both, teacher.expand(2, 2), tau, share).item()
    assert weighted == pytest.approx(0.25 * tau**2 * divergence, rel=1e-5)


def test_translation_gives_rates_of_four_steps():
    torch.manual_seed(0)
    rates = FeatureTranslation(7, 6, 3)(torch.randn(5, 4, 7).relu())
    assert rates.shape == (5, 4, 6)
    assert set(rates.unique().tolist()) <= {0.0, 0.25, 0.5, 0.75, 1.0} and len(rates.unique()) > 2


def distilled() -> tuple[Distilled, Targets]:
    torch.manual_seed(0)
    module = Distilled(MKSGN(small_config(channels=(8,) * 6, dilations=(1,) * 6), partitions()), [4, 6, 8])
    features = [torch.randn(5, 4, width).relu() for width in (4, 6, 8)]
    shown = torch.zeros(4, 8)
    shown[:, 2:7] = 1
    return module, Targets(torch.randn(4, 8, 3), features, shown, LABELS)


def test_depths_are_matched_evenly_and_both_sides_learn():
    module, targets = distilled()
    assert module.matched == [2, 4, 6]
    activity = module.student(random_frames(0, 4, 8))
    module.feature_loss(activity, targets).backward()
    assert module.student.encode.synapses["input"].weight.grad.abs().sum() > 0
    for translation in module.translations:
        assert translation.spiking.synapses["teacher"].weight.grad.abs().sum() > 0


def test_only_frames_that_show_the_clip_are_drawn_to_its_features():
    module, targets = distilled()
    frames, others = random_frames(0, 4, 8), random_frames(0, 4, 8)
    others[:, 7] = 0  # the last frame, of another clip: nothing before it can change
    losses = [float(module.feature_loss(module.student(x), targets)) for x in (frames, others)]
    assert module.student.eval() and losses[0] != losses[1]  # batch norm of training sees every frame
    losses = [float(module.feature_loss(module.student(x), targets)) for x in (frames, others)]
    assert losses[0] == losses[1]


def test_training_on_features_alone_draws_the_student_to_them():
    module, targets = distilled()
    for translation in module.translations.eval():
        torch.nn.init.constant_(translation.spiking.beta, -100)  # a silent teacher: any student can follow it
    optimizer = torch.optim.Adam(module.student.parameters(), 0.05)
    frames, rates = random_frames(0, 4, 8), []
    for _ in range(30):
        activity = module.student(frames)
        optimizer.zero_grad()
        module.feature_loss(activity, targets).backward()
        optimizer.step()
        rates.append(float(activity.spikes["b2.temporal"].mean()))
    assert rates[0] > 0.1 and rates[-1] < 0.3 * rates[0]


def test_without_teacher_widths_nothing_is_added():
    student = MKSGN(small_config(), partitions())
    module = Distilled(student, [])
    assert list(module.translations) == []
    assert {p.data_ptr() for p in module.parameters()} == {p.data_ptr() for p in student.parameters()}
