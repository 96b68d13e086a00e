"""The data that a model was trained on is found again, or it is said that it is not."""

import json
from dataclasses import replace

import pytest

from mksgn_neuro.data.readers import npz
from mksgn_neuro.data.synthetic import generate
from mksgn_neuro.errors import BadInput
from mksgn_neuro.workflows.former import former_data
from tests.small_models import small_model

TASK = replace(small_model().task(), dataset="own")
NEW = ("npz", None)


@pytest.fixture
def model(tmp_path):
    npz.save(generate(10), tmp_path / "own.npz")
    write_config(tmp_path, "npz", tmp_path / "own.npz")
    return tmp_path / "model.pt"


def write_config(folder, dataset, data):
    (folder / "config.json").write_text(json.dumps({"dataset": dataset, "data": str(data)}))


def test_config_json_says_where_it_lies(model):
    clips, said = former_data(model, TASK, NEW, None)
    assert len(clips) == 10 and said.endswith("measured, not learned from (--replay does)")


def test_what_is_replayed_is_read_from_where_the_user_says(model, tmp_path):
    npz.save(generate(20), tmp_path / "other.npz")
    clips, said = former_data(model, TASK, NEW, tmp_path / "other.npz")
    assert len(clips) == 20 and said.endswith("learned from too")
    with pytest.raises(BadInput, match="no such file"):
        former_data(model, TASK, NEW, tmp_path / "nowhere.npz")


def test_the_same_data_again_cannot_be_forgotten(model, tmp_path):
    clips, said = former_data(model, TASK, ("npz", tmp_path / "own.npz"), None)
    assert clips is None and "nothing to forget" in said


@pytest.mark.parametrize("config", ["gone", "none", "other classes"])
def test_what_cannot_be_measured_is_said(model, tmp_path, config):
    if config == "gone":
        (tmp_path / "own.npz").unlink()
    elif config == "none":
        (tmp_path / "config.json").unlink()
    else:
        npz.save(replace(generate(10), class_names=tuple("abcdefghij")), tmp_path / "own.npz")
    clips, said = former_data(model, TASK, NEW, None)
    assert clips is None and "is not measured" in said
    assert ("other classes than the network" in said) == (config == "other classes")
