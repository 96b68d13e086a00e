import json

import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.readers.npz import save as save_clips
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.store import load_model
from tests.data.make import clips
from tests.training.runs import WITHOUT_TEACHER, trained


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    directory = tmp_path_factory.mktemp("model")
    trained(directory, WITHOUT_TEACHER)
    return directory / "model.pt"


def tune(*arguments):
    return CliRunner().invoke(cli, ["tune", *map(str, arguments)], catch_exceptions=False)


def test_it_writes_a_model_its_metrics_and_its_options(model, tmp_path):
    result = tune(model, "--epochs", 1, "--synop-regularisation", 3, "--output", tmp_path, "--json")
    document = json.loads(result.stdout)
    assert document["held_out"].keys() == {"given", "integer"}
    assert load_model(tmp_path / "model.pt").dataset == "synthetic"
    options = json.loads((tmp_path / "config.json").read_text())
    assert options["model"] == str(model) and options["synop_regularisation"] == 3
    assert len(json.loads((tmp_path / "metrics.json").read_text())["history"]) == 1


def test_it_says_both_accuracies(model, tmp_path):
    result = tune(model, "--epochs", 1, "--output", tmp_path)
    assert "as given " in result.stdout and f"wrote {tmp_path / 'model.pt'}" in result.stdout


def test_the_model_that_it_starts_from_is_not_overwritten(model):
    before = model.read_bytes()
    with pytest.raises(BadInput, match="would overwrite"):
        tune(model, "--output", model.parent)
    assert model.read_bytes() == before


def test_clips_of_another_task_are_refused(model, tmp_path):
    save_clips(clips((12,) * 8), tmp_path / "other.npz")
    with pytest.raises(BadInput, match=r"other\.npz.*another tree|other\.npz.*other classes"):
        tune(model, "--dataset", "npz", "--data", tmp_path / "other.npz", "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()
