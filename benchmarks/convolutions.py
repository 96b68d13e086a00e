"""What it takes to build the emulator of a network with convolutions, kernels as they are beside kernels unrolled.

python -m benchmarks.convolutions [FILE.net]; without a file, Intel's PilotNet, which the tests of lava-dl bring along.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np

from mksgn_neuro.export.netx.reader import read_netx
from mksgn_neuro.sim import convolutions
from mksgn_neuro.sim.engine import Emulator

STEPS = 24
BIGGEST = 2000  # of random inputs, so that PilotNet's layers fire


def pilotnet() -> Path:
    """In the installed tests of lava-dl."""
    lava = find_spec("lava.lib.dl.netx")
    if lava is None:
        raise click.UsageError("lava-dl is not installed: give a FILE.net")
    root = Path(next(iter(lava.submodule_search_locations or [])))
    return root.parents[3].joinpath("tests", "lava", "lib", "dl", "netx", "gts", "pilotnet_lif", "network.net")


def measure(path: Path, unrolled: int) -> tuple[float, float, float, str]:
    """Seconds to build and to run STEPS steps, highest memory in MB when built, and a digest of all spikes."""
    network, _ = read_netx(path)
    convolutions.UNROLLED = unrolled
    inputs = np.random.default_rng(0).integers(0, min(BIGGEST, network.source.payloads[1]) + 1, network.source.size)
    started = time.perf_counter()
    emulator = Emulator(network, threads=1)
    built = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    emulator.run(inputs[None])  # compiles
    started = time.perf_counter()
    spikes = emulator.run(np.repeat(inputs[None], STEPS, axis=0), record="all").spikes
    ran = time.perf_counter() - started
    digest = hashlib.sha256(b"".join(np.packbits(s).tobytes() for s in spikes.values())).hexdigest()[:12]
    return built, ran, memory, digest


@click.command()
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
def main(path: Path | None) -> None:
    """A process for each, so that memory is its own."""
    for name, unrolled in (("as they are", convolutions.UNROLLED), ("unrolled", sys.maxsize)):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            built, ran, memory, digest = pool.submit(measure, path or pilotnet(), unrolled).result()
        click.echo(f"{name}: built in {built:.2f} s, {memory:.0f} MB, {STEPS} steps in {ran:.2f} s, spikes {digest}")


if __name__ == "__main__":
    main()
