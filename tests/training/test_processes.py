"""Runs as a person starts them: interrupted and resumed, and spread over two processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from mksgn_neuro.models.store import load_model
from tests.training.runs import same_weights

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; from tests.training.runs import run_alone; run_alone(sys.argv[1], *sys.argv[2:])"


def start(*arguments: str, processes: int = 1) -> subprocess.Popen:
    """One run of `run_alone`, under torchrun where there are several processes."""
    command = [sys.executable, "-c", START, *arguments]
    if processes > 1:
        launcher = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}", "--standalone"]
        command = [*launcher, "-m", "tests.training.runs", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen) -> None:
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors


def losses(directory: Path) -> list[float]:
    return [record["loss"] for record in json.loads((directory / "metrics.json").read_text())["history"]]


@pytest.mark.slow
def test_two_processes_compute_what_one_computes(tmp_path):
    """Same global batch, same losses: teachers and float student.

    Floats are summed over clips in another order, hence not to the last bit, and a spike that flips on such a
    difference is a real one: one epoch per stage, before flips add up (seen: 1.4e-5 of the loss). The integer stage
    starts from a threshold mantissa, which the last bits of a weight can move to another integer: not compared.
    """
    alone, together = tmp_path / "one", tmp_path / "two"
    first, second = start(str(alone), "--short"), start(str(together), "--short", processes=2)
    finish(first)
    finish(second)
    assert np.allclose(losses(together)[:-1], losses(alone)[:-1], rtol=2e-4)
    a, b = (torch.load(d / "float.checkpoint.pt", weights_only=True)["module"] for d in (alone, together))
    for name in a:
        assert torch.allclose(a[name].float(), b[name].float(), rtol=0.05, atol=0.02), name


@pytest.mark.slow
def test_the_number_of_threads_changes_no_weight(tmp_path):
    command = [sys.executable, "-m", "mksgn_neuro.cli", "train", "--no-teacher", "--epochs", "1", "--output"]
    for threads in ("1", "2"):
        environment = os.environ | {"OMP_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads}
        subprocess.run([*command, str(tmp_path / threads)], cwd=ROOT, env=environment, check=True, capture_output=True)
    one, two = (load_model(tmp_path / threads / "model.pt") for threads in ("1", "2"))
    assert same_weights(one, two)


@pytest.mark.slow
def test_an_interrupted_run_resumes(tmp_path):
    command = [sys.executable, "-m", "mksgn_neuro.cli", "train", "--no-teacher", "--epochs", "2", "--output"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    whole, halted = tmp_path / "whole", tmp_path / "halted"
    process = subprocess.Popen([*command, halted], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    wait_for(halted / "float.checkpoint.pt")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130 and "--resume" in errors and "Traceback" not in errors
    assert not (halted / "model.pt").exists() and not list(halted.glob("*.tmp"))
    for directory, options in ((halted, ["--resume"]), (whole, [])):
        subprocess.run([*command, directory, *options], cwd=ROOT, env=environment, check=True, capture_output=True)
    assert same_weights(load_model(halted / "model.pt"), load_model(whole / "model.pt"))


def wait_for(path: Path, seconds: float = 200) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)
