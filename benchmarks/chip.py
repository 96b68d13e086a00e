"""Mapping, placement and traffic: times and figures. Run from the repository root: python -m benchmarks.chip

Needs nothing but the package; the student's shapes are those of the presets, its weights are random.
"""

from __future__ import annotations

import time
from contextlib import contextmanager

import numpy as np
import torch

from mksgn_neuro.chip.mapping import compiler_mapping, map_network
from mksgn_neuro.chip.placement import naive_placement, place_cores
from mksgn_neuro.chip.traffic import measure_traffic
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.ir import Network
from mksgn_neuro.lowering import as_layered, balance_delays, lower
from mksgn_neuro.models.store import build_student
from mksgn_neuro.nn.stages import fold, quantize
from mksgn_neuro.training.presets import PRESETS, preset

STEPS, RATE = 64, 0.1


@contextmanager
def timed(seconds: dict[str, float], name: str):
    start = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - start


def random_spikes(network: Network) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    inputs = rng.integers(-8, 8, (STEPS, network.source.size))
    return inputs, {p.name: (rng.random((STEPS, p.size)) < RATE).astype(np.uint8) for p in network.populations}


def measure(name: str, network: Network) -> str:
    seconds: dict[str, float] = {}
    with timed(seconds, "map"):
        mapping = map_network(network)
    with timed(seconds, "place"):
        placed = place_cores(mapping)
    with timed(seconds, "traffic"):
        measure_traffic(placed, *random_spikes(network))
    naive = naive_placement(mapping).mean_hops
    neurons = sum(p.size for p in network.populations)
    synapses = sum(q.synapses for q in network.projections)
    compiler = len(compiler_mapping(network).cores)
    hops = f"{naive:.2f} | {placed.mean_hops:.2f} | {1 - placed.mean_hops / naive:.0%}"
    times = " | ".join(f"{seconds[key]:.2f}" for key in ("map", "place", "traffic"))
    return f"| {name} | {neurons:,} | {synapses:,} | {len(mapping.cores)} | {compiler} | {hops} | {times} |"


def main() -> None:
    columns = ("network", "neurons", "synapses", "cores", "compiler", "hops, naive", "hops, placed", "fewer")
    print(f"| {' | '.join((*columns, 'map s', 'place s', 'traffic s'))} |")
    print("|---" * (len(columns) + 3) + "|")
    for name in PRESETS:
        chosen = preset(name)
        torch.manual_seed(0)
        trained = quantize(fold(build_student(chosen.student(10), KINECT_20, chosen.graph_radius).eval()))
        frames = lower(trained)
        print(measure(f"{name}, graph", balance_delays(frames)), flush=True)
        print(measure(f"{name}, layered", as_layered(frames)), flush=True)


if __name__ == "__main__":
    main()
