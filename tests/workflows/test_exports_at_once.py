"""Two exports to one path: the files that are there in the end are all of one of them."""

import os
import subprocess
import sys
import time

import pytest

EXPORT = """
import sys, time
from pathlib import Path
from mksgn_neuro.export import lava_graph
from mksgn_neuro.workflows import export, writers
from mksgn_neuro.workflows.targets import build
from tests.export.layered import random_layered

target, stem, seed, pause = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
for module in (writers, lava_graph):
    def slowly(text, path, write=module.write_text):
        time.sleep(pause)
        write(text, path)
    module.write_text = slowly
built = build(random_layered(seed, convs=False), target)
print("ready", flush=True)
sys.stdin.readline()
export.write_built(built, target, stem, 9 + seed)
"""


def started(*arguments):
    command = [sys.executable, "-c", EXPORT, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def written(folder):
    """Content by name of what is there under its own name."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".tmp"]
    return {path.relative_to(folder): path.read_bytes() for path in files}


@pytest.mark.parametrize("target", ["loihi2", "lava"])
def test_the_last_one_has_written_all_files(target, tmp_path):
    """The first one takes seconds between its network and its script; the second would come between them."""
    runs = [started(target, tmp_path / "both" / "net", 1, 2), started(target, tmp_path / "both" / "net", 2, 0)]
    alone = [started(target, tmp_path / str(seed) / "net", seed, 0) for seed in (1, 2)]
    assert all(process.stdout.readline() == "ready\n" for process in (*runs, *alone))
    for process in (*alone, runs[0]):
        go(process)
    deadline = time.monotonic() + 60
    while not written(tmp_path / "both") and time.monotonic() < deadline:
        time.sleep(0.01)
    go(runs[1])
    assert [process.wait(100) for process in (*runs, *alone)] == [0] * 4
    found, first, second = (written(tmp_path / name) for name in ("both", "1", "2"))
    assert len(found) >= 2 and first != second and found == second
