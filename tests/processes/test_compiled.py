"""A read-only installation, as in a container or a service: numba's compiled code goes to a temporary folder."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mksgn_neuro
from mksgn_neuro.cli import cli
from mksgn_neuro.models.store import save_model
from mksgn_neuro.processes import compiled
from tests.small_models import STRETCHED, small_model

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


def obey_modes():
    """Root may write anywhere; without this capability it may write where its modes say so, after exec."""
    if os.getuid() == 0:
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """A copy of the package that nobody may write to, as are its home and working folder."""
    root = tmp_path_factory.mktemp("read-only")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(mksgn_neuro.__file__).parent, root / "site" / "mksgn_neuro", ignore=ignore)
    (root / "home").mkdir()
    save_model(small_model(STRETCHED), root / "model.pt")
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield root
    for folder in folders:
        folder.chmod(0o755)


@pytest.mark.slow  # compiles all kernels of the engine
@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate", "MODEL", "--limit", "2"),
        ("export", "MODEL", "--target", "nir", "--no-verify", "--output", "OUT/out.nir"),
        ("report", "MODEL", "--limit", "2", "--output", "OUT/page.html"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_commands_run_from_a_read_only_installation(arguments, installation, tmp_path_factory):
    tmp_path = tmp_path_factory.getbasetemp()  # of all commands, so that only the first compiles
    changed = {"MODEL": str(installation / "model.pt")}
    words = [changed.get(word, word).replace("OUT", str(tmp_path)) for word in arguments]
    home = installation / "home"
    own = ("XDG_CACHE_HOME", compiled.VARIABLE, compiled.MATPLOTLIBS)
    kept = {name: value for name, value in os.environ.items() if name not in own}
    environment = {**kept, "HOME": str(home), "TMPDIR": str(tmp_path), "PYTHONPATH": str(installation / "site")}
    result = subprocess.run(
        [sys.executable, "-m", "mksgn_neuro.cli", *words], cwd=home, env=environment, capture_output=True, text=True,
        preexec_fn=obey_modes,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("compiled code is kept in") == 1 and "Matplotlib" not in result.stderr
    if arguments[0] != "export":  # which runs no kernel where nothing is verified
        assert list((tmp_path / f"{compiled.FALLBACK}-{os.getuid()}").rglob("*.nbi"))


def test_a_folder_that_somebody_else_could_write_to_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own = Path(compiled._private_folder())
    assert own == Path(compiled._private_folder()) and own.stat().st_mode & 0o777 == 0o700
    own.chmod(0o777)
    other = Path(compiled._private_folder())
    assert other != own and other.stat().st_mode & 0o777 == 0o700


def test_numbas_own_places_are_left_alone_where_one_is_writable(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "PACKAGE", Path("/proc/none"))
    monkeypatch.setattr(compiled.os, "access", lambda path, _: str(path).startswith(str(tmp_path)))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(compiled.VARIABLE, "/proc/none")
    monkeypatch.setenv(compiled.MATPLOTLIBS, "")  # so that it is unset again afterwards
    monkeypatch.delenv(compiled.MATPLOTLIBS)
    assert compiled.find_cache_folder() == "" and os.environ[compiled.VARIABLE] == "/proc/none"
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    assert compiled.find_cache_folder().startswith(f"compiled code is kept in {tmp_path}")
    assert os.environ[compiled.MATPLOTLIBS] == os.environ[compiled.VARIABLE]


KERNEL = """
from numba import njit

@njit(cache=True)
def double(x):
    return half(4 * x)

@njit
def half(x):
    return x // 2
"""
PROGRAM = """
from mksgn_neuro.processes.compiled import COMPILING
COMPILING.tell = print
COMPILING.watch()
COMPILING.watch()
import kernel
assert kernel.double(3) == kernel.double(3) == 6
kernel.double(3.0)
print(COMPILING.seconds)
"""


def test_compiling_is_said_once_and_timed_and_is_over_the_second_time(tmp_path):
    (tmp_path / "kernel.py").write_text(KERNEL)
    path = os.pathsep.join([str(tmp_path), str(Path(mksgn_neuro.__file__).parents[1])])
    environment = os.environ | {"PYTHONPATH": path, compiled.VARIABLE: str(tmp_path / "cache")}
    first, second = (
        subprocess.run([sys.executable, "-c", PROGRAM], check=True, env=environment, capture_output=True, text=True)
        for _ in range(2)
    )
    said, seconds = first.stdout.splitlines()
    assert said.startswith("compiling for this processor, once; kept in ")
    assert str(tmp_path / "cache") in said
    assert 0 < float(seconds) < 60
    assert second.stdout.splitlines() == ["0.0"]


def test_what_is_compiled_within_another_function_counts_once(monkeypatch):
    clock = iter([10.0, 15.0])
    monkeypatch.setattr(compiled.time, "perf_counter", lambda: next(clock))
    compiling = compiled.Compiling()
    for step in (compiling._start, compiling._start):
        step(None)
    compiling._end()
    compiling._end()
    assert compiling.seconds == 5


@pytest.mark.parametrize(("options", "lines"), [((), ["note: compiling"]), (("--quiet",), [])], ids=["", "quiet"])
def test_a_command_says_it_on_stderr_unless_it_shall_be_quiet(options, lines, monkeypatch, capfd):
    monkeypatch.setattr(compiled.COMPILING, "tell", None)
    cli(args=[*options, "models"], standalone_mode=False)
    compiled.COMPILING._start("folder")
    compiled.COMPILING._start("folder")
    compiled.COMPILING._end()
    compiled.COMPILING._end()
    assert [line[: len("note: compiling")] for line in capfd.readouterr().err.splitlines()] == lines
