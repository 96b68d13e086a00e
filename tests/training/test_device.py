"""`--device`: where training runs, and what is said where that is not there. What a GPU computes: test_cuda.py."""

import pytest
import torch
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.errors import BadInput
from mksgn_neuro.training.collective import choose_device, device


@pytest.fixture(autouse=True)
def forgotten():
    yield
    choose_device(None)


@pytest.fixture
def current(monkeypatch):
    """As on a machine with two GPUs: which of them was made the current one."""
    made = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", made.append)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    return made


@pytest.mark.parametrize(
    ("name", "kind", "made"),
    [(None, "cuda", []), ("cpu", "cpu", []), ("cuda", "cuda", []), ("cuda:1", "cuda", [1])],
)
def test_where_there_are_gpus(current, name, kind, made):
    choose_device(name)
    assert (device().type, current) == (kind, made)


def test_a_gpu_that_is_not_there_is_refused(current):
    with pytest.raises(BadInput, match=r"--device: there is no cuda:2; give cuda:0 to cuda:1"):
        choose_device("cuda:2")


def test_torchrun_chooses_the_gpu_itself(current, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(BadInput, match="torchrun gives each process a GPU"):
        choose_device("cuda:1")
    choose_device("cuda")
    assert current == []


@pytest.mark.parametrize("command", ["train", "tune nw-ucla --dataset synthetic", "ablate"])
def test_a_command_without_its_gpu_writes_nothing(command, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    arguments = [*command.split(), "--output", str(tmp_path / "out"), "--device"]
    with pytest.raises(BadInput, match="sees no GPU here; leave it out, or give cpu"):
        CliRunner().invoke(cli, [*arguments, "cuda"], catch_exceptions=False)
    mistyped = CliRunner().invoke(cli, [*arguments, "gpu"])
    assert mistyped.exit_code == 2 and "none of cpu, cuda and cuda:N" in mistyped.output
    assert list(tmp_path.iterdir()) == []
