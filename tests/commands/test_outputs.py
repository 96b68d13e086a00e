"""What commands write, and what they refuse to write before any work."""

import json
import re
import shutil

import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.store import save_model
from tests.small_models import STRETCHED, small_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "net.seed1.pt"
    save_model(small_model(STRETCHED), path)
    return path


def run(*arguments):
    return CliRunner().invoke(cli, [*map(str, arguments)], catch_exceptions=False)


def exported(*arguments):
    result = run("export", *arguments, "--no-verify", "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["files"]


def test_names_with_dots_stay_apart(model):
    other = model.with_name("net.seed2.pt")
    shutil.copy(model, other)
    files = [exported(path, "--target", target)[0] for path in (model, other) for target in ("loihi2", "nir")]
    assert files == [str(model.with_name(f"net.seed{n}.{end}")) for n in (1, 2) for end in ("net", "nir")]
    given = exported(model, "--target", "nir", "--output", model.with_name("a.b"))
    assert given == [str(model.with_name("a.b.nir"))]


def test_a_netx_file_that_its_sidecar_does_not_describe_is_refused(model, tmp_path):
    net, sidecar, _ = exported(model, "--target", "loihi2", "--output", tmp_path / "a b\nü.net")
    inspected = lambda: json.loads(run("inspect", net, "--json").stdout)["findings"]
    assert not [finding for finding in inspected() if "sidecar" in finding or "sha256" in finding]
    description = json.loads((tmp_path / sidecar).read_text(encoding="utf-8"))
    description["file"]["sha256"] = "0" * 64
    (tmp_path / sidecar).write_text(json.dumps(description))
    differs = r"describes \(sha256 differs\); export the model again, or take the sidecar away"
    assert any(re.search(differs, finding) for finding in inspected())
    for words in (
        ("simulate", net), ("stream", net), ("recognise", model, "--model", net), ("verify", net),
        ("verify", model, "--file", net), ("export", net, "--target", "nir", "--output", tmp_path / "other"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=differs) as caught:
            run(*words)
        assert caught.value.exit_code == 2
    (tmp_path / sidecar).write_text("{")
    assert any("is no sidecar of ours" in finding for finding in inspected())
    assert exported(net, "--target", "nir", "--output", tmp_path / "other")


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (("train",), "--output"),
        (("tune", "MODEL"), "--output"),
        (("ablate",), "--output"),
        (("report", "MODEL"), "--output"),
        (("report", "MODEL"), "--figures"),
        (("simulate", "MODEL"), "--save-spikes"),
        (("export", "MODEL", "--target", "loihi2"), "--output"),
        (("export", "MODEL", "--target", "lava"), "--output"),
    ],
)
def test_an_output_under_a_file_is_refused_before_the_work(command, option, model, tmp_path, monkeypatch):
    monkeypatch.setattr("mksgn_neuro.commands.reading.load_clips", None)
    monkeypatch.setattr("mksgn_neuro.workflows.export.lower", None)
    (tmp_path / "file").write_text("old")
    words = [str(model) if word == "MODEL" else word for word in command]
    with pytest.raises(BadInput, match="is a file, not a folder") as caught:
        run(*words, option, tmp_path / "file" / "below.net")
    assert caught.value.exit_code == 2 and (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0", "1e6"])
def test_learning_rates_that_mean_nothing_are_refused(value, model):
    result = run("tune", model, "--learning-rate", value)
    assert result.exit_code == 2 and "--learning-rate" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        *(
            (command, "--seed", value)
            for command in ("train", "tune", "ablate", "simulate")
            for value in ("-1", "1" + "0" * 20)
        ),
        *(
            (command, "--synop-regularisation", value)
            for command in ("train", "tune")
            for value in ("-1", "nan", "inf")
        ),
    ],
)
def test_seeds_and_penalties_that_mean_nothing_are_refused(command, option, value):
    result = run(command, option, value)
    assert result.exit_code == 2 and option in result.stderr and "Traceback" not in result.stderr
