"""The whole run: files, metrics, teachers reused or skipped, and a killed run that ends as if it had not been."""

import itertools
import json
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.distill import Distilled
from mksgn_neuro.models.store import load_model
from mksgn_neuro.models.student import MKSGN
from mksgn_neuro.training.batches import Batch
from mksgn_neuro.training.cost import synapse_shares
from mksgn_neuro.training.loss import LOGIT_SCALE, student_loss, useless_gates, windowed_rates
from tests.students import GROUPED, partitions, random_frames, small_config
from tests.training.runs import SMALLEST, WITHOUT_TEACHER, same_weights, trained


class Killed(Exception):
    """Stands for a kill."""


def killer(stage: str, epoch: int, step: int):
    def report(kind, record):
        if kind == "step" and (record["stage"], record["epoch"], record["step"]) == (stage, epoch, step):
            raise Killed

    return report


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run and its folder."""
    directory = tmp_path_factory.mktemp("whole")
    return trained(directory), directory


def test_files_and_metrics(whole):
    model, directory = whole
    assert same_weights(load_model(directory / "model.pt"), model)
    assert not list(directory.rglob("*.tmp"))
    metrics = json.loads((directory / "metrics.json").read_text())
    stages = [(record["stage"], record["epoch"]) for record in metrics["history"]]
    teachers = [(f"teacher-{m}", 0) for m in ("joint", "bone", "joint-motion", "bone-motion")]
    assert stages == [*teachers, ("float", 0), ("float", 1), ("integer", 0), ("integer", 1)]
    assert {"loss", "accuracy", "validation_accuracy", "seconds", "learning_rate"} <= metrics["history"][-1].keys()
    assert 0 < metrics["history"][-1]["validation_rates"]["b1.graph"] < 1
    assert metrics["teacher"]["macs_per_clip"] > 0 and metrics["held_out"].keys() >= {"float", "integer"}
    assert metrics["test"]["integer"].keys() == {"offline", "clip", "continuous"}
    assert model.training["teacher"] == metrics["teacher"]
    assert all(population.is_integer for population in model.student.populations().values())


@pytest.mark.parametrize(
    ("stage", "epoch", "step"),
    [("teacher-bone", 0, 1), ("float", 0, 1), ("float", 1, 2), ("integer", 0, 1), ("integer", 1, 2)],
)
def test_a_killed_run_resumes_to_the_same_weights(whole, tmp_path, stage, epoch, step):
    expected, directory = whole
    with pytest.raises(Killed):
        trained(tmp_path, report=killer(stage, epoch, step))
    assert same_weights(trained(tmp_path, resume=True), expected)
    histories = [json.loads((d / "metrics.json").read_text())["history"] for d in (directory, tmp_path)]
    without_time = [[{k: v for k, v in r.items() if k != "seconds"} for r in history] for history in histories]
    assert without_time[0] == without_time[1]


def test_resuming_a_finished_run_changes_nothing(whole):
    expected, directory = whole
    assert same_weights(trained(directory, resume=True), expected)


def test_another_seed_gives_other_weights(whole, tmp_path):
    assert not same_weights(trained(tmp_path, seed=6), whole[0])


@pytest.mark.parametrize("change", [{"learning_rate": 1e-3}, {"epochs": 3}])
def test_resuming_with_other_options_is_refused(whole, tmp_path, change):
    with pytest.raises(Killed):
        trained(tmp_path, WITHOUT_TEACHER, report=killer("float", 1, 1))
    with pytest.raises(BadInput, match=r"float\.checkpoint\.pt"):
        trained(tmp_path, replace(WITHOUT_TEACHER, **change), resume=True)


def test_a_run_that_is_not_resumed_forgets_old_checkpoints(tmp_path):
    with pytest.raises(Killed):
        trained(tmp_path, WITHOUT_TEACHER, report=killer("float", 1, 1))
    fresh = trained(tmp_path, replace(WITHOUT_TEACHER, learning_rate=1e-3))
    elsewhere = trained(tmp_path / "elsewhere", replace(WITHOUT_TEACHER, learning_rate=1e-3))
    assert same_weights(fresh, elsewhere)


def test_teachers_are_reused(whole, tmp_path):
    seen = []
    model = trained(tmp_path, teacher=whole[1] / "teachers", report=lambda kind, record: seen.append(record["stage"]))
    assert same_weights(model, whole[0]) and set(seen) == {"float", "integer"}


def test_without_distillation_no_teacher_is_trained(whole, tmp_path):
    model = trained(tmp_path, WITHOUT_TEACHER)
    assert "teacher" not in model.training and not (tmp_path / "teachers").exists()
    assert not same_weights(model, whole[0])


@pytest.mark.parametrize("change", [{"soft_label_weight": 0.0}, {"feature_weight": 0.0}])
def test_each_distillation_loss_changes_what_is_learned(whole, tmp_path, change):
    model = trained(tmp_path, replace(SMALLEST, **change), teacher=whole[1] / "teachers")
    assert not same_weights(model, whole[0])


def test_teachers_of_another_input_are_refused(whole, tmp_path):
    with pytest.raises(BadInput, match=r"joint\.pt.*another number of frames"):
        trained(tmp_path, replace(SMALLEST, frames=12), teacher=whole[1] / "teachers")
    with pytest.raises(BadInput, match=r"joint\.pt.*another held out subjects"):
        trained(tmp_path, seed=7, teacher=whole[1] / "teachers")
    with pytest.raises(BadInput, match="no such file"):
        trained(tmp_path, teacher=tmp_path / "nowhere")


def test_a_damaged_teacher_is_refused(whole, tmp_path):
    folder = tmp_path / "teachers"
    folder.mkdir()
    for path in (whole[1] / "teachers").glob("*.pt"):
        if "checkpoint" not in path.name:
            (folder / path.name).write_bytes(path.read_bytes())
    content = torch.load(folder / "bone.pt", weights_only=True)
    torch.save(content | {"state": {}}, folder / "bone.pt")
    with pytest.raises(BadInput, match=r"bone\.pt: damaged"):
        trained(tmp_path / "run", teacher=folder)


def sequences() -> Batch:
    """Four sequences of eight frames, the second half of two of them of another clip."""
    labels = torch.tensor([[0] * 8, [1] * 8, [2] * 4 + [0] * 4, [0] * 4 + [1] * 4])
    since = torch.tensor([list(range(8))] * 2 + [[0, 1, 2, 3] * 2] * 2)
    weights = torch.rand((2, 4, 8), generator=torch.Generator().manual_seed(1))
    return Batch(random_frames(0, 4, 8), labels, torch.zeros_like(labels), since, *weights)


def test_the_rate_penalty_is_its_weight_times_the_share_of_synaptic_operations_done():
    torch.manual_seed(0)
    module, batch = Distilled(MKSGN(small_config(), partitions()), []), sequences()
    free, right = student_loss(module, batch, WITHOUT_TEACHER)
    shares = synapse_shares(module.student)
    paid, still_right = student_loss(module, batch, replace(WITHOUT_TEACHER, synop_regularisation=7.0), shares=shares)
    spikes = module.student(batch.frames).spikes
    done = sum(share * float(spikes[name].mean()) for name, share in shares.items())
    assert right == still_right
    assert float(paid - free) == pytest.approx(7 * done, rel=1e-4)


def test_every_group_learns_each_frames_decision_as_if_it_voted_alone():
    torch.manual_seed(0)
    module, batch = Distilled(MKSGN(small_config(**GROUPED), partitions()), []), sequences()
    loss, _ = student_loss(module, batch, replace(WITHOUT_TEACHER, window=3))
    spikes = module.student(batch.frames).class_spikes
    expected = 0.0
    for weight, window in ((batch.weight, 3), (batch.clip_weight, None)):
        for b, t in itertools.product(range(4), range(8)):
            first = t - int(batch.since[b, t]) if window is None else max(0, t + 1 - window)
            rates = spikes[first : t + 1, b].mean(0)
            share = float(weight[b, t] / weight.sum()) / 2 / 4  # two kinds of evidence, four groups
            for class_scores in module.student.class_scores(rates):
                expected += share * float(
                    cross_entropy(LOGIT_SCALE * class_scores, batch.labels[b, t], label_smoothing=0.1)
                )
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("window", [1, 3, 8, 20])
def test_windowed_rates_are_means_of_the_last_frames(window):
    spikes = torch.randint(0, 2, (8, 2, 3), generator=torch.Generator().manual_seed(0)).float()
    expected = torch.stack([spikes[max(0, t + 1 - window) : t + 1].mean(0) for t in range(8)])
    assert torch.allclose(windowed_rates(spikes, window), expected)


def test_single_modality_and_ssa_run_through(tmp_path):
    model = trained(tmp_path / "one", replace(WITHOUT_TEACHER, modalities=("bone",)))
    assert model.scaling.modalities == ("bone",) and model.student.config.modalities == 1
    trained(tmp_path / "ssa", replace(WITHOUT_TEACHER, attention="ssa", integer_epochs=0))


def test_too_many_processes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("mksgn_neuro.training.train.start", lambda: (0, 9))
    with pytest.raises(BadInput, match="9 processes"):
        trained(tmp_path)


def test_gates_that_are_always_or_never_open_cost_and_their_cost_moves_them():
    torch.manual_seed(0)
    student = MKSGN(small_config(attention="spike-driven"), partitions())
    costs = {}
    for shift in (-9.0, 0.6, 9.0):
        for block in student.blocks:
            block.gate.subthreshold_bias = False
            torch.nn.init.constant_(block.gate.beta, shift)
        costs[shift] = useless_gates(student(random_frames(0, 4, 10)), student)
    assert costs[-9.0].item() == pytest.approx(0.2) and costs[9.0].item() == pytest.approx(0.2)
    assert costs[0.6] < 0.15
    costs[9.0].backward()
    assert all(block.gate.beta.grad.abs().sum() > 0 for block in student.blocks)
    without = MKSGN(small_config(attention="none"), partitions())
    assert useless_gates(without(random_frames(0, 4, 10)), without) == 0
