"""Peak memory of Intel's loader on layered networks of random weights, beside what `workflows.simulators` estimates.

python -m benchmarks.loader_memory NEURONS:LEVELS ...
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
import psutil
import scipy.sparse as sp

from mksgn_neuro.export.child import _save
from mksgn_neuro.export.netx.stock_loader import CHILD, StockRun
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.processes.guarded import scratch_folder
from mksgn_neuro.workflows.simulators import dense_bytes

DENSITY, STEPS = 0.02, 3


def layered(neurons: int, levels: int) -> Network:
    """A layered network whose weights are random, DENSITY of them not 0."""
    rng = np.random.default_rng(0)
    names = ["input", *(f"p{i}" for i in range(levels))]
    shape = (neurons, neurons)
    weights = lambda: sp.csr_matrix(2 * rng.integers(-10, 10, shape) * (rng.random(shape) < DENSITY))
    populations = [Population.of(name, "layer", (neurons,), vth=64, v_decay=128) for name in names[1:]]
    projections = [Projection(pre, post, weights()) for pre, post in pairwise(names)]
    return Network(Source("input", (neurons,), 7), tuple(populations), tuple(projections), names[-1])


def peak(network: Network, folder: Path) -> float:
    """Bytes of the loader's processes, each shared page counted once (proportional set size)."""
    net = write_netx(network, folder / "chain.net", reset_interval=None).net
    _save(folder / "request.npz", StockRun(net, np.ones((STEPS, network.source.size), int)).payload())
    command = [sys.executable, "-m", CHILD, str(folder / "request.npz"), str(folder / "answer.npz")]
    child = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    highest = before = 0
    while child.poll() is None:
        with suppress(psutil.Error):  # one has ended meanwhile
            now = sum(p.memory_full_info().pss for p in (child, *child.children(recursive=True)))
            # a process that forks while we add up is counted twice, but not twice in a row
            highest, before = max(highest, min(before, now)), now
        time.sleep(0.02)
    if child.returncode:
        raise click.ClickException("the loader failed")
    return highest


@click.command()
@click.argument("sizes", nargs=-1, required=True)
def main(sizes: tuple[str, ...]) -> None:
    """A line for each NEURONS:LEVELS."""
    for size in sizes:
        neurons, levels = map(int, size.split(":"))
        network = layered(neurons, levels)
        with scratch_folder() as folder:
            measured = peak(network, folder)
        pairs = levels * neurons**2 / 1e6
        said = f"{measured / 1e9:.2f} GB, estimated {dense_bytes(network) / 1e9:.2f} GB"
        click.echo(f"{pairs:g} M pairs, {levels} levels: {said}")


if __name__ == "__main__":
    main()
