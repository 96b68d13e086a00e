"""Files of any network are run, placed, verified and shown without PyTorch; what needs it says so in one line."""

import json
import subprocess
import sys

import pytest

import mksgn_neuro as mk
from mksgn_neuro.data.synthetic import generate
from mksgn_neuro.models.store import save_model
from tests.small_models import small_model

ON_CLIPS = ("--dataset", "synthetic", "--limit", 2)
COMMANDS = {
    "inspect": (),
    "simulate": (*ON_CLIPS, "--json"),
    "recognise": ("--json",),
    "stream": (),
    "verify": ("--no-lava", "--steps", 5, "--samples", 1),
    "export": ("--target", "loihi2", "--output", "again.net", "--steps", 5, "--samples", 1),
    "report": (*ON_CLIPS, "--output", "page.html"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model.pt, its .net, and a clip as frames of a camera."""
    folder = tmp_path_factory.mktemp("without-torch")
    save_model(small_model(), folder / "model.pt")
    mk.load(folder / "model.pt").export("loihi2", folder / "model")
    frames = [json.dumps({"joints": joints.round(4).tolist()}) for joints in generate()[0]]
    (folder / "clip.jsonl").write_text("\n".join(frames) + "\n")
    return folder


def without_torch(folder, *arguments) -> subprocess.CompletedProcess:
    program = f"import sys; sys.modules['torch'] = None; sys.argv = {['mksgn-neuro', *map(str, arguments)]!r}; "
    program += "from mksgn_neuro.cli import main; main()"
    command = [sys.executable, "-c", program]
    with open(folder / "clip.jsonl") as frames:
        return subprocess.run(command, cwd=folder, stdin=frames, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_net_file_needs_no_torch(folder, command):
    file = ("clip.jsonl", "--model", "model.net") if command == "recognise" else ("model.net",)
    run = without_torch(folder, command, *file, *COMMANDS[command])
    assert run.returncode == 0, run.stderr
    assert run.stdout


def test_what_needs_torch_says_so_in_one_line(folder):
    run = without_torch(folder, "train", "--preset", "tiny", "--epochs", 1)
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr.splitlines()[-1].startswith("mksgn-neuro: this needs PyTorch, which is not installed")
    assert "Traceback" not in run.stderr
