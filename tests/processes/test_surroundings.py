"""Training and a stream where a machine gives little: no home, one folder to write to, an old locale, no root."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from mksgn_neuro.data.readers import npz
from mksgn_neuro.models.store import load_model, save_model
from tests.paths import NOBODY
from tests.processes.test_compiled import obey_modes
from tests.small_models import STRETCHED, small_model
from tests.training.runs import few_clips

COMMAND = [sys.executable, "-m", "mksgn_neuro.cli"]
FRAME = json.dumps({"joints": small_model(STRETCHED).skeleton.joints * [[0.0, 0.5, 3.0]]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With a model and few clips; the folder `bare` may not be written to."""
    found = tmp_path_factory.mktemp("surroundings")
    save_model(small_model(STRETCHED), found / "model.pt")
    npz.save(few_clips(), found / "few.npz")
    (found / "bare").mkdir(mode=0o555)
    yield found
    (found / "bare").chmod(0o755)


def bare_environment(**more):
    """Hardly anything of what a shell sets: no HOME, no locale but C, old encodings."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    old = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": os.getcwd()}
    return {**kept, **old, "OMP_NUM_THREADS": "1", **more}


def train(folder, output):
    few = ("--epochs", "1", "--no-teacher", "--ptq", "--json")
    return [*COMMAND, "train", "--dataset", "npz", "--data", str(folder / "few.npz"), *few, "--output", output]


@pytest.mark.parametrize("home", [{}, {"HOME": "/proc/none"}], ids=["no home", "unwritable home"])
def test_a_training_without_a_home_in_a_folder_that_is_read_only(folder, home):
    output = folder / ("a folder\nof 関節" + "".join(home))
    options = {"cwd": folder / "bare", "env": bare_environment(**home), "preexec_fn": obey_modes}
    done = subprocess.run(train(folder, os.fsencode(output)), capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    assert load_model(output / "model.pt").dataset == "few" and json.loads(done.stdout)["seed"] == 0


def test_a_stream_without_a_home_in_a_folder_that_is_read_only(folder):
    command = [*COMMAND, "stream", str(folder / "model.pt")]
    options = {"cwd": folder / "bare", "env": bare_environment(), "preexec_fn": obey_modes}
    done = subprocess.run(command, input=f"{FRAME}\n" * 3, capture_output=True, text=True, **options)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 3, done.stderr


def test_a_training_whose_reader_has_gone_ends_quietly_and_its_model_is_whole(folder):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        train(folder, str(folder / "unread")), stdout=writer, stderr=subprocess.PIPE, env=bare_environment()
    )
    os.close(writer)
    assert done.returncode == 141 and b"Traceback" not in done.stderr and b"Broken" not in done.stderr, done.stderr
    assert load_model(folder / "unread" / "model.pt") and not list((folder / "unread").rglob("*.tmp"))


def test_a_stream_whose_reader_has_gone_ends_quietly(folder):
    line = f"yes '{FRAME}' | $M stream $MODEL | head -n 1; echo ${{PIPESTATUS[1]}}"
    environment = bare_environment(M=" ".join(COMMAND), MODEL=str(folder / "model.pt"))
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=200)
    first, status = done.stdout.splitlines()
    assert "decision" in json.loads(first) and status == "141"
    assert "Traceback" not in done.stderr and "Broken" not in done.stderr, done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_with_closed_standard_streams(folder, closed):
    line = f"echo '{FRAME}' | $M stream $MODEL {closed}"
    environment = bare_environment(M=" ".join(COMMAND), MODEL=str(folder / "model.pt"))
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert len(done.stdout.splitlines()) == (closed == "2>&-")


# Nobody's rights, but that it may read whatever root may: the interpreter itself can lie in root's home.
AS_NOBODY = [
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search", "--bounding-set=-all,+dac_read_search",
]  # fmt: skip


@pytest.mark.slow  # compiles the kernels into a folder of its own
@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv of util-linux")
def test_an_ordinary_user(folder, tmp_path_factory):
    def run(command, **options):
        environment = bare_environment(TMPDIR=str(own))
        return subprocess.run(
            [*AS_NOBODY, *command], cwd="/", env=environment, capture_output=True, text=True, **options
        )

    own = tmp_path_factory.mktemp("own")
    os.chown(own, NOBODY, NOBODY)
    for path in (*folder.iterdir(), folder, *folder.parents[:3]):  # what asks with access(2) is told of modes alone
        path.chmod(path.stat().st_mode | 0o055)
    assert run([sys.executable, "-c", f"open({str(folder / 'theirs')!r}, 'w')"]).returncode
    done = run(train(folder, str(own / "run")))
    assert done.returncode == 0 and load_model(own / "run" / "model.pt"), done.stderr
    assert (own / "run" / "model.pt").stat().st_uid == NOBODY
    done = run([*COMMAND, "stream", str(folder / "model.pt")], input=f"{FRAME}\n")
    assert done.returncode == 0 and "decision" in done.stdout, done.stderr
