"""The tutorials: their Python and their commands run as they stand, and what they show is what comes out."""

import os
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli

TUTORIALS = Path(__file__).parents[1] / "docs" / "tutorials"
FENCE = re.compile(r"^```(python|sh|text)\n(.*?)^```$", re.M | re.S)
# Intel's loader takes minutes, and what it finds is another test's (tests/test_your_own_network.py).
QUICKER = {"verify": ["--no-lava"], "export": ["--no-verify"], "train": ["--epochs", "1"]}


def run(command: str) -> str:
    """One line of a sh block, in this process; what it printed."""
    line, _, given = command.partition(" < ")
    name, *arguments = shlex.split(line)
    assert name == "mksgn-neuro", command
    stdin = Path(given.strip()).read_text() if given else None
    arguments += QUICKER.get(arguments[0], [])
    done = CliRunner().invoke(cli, arguments, input=stdin, catch_exceptions=False)
    assert done.exit_code == 0, f"{command}\n{done.output}"
    return done.output


def follow(page: Path) -> dict[str, str]:
    """Do what the page says, block by block: each command's output. Every line of a text block was just printed."""
    outputs: dict[str, str] = {}
    names: dict[str, object] = {}
    for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(block, page.name, "exec"), names)
        elif language == "sh":
            outputs |= {line: run(line) for line in block.splitlines()}
        else:
            printed = list(outputs.values())[-1].splitlines()
            assert [line for line in block.splitlines() if line not in printed] == []
    return outputs


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_is_a_test_for_every_tutorial():
    assert {page.stem for page in TUTORIALS.glob("*.md")} == {"own-recordings", "lava-dl"}


def test_own_recordings_become_a_network_that_recognises_them(folder):
    outputs = follow(TUTORIALS / "own-recordings.md")
    assert (folder / "runs" / "own" / "model.net").exists()
    verified, streamed = (next(o for c, o in outputs.items() if f" {verb} " in c) for verb in ("verify", "stream"))
    assert "no spike differs" in verified and '"decision"' in streamed


@pytest.mark.skipif(find_spec("lava") is None, reason="lava-dl needs Python 3.10")
def test_a_file_of_lava_dl_is_verified_placed_run_and_written_again(folder):
    outputs = follow(TUTORIALS / "lava-dl.md")
    assert len(outputs) == 6 and {"smaller.net", "spikes.npz"} <= set(os.listdir(folder))
