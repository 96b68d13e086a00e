"""How the compiler's time grows: with the width and the depth of `tiny`, and with the cores that are placed.

Run from the repository root: python -m benchmarks.scale [width] [depth]. Prints processor seconds and the exponent of
the line that fits log seconds over log size best, over the sizes that take long enough to measure, beside the exponent
that n log n has over the same sizes.
"""

from __future__ import annotations

import math
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
        before, steps = balance_delays(split_delays(frames)), balance_delays(frames)
        layered, levelled = timed(levelize, before)
        mapping, mapped = timed(map_network, steps)
        count, synapses = len(mapping.cores), sum(q.synapses for q in steps.projections)
        placement, placed = timed(place_cores, mapping) if count <= MOST_CORES else (None, math.nan)
        hops = "" if placement is None else f"{placement.mean_hops:.2f}"
        rows.append((sum(q.synapses for q in layered.projections), levelled, synapses, mapped, count, placed))
        neurons = [sum(p.size for p in network.populations) for network in (steps, layered)]
        cells = (
            f"{neurons[0]:,} | {synapses:,} | {neurons[1]:,} | {levelled:.3f} | {count} | {mapping.chips} | "
            f"{mapped:.2f} | {placed:.2f}"
        )
        print(f"| {name} × {size} | {cells} | {hops} |", flush=True)
    chains, levelled, synapses, mapped, cores, placed = zip(*rows)
    powers = (exponent(chains, levelled), exponent(synapses, mapped), exponent(cores, placed))
    print(f"\nWith {name}, the time of levelize grows as the power {powers[0]} of the layered network's synapses,")
    print(f"of map as {powers[1]} of the synapses, of place as {powers[2]} of the cores.\n")


def main() -> None:
    for name in sys.argv[1:] or SIZES:
        print("| tiny | neurons | synapses | layered neurons | levelize s | cores | chips | map s | place s | hops |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        grown(name, SIZES[name])


if __name__ == "__main__":
    main()
