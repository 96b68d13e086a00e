"""Commands as a shell starts them: signals, closed and full outputs, and what they leave behind."""

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import psutil
import pytest

from mksgn_neuro.models.store import save_model
from tests.small_models import STRETCHED, small_model

COMMAND = [sys.executable, "-m", "mksgn_neuro.cli"]
has_lava = pytest.mark.skipif(find_spec("lava") is None, reason="Lava needs Python 3.10")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.pt"
    save_model(small_model(STRETCHED), path)
    return path


def environment(**more):
    return {**os.environ, "PYTHONPATH": os.getcwd(), **{name: str(value) for name, value in more.items()}}


@has_lava
@pytest.mark.parametrize(
    ("arguments", "number", "status", "line"),
    [
        (("export", "--target", "loihi2", "--output", "out.net"), signal.SIGKILL, -9, ""),
        (("verify", "--lava"), signal.SIGTERM, 143, "stopped by SIGTERM"),
        (("simulate", "--backend", "lava", "--limit", "1"), signal.SIGINT, 130, "interrupted"),
        (("report", "--verify", "--limit", "2", "--output", "report.html"), signal.SIGTERM, 143, "stopped by SIGTERM"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_command_that_is_stopped_leaves_no_process_and_no_folder(arguments, number, status, line, model, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    name, *rest = arguments
    process = subprocess.Popen(
        [*COMMAND, name, str(model), *rest], cwd=tmp_path, env=environment(TMPDIR=temporary),
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    children = with_lava(process)
    assert any(temporary.glob("mksgn-child-*"))
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status and (not line or errors.splitlines()[-1] == line)
    assert "Traceback" not in errors
    _, alive = psutil.wait_procs(children, timeout=30)
    deadline = time.monotonic() + 30
    while any(temporary.glob("mksgn-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive and not list(temporary.glob("mksgn-*"))


def with_lava(process):
    """The command's processes, once there is one that has begun to load Lava."""
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        children = psutil.Process(process.pid).children(recursive=True)
        if any(is_busy_child(child) for child in children):
            return children
        time.sleep(0.1)
    raise AssertionError(f"no Lava was started: {process.communicate()[1]}")


def is_busy_child(process):
    try:
        return "mksgn_neuro.export" in " ".join(process.cmdline()) and process.cpu_times().user > 0.3
    except psutil.Error:
        return False


def shell(line, model, **more):
    """A line of a shell; "$M" is the program, "$MODEL" the model."""
    program = environment(M=" ".join(COMMAND), MODEL=model, **more)
    return subprocess.run(["bash", "-c", line], env=program, capture_output=True, text=True, timeout=200)


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(model):
    reader, writer = os.pipe()
    os.close(reader)
    command = [*COMMAND, "inspect", str(model), "--json"]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=environment())
    os.close(writer)
    assert result.returncode == 141 and result.stderr == b""


def test_a_full_output_is_one_line(model):
    result = shell("$M inspect $MODEL --json > /dev/full", model)
    assert result.returncode == 2 and result.stderr == "mksgn-neuro: output: No space left on device\n"


def test_closed_standard_streams_do_no_harm(model, tmp_path):
    line = f"$M export $MODEL --target nir --no-verify --output {tmp_path}/out.nir <&- >&- 2>&-"
    assert shell(line, model).returncode == 0
    assert (tmp_path / "out.nir").read_bytes().startswith(b"\x89HDF")


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}])
def test_names_that_the_locale_cannot_print(locale, model, tmp_path):
    folder = tmp_path / "a folder\nof 関節"
    folder.mkdir()
    (folder / "mödel.pt").write_bytes(model.read_bytes())
    result = shell(
        'cd "$FOLDER" && $M export "$FILE" --target nir --no-verify', model, FOLDER=folder, FILE="mödel.pt", **locale
    )
    assert result.returncode == 0 and "Traceback" not in result.stderr, result.stderr
    assert (folder / "mödel.nir").exists()
    result = shell('$M inspect "$FOLDER/none.pt"', model, FOLDER=folder, **locale)
    assert result.returncode == 2 and "no such file" in result.stderr and "Traceback" not in result.stderr
