"""`--chip`: the same chips, by the same names and files, for everything that counts cores."""

import json

import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.errors import BadInput, WorkFailed
from mksgn_neuro.models.store import save_model
from tests.small_models import small_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("chips") / "model.pt"
    save_model(small_model(), path)
    return path


@pytest.fixture(scope="module")
def small(model):
    """A chip of many small cores."""
    path = model.with_name("small.toml")
    path.write_text("[limits]\nneurons = 40\ncores = 400\n")
    return path


def call(*arguments, fails=False):
    result = CliRunner().invoke(cli, list(map(str, arguments)))
    if result.exception and not (fails and isinstance(result.exception, WorkFailed)):
        raise result.exception
    return result.stdout


def document(*arguments, fails=False):
    return json.loads(call(*arguments, "--json", fails=fails))


def test_simulate_report_export_and_inspect_count_the_same_cores(model, small, tmp_path):
    cores = {}
    for chip, name in (("loihi2", "loihi2"), (small, "small")):
        inspected = document("inspect", model, "--chip", chip)
        simulated = document("simulate", model, "--limit", 2, "--protocol", "clip", "--chip", chip)
        page = tmp_path / "page.html"
        reported = document("report", model, "--limit", 2, "--no-verify", "--output", page, "--chip", chip)
        exported = document(
            "export", model, "--target", "lava", "--no-verify", "--output", tmp_path / name, "--chip", chip
        )
        same = {d["cores"] for d in (inspected, simulated, reported["simulation"], exported)}
        assert len(same) == 1 and {d["chip"] for d in (inspected, simulated, exported)} == {name}
        assert f"on chip {name}" in page.read_text()
        assert simulated["violations"] == []
        cores[name] = same.pop()
    assert cores["small"] > cores["loihi2"]
    assert f"{cores['small']} cores of small" in call(
        "simulate", model, "--limit", 1, "--protocol", "clip", "--chip", small
    )


def test_what_does_not_fit_the_chip_is_said(model, tmp_path):
    simulated = ("simulate", model, "--limit", 1, "--protocol", "clip", "--chip", "loihi1")
    assert [v["rule"] for v in document(*simulated)["violations"]] == ["payload_bits"]
    assert "does not fit loihi1: " in call(*simulated)
    exported = ("export", model, "--target", "loihi2", "--output", tmp_path / "m", "--no-verify", "--chip", "loihi1")
    assert [v["rule"] for v in document(*exported, fails=True)["violations"]] == ["payload_bits"]
    page = tmp_path / "page.html"
    call("report", model, "--limit", 1, "--no-verify", "--output", page, "--chip", "loihi1")
    assert "on chip loihi1, which it does not fit" in page.read_text() and "payload bits" in page.read_text()


@pytest.mark.parametrize("command", [("simulate",), ("report",), ("export", "--target", "nir")])
def test_an_unknown_chip_is_refused_before_anything_runs(command, model):
    with pytest.raises(BadInput, match="no chip 'loihi9'"):
        call(*command, model, "--chip", "loihi9")
