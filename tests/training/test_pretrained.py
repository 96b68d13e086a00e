"""A training that begins with another network's weights: the same spikes where all parts are the same."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from mksgn_neuro.data.frames import encode_batch
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.store import build_student, load_model
from mksgn_neuro.training.pretrained import begin_with, scaling_of
from mksgn_neuro.training.train import started_run
from tests.training.runs import WITHOUT_TEACHER, few_clips, silent, trained

# four branches, one of which takes two modalities, so that branches can be left out, exchanged and added
BRANCHED = replace(
    WITHOUT_TEACHER,
    epochs=1,
    integer_epochs=0,
    channels=(8, 8, 8, 12, 12, 12),
    branch_modalities=(("joint",), ("bone",), ("joint motion",), ("joint", "bone")),
    heads=4,
    query_channels=4,
    readout_copies=4,
    attention="spike-driven",
)


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    trained(folder, BRANCHED)
    return load_model(folder / "model.pt")


def begun(folder, given, preset):
    clips = few_clips()
    scaling = scaling_of(given, clips.skeleton, preset.graph_radius, preset.modalities)
    with started_run(clips, preset, folder, seed=5, resume=False, report=silent, scaling=scaling) as (run, _, _):
        torch.manual_seed(1)
        student = build_student(preset.student(run.classes), clips.skeleton, preset.graph_radius)
        return student.eval(), begin_with(student, given, run)


def class_spikes(student, scaling):
    clips = few_clips()
    frames = encode_batch(torch.from_numpy(np.stack([clips[i][:24] for i in range(12)])), scaling, clips.skeleton)
    with torch.no_grad():
        return student(frames).class_spikes


def nearly_equal(a, b):
    """Spikes of float arithmetic: rounding may tip a neuron that stands at its threshold, and no more."""
    return (a != b).float().mean() < 0.02


def test_the_same_shape_begins_with_the_same_spikes(tmp_path, given):
    student, found = begun(tmp_path, given, BRANCHED)
    assert set(found.whole) == set(student.populations()) and not found.part + found.new
    expected = class_spikes(given.student, given.scaling)
    assert expected.float().mean() > 0.01
    assert nearly_equal(class_spikes(student, given.scaling), expected)


def test_branches_are_found_by_what_they_take(tmp_path, given):
    order = [2, 0, 3]  # in other places, and one fewer
    taken = tuple(BRANCHED.branch_modalities[k] for k in order)
    fewer = {"channels": (6, 6, 6, 9, 9, 9), "heads": 3, "query_channels": 3, "readout_copies": 3}
    student, found = begun(tmp_path, given, replace(BRANCHED, branch_modalities=taken, **fewer))
    assert not found.part + found.new
    expected = class_spikes(given.student, given.scaling)[..., order]
    assert nearly_equal(class_spikes(student, given.scaling), expected)


def test_new_branches_and_attention_are_named(tmp_path, given):
    more = (*BRANCHED.branch_modalities, ("bone motion",))
    wider = {"channels": (10, 10, 10, 15, 15, 15), "heads": 5, "query_channels": 5, "readout_copies": 5}
    student, found = begun(tmp_path, given, replace(BRANCHED, branch_modalities=more, attention="none", **wider))
    assert set(found.whole) == {"encode"} and not found.new and "fuse" in found.part and "readout" in found.part
    expected = class_spikes(given.student, given.scaling)
    assert class_spikes(student, given.scaling)[..., :4].shape == expected.shape
    student, found = begun(tmp_path, replace_attention(tmp_path, given), BRANCHED)
    assert set(found.new) == {f"b{b}.{part}" for b in range(1, 7) for part in ("query", "key", "gate")}


def replace_attention(folder, given):
    trained(folder / "plain", replace(BRANCHED, attention="none"))
    return load_model(folder / "plain" / "model.pt")


def test_one_modality_of_several_begins_with_its_branch(tmp_path, given):
    student, found = begun(tmp_path, given, BRANCHED.only("bone"))
    assert not found.part + found.new
    scaling = scaling_of(given, few_clips().skeleton, 1, ("bone",))
    expected = class_spikes(given.student, given.scaling)[..., 1:2]
    assert nearly_equal(class_spikes(student, scaling), expected)


def test_other_widths_begin_anew_and_other_classes_with_a_new_readout(tmp_path, given):
    renamed = replace(given, class_names=("others", *given.class_names[1:]))
    _, found = begun(tmp_path, renamed, BRANCHED)
    assert found.part == ("readout",)
    _, found = begun(tmp_path, given, replace(BRANCHED, channels=(16, 16, 16, 12, 12, 12)))
    assert {"b1.graph", "b2.temporal"} <= set(found.new) and {"encode", "b6.graph"} <= set(found.whole)


def test_training_goes_on_from_there_and_says_so(tmp_path, given):
    model = trained(tmp_path / "on", replace(BRANCHED, integer_epochs=1), pretrained=given)
    assert model.training["pretrained"]["model_hash"] == given.hash() != model.hash()
    assert json.loads((tmp_path / "on" / "metrics.json").read_text())
    with pytest.raises(BadInput, match="other clips or options"):
        trained(tmp_path / "on", replace(BRANCHED, integer_epochs=1), resume=True)


def test_what_does_not_fit_is_refused(given):
    skeleton = few_clips().skeleton
    with pytest.raises(BadInput, match="--pretrained: a network of another skeleton"):
        scaling_of(given, replace(skeleton, coordinates=2), 1, given.scaling.modalities)
    with pytest.raises(BadInput, match="graph radius"):
        scaling_of(given, skeleton, 2, given.scaling.modalities)
    alone = replace(given.scaling, modalities=("bone",), counts_per_metre=given.scaling.counts_per_metre[:1])
    few = type("Few", (), {"student": given.student, "skeleton": skeleton, "graph_radius": 1, "scaling": alone})()
    with pytest.raises(BadInput, match="without joint, joint motion"):
        scaling_of(few, skeleton, 1, ("joint", "bone", "joint motion"))


def test_another_frame_rate_is_said(tmp_path, given):
    said = []
    report = lambda kind, record: said.append(record["finding"]) if kind == "finding" else None
    slower = replace(BRANCHED, rate=15.0, integer_epochs=0)
    trained(tmp_path, slower, pretrained=given, report=report)
    assert any("its delays mean another time: it was trained at 30.0 Hz, not at 15 Hz" in line for line in said)
    said.clear()
    trained(tmp_path, BRANCHED, pretrained=given, report=report)
    assert said and not any("another time" in line for line in said)
