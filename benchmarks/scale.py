"""How the compiler's time grows: with the width and the depth of `tiny`, and with the cores that are placed.

Run from the repository root: python -m benchmarks.scale [width] [depth] [SIZE ...], all sizes if none is given. Prints
processor seconds and the exponent of the line that fits log seconds over log size best, over the sizes that take long
enough to measure, beside the exponent that n log n has over the same sizes. Depth 68 fills more than 2,000 cores.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch

from mksgn_neuro.chip.mapping import map_network
from mksgn_neuro.chip.placement import place_cores
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.ir import Network
from mksgn_neuro.lowering import balance_delays, lower
from mksgn_neuro.lowering.levelize import levelize
from mksgn_neuro.lowering.split_delays import split_delays
from mksgn_neuro.models.store import build_student
from mksgn_neuro.nn.stages import fold, quantize
from mksgn_neuro.training.presets import preset

Made = TypeVar("Made")
SIZES = {"width": (1, 2, 4, 8, 16, 32), "depth": (1, 2, 4, 8, 16, 32, 68)}  # 68: more than 2,000 cores
MOST_CORES = 2500
LEAST_SECONDS = 0.02  # below, a clock's grain and Python's start-up are what is measured


def tiny(width: int = 1, depth: int = 1) -> Network:
    """Preset `tiny`, so many times as wide or with so many times its blocks, in frames."""
    chosen = preset("tiny")
    given = chosen.student(10)
    channels, dilations = tuple(width * c for c in given.channels) * depth, given.dilations * depth
    torch.manual_seed(0)
    student = build_student(replace(given, channels=channels, dilations=dilations), KINECT_20, chosen.graph_radius)
    return lower(quantize(fold(student.eval())))


def timed(call: Callable[..., Made], *given: object) -> tuple[Made, float]:
    """What the call gives, and its seconds."""
    start = time.process_time()
    made = call(*given)
    return made, time.process_time() - start


def exponent(sizes: Sequence[float], times: Sequence[float]) -> str:
    """The power of the size that the time grows with."""
    kept = [(n, t) for n, t in zip(sizes, times) if t >= LEAST_SECONDS]
    if len(kept) < 2:
        return "too fast to say"
    compared = kept, [(n, n * math.log(n)) for n, _ in kept]
    fitted, straight = (np.polyfit(*np.log(np.array(pairs)).T, 1)[0] for pairs in compared)
    return f"{fitted:.2f} (n log n: {straight:.2f})"


def grown(name: str, sizes: tuple[int, ...]) -> None:
    """One row for each size, and the exponents."""
    rows = []
    for size in sizes:
        frames = tiny(**{name: size})
        separate, split = timed(split_delays, frames)
        before, steps = balance_delays(separate), balance_delays(frames)
        layered, levelled = timed(levelize, before)
        mapping, mapped = timed(map_network, steps)
        count, synapses = len(mapping.cores), sum(q.synapses for q in steps.projections)
        placement, placed = timed(place_cores, mapping) if count <= MOST_CORES else (None, math.nan)
        hops = "" if placement is None else f"{placement.mean_hops:.2f}"
        neurons = [sum(p.size for p in network.populations) for network in (steps, layered)]
        inside = sum(q.synapses for q in layered.projections)
        rows.append((neurons[0], split, inside, levelled, synapses, mapped, count, placed))
        cells = (
            f"{neurons[0]:,} | {synapses:,} | {neurons[1]:,} | {split:.3f} | {levelled:.3f} | {count} | "
            f"{mapping.chips} | {mapped:.2f} | {placed:.2f}"
        )
        print(f"| {name} × {size} | {cells} | {hops} |", flush=True)
    neurons, split, chains, levelled, synapses, mapped, cores, placed = zip(*rows)
    print(f"\nWith {name}, the time of splitting delays grows as the power {exponent(neurons, split)} of the neurons,")
    print(f"of levelize as {exponent(chains, levelled)} of the layered network's synapses,")
    print(f"of map as {exponent(synapses, mapped)} of the synapses,")
    print(f"of place as {exponent(cores, placed)} of the cores.\n")


def main() -> None:
    sizes = tuple(int(given) for given in sys.argv[1:] if given.isdigit())
    columns = "neurons", "synapses", "layered neurons", "split s", "levelize s", "cores", "chips", "map s", "place s"
    for name in [given for given in sys.argv[1:] if not given.isdigit()] or SIZES:
        print(f"| tiny | {' | '.join(columns)} | hops |\n|{'---|' * (len(columns) + 2)}")
        grown(name, sizes or SIZES[name])
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
