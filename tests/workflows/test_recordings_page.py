"""The commands of docs/recordings.md: every option is known, and the ten-minute path works line by line."""

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from tests.data import pose_files
from tests.workflows.own_data import CLASSES, write_folder

PAGE = Path(__file__).parents[2] / "docs" / "recordings.md"
COMMANDS = re.findall(r"^    (?:.*\| )?mksgn-neuro (.+)$", PAGE.read_text(), re.MULTILINE)
SHORTER = {
    "train": ["--preset", "tiny", "--epochs", "1", "--no-teacher", "--ptq"],
    "export": ["--no-verify"],
    "verify": ["--no-lava", "--samples", "1"],
}


def words_of(line):
    """Without comments, brackets around what may be left out, and dots."""
    plain = re.sub(r"\s+#.*", "", line).replace("[", "").replace("]", "").replace("...", "")
    return [{"N": "1", "HZ": "30", "SECONDS": "1"}.get(word, word) for word in shlex.split(plain)]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_and_option_is_known(line):
    words, command = words_of(line), cli
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words.pop(0))
    command.make_parser(click.Context(command)).parse_args(words)


@pytest.mark.slow
def test_the_ten_minute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "own", pose_files.mediapipe_lines)
    (tmp_path / "own" / CLASSES[0] / "0" / "pose.jsonl").rename(tmp_path / "new.jsonl")
    block = PAGE.read_text().split("## Ten minutes")[1].split("## ")[0]
    lines = re.findall(r"^    mksgn-neuro (.+)$", block, re.MULTILINE)
    assert [words_of(line)[0] for line in lines] == [
        *("data", "data", "train", "export", "verify", "recognise", "recognise")
    ]
    for line in lines:
        words = words_of(line)
        result = CliRunner().invoke(cli, [*words, *SHORTER.get(words[0], [])], catch_exceptions=False)
        assert result.exit_code == 0, result.output
    assert (tmp_path / "runs" / "own" / "model.net").exists()
