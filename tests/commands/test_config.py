"""`train --config`: what config.json says trains the same network again, and other options win over it."""

import json

import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.readers import npz
from mksgn_neuro.data.synthetic import generate
from mksgn_neuro.models.store import load_model

OPTIONS = ("--preset", "tiny", "--epochs", "1", "--no-teacher", "--ptq", "--seed", "5", "--coordinates", "2")


def train(*arguments):
    return CliRunner().invoke(cli, ["train", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("config")
    npz.save(generate(30, seed=3, subjects=5), folder / "own.npz")
    result = train("--dataset", "npz", "--data", folder / "own.npz", *OPTIONS, "--output", folder / "a")
    assert result.exit_code == 0, result.output
    return folder


def test_the_same_network_comes_of_it(trained):
    result = train("--config", trained / "a" / "config.json", "--output", trained / "b")
    assert result.exit_code == 0, result.output
    told = [(trained / name / "config.json").read_text() for name in "ab"]
    assert told[0] == told[1] and json.loads(told[0])["seed"] == 5
    first, second = (load_model(trained / name / "model.pt") for name in "ab")
    assert first.hash() == second.hash() and first.skeleton.coordinates == 2


def test_options_beside_it_win(trained):
    result = train(
        "--config", trained / "a" / "config.json", "--seed", 6, "--attention", "none", "--output", trained / "c"
    )
    assert result.exit_code == 0, result.output
    told = json.loads((trained / "c" / "config.json").read_text())
    assert (told["seed"], told["attention"], told["epochs"], told["integer_epochs"]) == (6, "none", 1, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told: [], "says nothing of a data set and a preset"),
        (lambda told: told | {"rows": "many"}, "rows"),
        (lambda told: told | {"colour": 1}, "no field 'colour'"),
        (lambda told: told | {"dataset": "elsewhere"}, "elsewhere"),
    ],
)
def test_a_file_that_is_none_is_refused_before_anything_is_written(trained, tmp_path, change, message):
    told = json.loads((trained / "a" / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(change(told)))
    result = CliRunner().invoke(
        cli, ["train", "--config", str(tmp_path / "config.json"), "--output", str(tmp_path / "x")]
    )
    assert result.exit_code != 0 and message in str(result.exception) + result.output
    assert not (tmp_path / "x").exists()
