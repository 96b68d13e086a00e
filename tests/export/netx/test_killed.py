"""An export that is killed leaves the file of the export before it, whole, or none."""

import os
import signal
import time

import pytest

from mksgn_neuro.export.netx.reader import read_file
from mksgn_neuro.export.netx.sidecar import require_described
from mksgn_neuro.workflows.export import write_built
from mksgn_neuro.workflows.targets import build
from tests.export.layered import random_layered

KILLS = 16


@pytest.mark.parametrize("again", [False, True], ids=["first export", "over another"])
def test_kills_at_any_moment_leave_a_whole_file_or_none(tmp_path, again):
    built, other = (build(random_layered(seed, convs=False), "loihi2") for seed in (1, 2))
    started = time.perf_counter()
    write_built(built, "loihi2", tmp_path / "timed" / "net", 9)
    took = time.perf_counter() - started
    for kill in range(KILLS):
        stem = tmp_path / str(kill) / "net"
        stem.parent.mkdir()
        if again:
            write_built(other, "loihi2", stem, 9)
        child = os.fork()
        if child == 0:
            write_built(built, "loihi2", stem, 9)
            signal.pause()
        time.sleep(took * kill / KILLS)
        while kill == KILLS - 1 and not stem.with_name("net_on_loihi2.py").exists():
            time.sleep(0.01)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        net = stem.with_name("net.net")
        assert net.exists() or not again
        if net.exists():
            read_file(net)
    require_described(net)  # the last kill came when all was written
