"""A new part is one file and one entry in one table: then the command line and Python know it."""

import json

import pytest
from click.testing import CliRunner

import mksgn_neuro as mk
from mksgn_neuro.chip.catalog import CHIPS
from mksgn_neuro.chip.energy import PROFILES
from mksgn_neuro.cli import cli
from mksgn_neuro.data.registry import READ, DataSet
from mksgn_neuro.lowering.passes import STEPS, Pass
from mksgn_neuro.models.store import save_model
from mksgn_neuro.workflows.targets import TARGETS, Target
from tests.networks import random_network
from tests.own_parts import FREE, SMALL, check, deaf, write
from tests.small_models import small_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("parts") / "model.pt"
    save_model(small_model(), path)
    return path


def command(*arguments: object) -> dict:
    result = CliRunner().invoke(cli, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_data_set(monkeypatch, tmp_path):
    monkeypatch.setitem(READ, "mine", DataSet("tests.own_parts", "give the file that says how many"))
    (tmp_path / "count").write_text("50")
    assert len(mk.read_clips("mine", tmp_path / "count")) == 50
    with pytest.raises(mk.BadInput, match="mine needs a path; give the file that says how many"):
        mk.read_clips("mine")
    with pytest.raises(mk.BadInput, match="unknown data set 'yours'; choose from synthetic, .*, mine"):
        mk.read_clips("yours")


def test_a_chip(monkeypatch, model):
    monkeypatch.setitem(CHIPS, "small", SMALL)
    assert command("inspect", model, "--chip", "small")["chip"] == "small"
    assert mk.load(model).inspect("small").fit.mapping.chip is SMALL


def test_an_energy_profile(monkeypatch, model):
    monkeypatch.setitem(PROFILES, "free", FREE)
    options = ("--limit", 2, "--protocol", "offline")
    energy = command("simulate", model, *options, "--energy-profile", "free")["energy"]
    paper = command("simulate", model, *options)["energy"]
    accumulates = paper["joules_by_event"]["acs"] / 0.9e-12
    assert energy["profile"] == "free" and accumulates > 0
    assert energy["joules_per_sample"] == pytest.approx(1e-15 * accumulates)


@pytest.mark.parametrize("passes", [STEPS, (*STEPS, Pass("deaf", lambda network, _: deaf(network)))])
def test_a_format_and_a_pass(passes, monkeypatch, tmp_path):
    monkeypatch.setitem(TARGETS, "mine", Target(passes, write, check, (".mine",)))
    loaded = mk.load(random_network(1, transmission_delay=0))
    written = loaded.export("mine", tmp_path / "n")
    verified = mk.load(loaded).verify(written.main, target="mine", lava=False)
    assert written.main == tmp_path / "n.mine" and verified.checks[-1].target == "my file"
    assert verified.checks[-1].spikes and verified.ok == (passes is STEPS), str(verified)
