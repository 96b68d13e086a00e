"""What lava-dl's loader costs level by level, on a netx file: CPU time and peak memory of its processes.

python -m benchmarks.by_level FILE.net [--steps N] [--most-pairs N] ...
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import click
import numpy as np
import psutil

from mksgn_neuro.export.netx.pieces import MOST_PAIRS
from mksgn_neuro.export.netx.reader import read_file
from mksgn_neuro.export.netx.stock_levels import run_by_level
from mksgn_neuro.workflows.by_level import STEPS, parameters_check
from mksgn_neuro.workflows.simulators import by_emulator


class Peak(threading.Thread):
    """Bytes of this process's children at their highest, each shared page counted once (proportional set size)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.bytes = 0
        self.ended = False

    def run(self) -> None:
        """Look five times a second; one that forks meanwhile is counted twice, but not twice in a row."""
        before = 0
        while not self.ended:
            now = 0
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    now += process.memory_full_info().pss
            self.bytes, before = max(self.bytes, min(before, now)), now
            time.sleep(0.2)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--steps", default=2 * STEPS, show_default=True)
@click.option("--most-pairs", multiple=True, type=int, default=[MOST_PAIRS], show_default=True)
def main(file: Path, steps: int, most_pairs: tuple[int, ...]) -> None:
    """A line for each size of pieces."""
    network = read_file(file).network
    rng = np.random.default_rng(0)
    walk = rng.integers(-6, 7, (steps, network.source.size)).cumsum(axis=0).clip(-60, 60)
    expected = by_emulator(network, walk, None)
    for most in most_pairs:
        peak, before, start = Peak(), os.times(), time.monotonic()
        peak.start()
        run = run_by_level(file, walk, limit=1000, most_pairs=most)
        wall, after = time.monotonic() - start, os.times()
        peak.ended = True
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        differ = sum(
            int((level.spikes != expected[p.name]).sum()) for p, level in zip(network.order, run.levels, strict=True)
        )
        fired = sum(int(level.spikes.sum(dtype=np.int64)) for level in run.levels)
        held = parameters_check("our reader", "the loader", network, run).verdict
        said = f"{cpu:.0f} s of CPU, {wall:.0f} s, {peak.bytes / 1e9:.2f} GB; {differ} of {fired} spikes differ; {held}"
        click.echo(f"{most / 1e6:g} M pairs, {run.pieces} pieces, {steps} steps: {said}")


if __name__ == "__main__":
    main()
