"""train, tune, ablate and simulate over processes that torchrun starts, by one agent and by two, as on two machines."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from mksgn_neuro.data.readers import npz
from mksgn_neuro.models.store import load_model, save_model
from tests.small_models import small_model
from tests.training.runs import WITHOUT_TEACHER, few_clips, trained

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = "tests.processes.small_commands"
LOST = "another process of this run has ended, or said nothing for too long"
DRIFT = 2e-4  # of a loss: floats are summed over clips in another order


def environment(**more):
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"} | more


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def agents(*arguments, nodes=1, processes=2, logs=None, **more):
    """As many of torchrun's agents as there are machines, all of them here."""
    meeting = ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{free_port()}", "--rdzv-id", "one-run"]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nnodes", nodes, "--nproc-per-node", processes]
    written = ["--redirects", "3", "--log-dir", logs] if logs else []
    command = [*map(str, [*launcher, *meeting, *written, "-m", COMMANDS, *arguments])]
    options = {"cwd": ROOT, "env": environment(**more), "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return [subprocess.Popen(command, text=True, **options) for _ in range(nodes)]


def together(*arguments, **options):
    """What the first process printed."""
    started = agents(*arguments, **options)
    said = [agent.communicate(timeout=240) for agent in started]
    assert all(agent.returncode == 0 for agent in started), "\n".join(errors for _, errors in said)
    return "".join(printed for printed, _ in said)


def alone(*arguments):
    command = [sys.executable, "-m", COMMANDS, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def history(folder):
    return json.loads((folder / "metrics.json").read_text())["history"]


def losses(folder):
    return [record["loss"] for record in history(folder)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """With few clips."""
    folder = tmp_path_factory.mktemp("files")
    npz.save(few_clips(), folder / "few.npz")
    return folder


@pytest.fixture(scope="module")
def model(files):
    """A network that was trained on them."""
    trained(files / "given", WITHOUT_TEACHER)
    return files / "given" / "model.pt"


@pytest.mark.slow
def test_train_on_two_machines_learns_from_the_batches_of_one(files, tmp_path):
    """The integer stage begins with a threshold mantissa, which the last bit of a weight can move: not compared."""
    given = ("train", "--dataset", "npz", "--data", files / "few.npz", "--preset", "tiny", "--output")
    alone(*given, tmp_path / "one")
    together(*given, tmp_path / "two", nodes=2, processes=1)
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(one) == len(two) and np.allclose(one[:-1], two[:-1], rtol=DRIFT)
    assert load_model(tmp_path / "two" / "model.pt").training["teacher"]


@pytest.mark.slow
def test_tune_in_two_processes_learns_from_the_batches_of_one(files, model, tmp_path):
    given = ("tune", model, "--dataset", "npz", "--data", files / "few.npz")
    given = (*given, "--preset", "base", "--epochs", 1, "--json", "--output")
    one, two = (json.loads(run(*given, tmp_path / name)) for run, name in ((alone, "one"), (together, "two")))
    assert np.allclose(losses(tmp_path / "one"), losses(tmp_path / "two"), rtol=DRIFT)
    for split in ("held_out", "test"):
        assert one[split]["given"] == two[split]["given"]


@pytest.mark.slow
def test_ablate_in_two_processes_goes_through_its_variants_once(files, tmp_path):
    given = ("ablate", "--dataset", "npz", "--data", files / "few.npz", "--preset", "tiny", "--json", "--output")
    one, two = (json.loads(run(*given, tmp_path / name)) for run, name in ((alone, "one"), (together, "two")))
    shown = [[(v["variant"], v["parameters"]) for v in document["variants"]] for document in (one, two)]
    assert shown[0] == shown[1] and len(shown[0]) == 2
    for folder in ("full", "no-FTM"):
        first, second = (losses(tmp_path / name / folder) for name in ("one", "two"))
        assert np.allclose(first[:-1], second[:-1], rtol=DRIFT)


@pytest.mark.slow
@pytest.mark.parametrize("machines", [{"nodes": 1, "processes": 3}, {"nodes": 2, "processes": 1}])
def test_simulate_over_processes_gives_the_totals_of_one(tmp_path, machines):
    """All three protocols: streams that are shared out, and one that is not."""
    save_model(small_model(), tmp_path / "model.pt")
    given = ("simulate", tmp_path / "model.pt", "--limit", 12, "--json", "--save-spikes")
    one, many = (
        json.loads(alone(*given, tmp_path / "1.npz")),
        json.loads(together(*given, tmp_path / "2.npz", **machines)),
    )
    one.pop("throughput"), many.pop("throughput")
    assert one == many and one["protocols"].keys() == {"offline", "clip", "continuous"}
    saved = [np.load(tmp_path / name) for name in ("1.npz", "2.npz")]
    assert all(np.array_equal(saved[0][name], saved[1][name]) for name in saved[0].files)


def test_processes_with_other_clips_are_refused(files, tmp_path):
    """As on two machines that do not have the same files."""
    npz.save(few_clips().subset(np.arange(50)), tmp_path / "fewer.npz")
    link = tmp_path / "rank.sh"
    link.write_text(
        'exec "$0" -m tests.processes.small_commands train --dataset npz --preset base --output "$1" '
        f'--data "$([ "$RANK" = 0 ] && echo {files / "few.npz"} || echo {tmp_path / "fewer.npz"})"'
    )
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    ranks = [
        subprocess.Popen(
            ["sh", "-c", link.read_text(), sys.executable, tmp_path / "out"], cwd=ROOT, stderr=subprocess.PIPE,
            env=environment(RANK=str(rank), LOCAL_RANK="0", **meeting), text=True,
        )
        for rank in (0, 1)
    ]  # fmt: skip
    for rank in ranks:
        _, errors = rank.communicate(timeout=200)
        assert rank.returncode == 2 and "Traceback" not in errors
        assert errors.splitlines()[-1].startswith("mksgn-neuro: the processes of this run have different clips")


def process_of(agent, rank):
    """The process of a rank."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in psutil.Process(agent.pid).children(recursive=True):
            if child.environ().get("RANK") == str(rank):
                return child
        time.sleep(0.1)
    raise AssertionError("there is no such process")


def wait_for(path, seconds=200):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


def said_by(logs, rank):
    (path,) = Path(logs).glob(f"*/attempt_0/{rank}/stderr.log")
    return path.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "hangs"])
def test_a_process_that_is_lost_ends_the_others_with_one_line_and_resume_goes_on_alone(files, tmp_path, how):
    out, logs = tmp_path / "out", tmp_path / "logs"
    given = ("train", "--dataset", "npz", "--data", files / "few.npz", "--preset", "base", "--output", out)
    (agent,) = agents(*given, logs=logs, MKSGN_NEURO_TIMEOUT="20")
    wait_for(out / "float.checkpoint.pt")
    lost, begun = process_of(agent, 1), time.monotonic()
    lost.send_signal(how)
    agent.communicate(timeout=100)
    assert agent.returncode != 0 and time.monotonic() - begun < 90
    lines = said_by(logs, 0).splitlines()
    assert [LOST in line for line in lines].count(True) == 1 and LOST in lines[-1]
    assert "Traceback" not in "".join(lines) and not (out / "model.pt").exists()
    before = history(out)
    alone(*given, "--resume")
    assert history(out)[: len(before)] == before
    assert [record["epoch"] for record in history(out)] == [0, 1, 2, 3, 0, 1]
    assert load_model(out / "model.pt")


@pytest.mark.slow
def test_a_run_of_one_process_is_resumed_by_two(files, tmp_path):
    out = tmp_path / "out"
    given = ("train", "--dataset", "npz", "--data", files / "few.npz", "--preset", "base", "--output", out)
    command = [sys.executable, "-m", COMMANDS, *map(str, given)]
    first = subprocess.Popen(command, cwd=ROOT, env=environment(), stderr=subprocess.PIPE, text=True)
    wait_for(out / "float.checkpoint.pt")
    first.send_signal(signal.SIGINT)
    assert first.communicate(timeout=100) and first.returncode == 130
    before = history(out)
    together(*given, "--resume")
    assert history(out)[: len(before)] == before and 0 < len(before) < 6
    assert [record["epoch"] for record in history(out)] == [0, 1, 2, 3, 0, 1]
