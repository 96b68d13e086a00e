"""Files are there whole or not at all."""

import os
import resource
import subprocess
import sys
from contextlib import contextmanager

import h5py
import numpy as np
import pytest
import torch

from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import atomic_write, require_writable, write_text
from mksgn_neuro.models.store import write_atomically
from tests.paths import ordinary_user


def test_a_file_that_fails_half_way_leaves_the_old_one_and_nothing_else(tmp_path):
    path = tmp_path / "model.pt"
    write_text("old", path)
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        temporary.write_text("half")
        assert path.read_text() == "old"
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with atomic_write(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


@contextmanager
def little_space(size=4096):
    """Files may not grow beyond it: as on a full disk, a write fails half-way."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write_hdf5(path):
    with atomic_write(path) as temporary, h5py.File(temporary, "w") as file:
        file["x"] = np.arange(100_000)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_text("x" * 100_000, path),
        lambda path: write_atomically({"x": torch.arange(100_000)}, path),
        write_hdf5,
    ],
    ids=["text", "torch", "hdf5"],
)
def test_a_full_disk_is_one_line_and_the_old_file_stays(write, tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with little_space(), pytest.raises(BadInput, match="file: cannot write it .*too large.*enough space") as caught:
        write(path)
    assert "\n" not in str(caught.value)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_known_before(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "new" / "deep" / "file", tmp_path / "file"):
        assert require_writable(path) == path
    assert require_writable(tmp_path, folder=True) == tmp_path
    with pytest.raises(BadInput, match="is a folder, not a file"):
        require_writable(tmp_path)
    with pytest.raises(BadInput, match="is a file, not a folder"):
        require_writable(tmp_path / "file" / "below")
    with pytest.raises(BadInput, match="is a file, not a folder"):
        require_writable(tmp_path / "file", folder=True)


def test_a_folder_of_somebody_else_is_known_before(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o555)
    with ordinary_user(tmp_path), pytest.raises(BadInput, match="nothing may be written into .*theirs"):
        require_writable(theirs / "new" / "file")
    with ordinary_user(tmp_path), pytest.raises(BadInput, match="cannot write it .*Permission denied"):
        write_text("new", theirs / "file")
    theirs.chmod(0o700)
    (theirs / "hidden").mkdir()
    with ordinary_user(tmp_path), pytest.raises(BadInput, match="Permission denied"):
        require_writable(theirs / "hidden" / "file")


WRITE = """
import sys
from pathlib import Path
from mksgn_neuro.files import together
a, b = Path(sys.argv[1]) / "a", Path(sys.argv[1]) / "b"
for n in range(300):
    with together(a, b) as (first, second):
        first.write_text(f"{sys.argv[2]} {n}")
        second.write_text(f"{sys.argv[2]} {n}")
"""


def test_of_two_writers_the_last_has_written_all_files(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", WRITE, str(tmp_path)]
    writers = [subprocess.Popen([*command, name], env=environment) for name in "xy"]
    assert [writer.wait(100) for writer in writers] == [0, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()
