"""On a GPU: its kernels, its students and its training against the CPU's. `make test-cuda`, where there is one."""

import copy
from dataclasses import replace

import pytest
import torch

from mksgn_neuro.models.store import load_model
from tests.students import GROUPED, firing_student, random_frames
from tests.training.runs import SMALLEST, same_weights, trained

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")]


def test_kernels_equal_the_cpus():
    from tests.nn.kernels.kernel_checks import check

    check("cuda")


@pytest.mark.parametrize("fusion", [{}, GROUPED], ids=["early", "late"])
@pytest.mark.parametrize("attention", ["none", "gated", "spike-driven"])
def test_spikes_of_an_integer_student_are_the_cpus(attention, fusion):
    student, frames = firing_student(24, attention=attention, **fusion), random_frames(7, 5, 24)
    with torch.no_grad():
        expected, found = student(frames), copy.deepcopy(student).cuda()(frames.cuda())
    assert expected.spikes["readout"].any()
    for name, spikes in expected.spikes.items():
        assert torch.equal(found.spikes[name].cpu(), spikes), name


@pytest.mark.parametrize("fusion", [{}, GROUPED], ids=["early", "late"])
@pytest.mark.parametrize("attention", ["gated", "spike-driven"])
def test_gradients_of_an_integer_student_are_the_cpus(attention, fusion):
    student, frames = firing_student(24, attention=attention, **fusion), random_frames(7, 5, 24)
    gradients = [gradients_of(copy.deepcopy(student).to(device), frames.to(device)) for device in ("cpu", "cuda")]
    for name, expected in gradients[0].items():
        assert (gradients[1][name].cpu() - expected).norm() <= 1e-4 * expected.norm(), name


def gradients_of(student, frames):
    student(frames).counts.pow(2).mean().backward()
    return {name: p.grad for name, p in student.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("teachers", [True, False])
def test_a_run_writes_a_model_that_computes_the_same_on_the_cpu(tmp_path, teachers):
    changes = {} if teachers else {"soft_label_weight": 0.0, "feature_weight": 0.0, "synop_regularisation": 1.0}
    model = trained(tmp_path, replace(SMALLEST, **changes))
    assert model.training["test"]["integer"]["offline"]["accuracy"]["standard"] > 0
    assert same_weights(load_model(tmp_path / "model.pt"), model)


def test_the_same_run_gives_the_same_weights(tmp_path):
    preset = replace(SMALLEST, soft_label_weight=0.0, feature_weight=0.0)
    assert same_weights(*(trained(tmp_path / str(n), preset) for n in range(2)))
