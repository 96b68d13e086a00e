"""What a newcomer meets first: help at once, models by name, nothing overwritten, nothing written into the package."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mksgn_neuro import names
from mksgn_neuro.chip.energy import PROFILES
from mksgn_neuro.cli import COMMANDS, cli
from mksgn_neuro.commands import demo, export, simulate, train
from mksgn_neuro.commands.options import beside, find_model
from mksgn_neuro.data.bodies import BODIES
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.store import load_model, save_model
from mksgn_neuro.workflows.export import files_of
from mksgn_neuro.workflows.simulate import BACKEND_RUNS
from mksgn_neuro.workflows.targets import WRITTEN
from tests.paths import SHIPPED
from tests.small_models import small_model

HEAVY = ("torch", "numpy", "scipy", "networkx", "h5py", "numba", "rich", "matplotlib")
HELP = """
import sys
from mksgn_neuro.cli import COMMANDS, cli
for command in ("", *COMMANDS):
    cli([*command.split(), "--help"], standalone_mode=False)
print([name for name in sys.argv[1:] if name in sys.modules], file=sys.stderr)
"""


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A small model in an otherwise empty current folder."""
    monkeypatch.chdir(tmp_path)
    save_model(small_model(), tmp_path / "model.pt")
    return Path("model.pt")


def invoke(*arguments):
    return CliRunner().invoke(cli, [*map(str, arguments)], catch_exceptions=False)


def test_help_of_every_command_loads_nothing_heavy():
    found = subprocess.run([sys.executable, "-c", HELP, *HEAVY], capture_output=True, text=True, timeout=100)
    assert found.returncode == 0 and found.stderr.strip() == "[]", found.stderr
    assert all(f"  {command} " in found.stdout for command in COMMANDS)


@pytest.mark.parametrize(("command", "given", "found"), [("inspect", "", "1"), ("train", "", ""), ("report", "3", "3")])
def test_numpys_own_threads_wait_actively_and_are_left_out_where_nothing_is_trained(command, given, found, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", given)
    if not given:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    cli.get_command(None, command)
    assert os.environ.get("OPENBLAS_NUM_THREADS", "") == found


def test_every_command_knows_its_name():
    """The generated reference takes it from there."""
    assert [cli.get_command(None, name).name for name in COMMANDS] == list(COMMANDS)


@pytest.mark.parametrize("words, last, offered", [("exp", 1, "export"), ("train --preset mk", 3, "mk-sgn")])
def test_the_tab_key_completes_commands_and_choices(words, last, offered):
    asked = {"_MKSGN_NEURO_COMPLETE": "bash_complete", "COMP_WORDS": f"mksgn-neuro {words}", "COMP_CWORD": str(last)}
    found = CliRunner().invoke(cli, [], env=asked, prog_name="mksgn-neuro")
    assert found.stdout == f"plain,{offered}\n"


def test_names_are_those_of_what_they_stand_for():
    assert tuple(PROFILES) == names.PROFILES
    assert WRITTEN == names.TARGETS
    assert tuple(BACKEND_RUNS) == names.BACKENDS
    assert tuple(BODIES) == names.BODIES


def test_a_model_that_ships_is_found_by_name_and_a_file_comes_first(model):
    assert find_model(Path("nw-ucla")) == SHIPPED
    shutil.copy(model, "nw-ucla")
    assert find_model(Path("nw-ucla")) == Path("nw-ucla")
    with pytest.raises(BadInput, match=r"nothing.*mksgn-neuro models lists"):
        find_model(Path("nothing"))


def test_outputs_of_a_model_that_ships_go_to_the_current_folder(model):
    assert beside(SHIPPED, ".html") == Path("nw-ucla.html")
    assert beside(Path("runs/a/model.pt"), ".net") == Path("runs/a/model.net")


def test_models_lists_the_card_of_each_model_that_ships():
    (card,) = json.loads(invoke("models", "--json").stdout)["models"]
    known = load_model(SHIPPED)
    assert (card["name"], card["dataset"], card["hash"]) == ("nw-ucla", known.dataset, known.hash())
    words = invoke("models").stdout
    assert all(name in words for name in known.class_names) and "simulate nw-ucla" in words
    assert "continuous, simulated on CPU when trained: 82.3% (83.7% without leaked clips)" in words  # as in the README


@pytest.mark.parametrize("target", names.TARGETS)
def test_export_overwrites_only_with_force_and_names_all_that_it_writes(model, target):
    arguments = ("export", model, "--target", target, "--no-verify")
    said = json.loads(invoke(*arguments, "--json").stdout)
    assert tuple(said["files"]) == tuple(map(str, files_of(target, Path("model"))))
    last = Path(said["files"][-1])
    last.write_text("mine")
    with pytest.raises(BadInput, match=r"is there already; give --force"):
        invoke(*arguments)
    assert last.read_text() == "mine"
    assert "overwriting" in invoke(*arguments, "--force").stderr
    assert last.read_bytes() != b"mine"


@pytest.mark.parametrize("command", [("train",), ("tune", "model.pt", "--dataset", "synthetic")])
def test_training_over_a_model_needs_force_or_resume(model, command):
    folder = Path("trained")
    folder.mkdir()
    shutil.copy(model, folder)
    before = (folder / "model.pt").read_bytes()
    with pytest.raises(BadInput, match=r"trained/model\.pt: is there already; give --force .* --resume .* --output"):
        invoke(*command, "--output", folder)
    assert list(folder.iterdir()) == [folder / "model.pt"] and (folder / "model.pt").read_bytes() == before


def test_quiet_leaves_the_result_alone_and_errors_stay(model, tmp_path):
    arguments = ("simulate", model, "--limit", 2, "--protocol", "clip", "--report", "page.html")
    loud, quiet = invoke(*arguments), invoke("--quiet", *arguments)
    assert "wrote page.html" in loud.stderr and quiet.stderr == ""
    spoken, silent = (run.stdout.splitlines()[:-1] for run in (loud, quiet))  # the last line is speed
    assert silent == spoken != []
    command = [sys.executable, "-m", "mksgn_neuro", "-q", "inspect", "missing.net"]
    failed = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert failed.returncode == 2 and "missing.net" in failed.stderr and failed.stdout == ""


def test_headlines_of_the_demo_stand_after_an_empty_line(capsys):
    demo._headline("1/3  train")
    assert capsys.readouterr().err == "\n── 1/3  train\n"


def test_an_interrupted_demo_goes_on_as_its_training_says(tmp_path, monkeypatch):
    given = []
    for stage in (train, export, simulate):
        monkeypatch.setattr(stage.command, "callback", lambda **options: given.append(options))
    invoke("demo", "--resume", "--output", tmp_path / "demo")
    assert len(given) == 3 and given[0]["resume"] is True
