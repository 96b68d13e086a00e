"""Seconds and memory of lowering a preset's student, untrained: python -m benchmarks.lowering [PRESET ...]

Each preset in a process of its own, so that its peak memory is its own. What was there before (Python, torch, the
student) is named too.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import torch

from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.ir.spec import check
from mksgn_neuro.lowering import as_layered, balance_delays, lower
from mksgn_neuro.models.store import build_student
from mksgn_neuro.nn.stages import fold, quantize
from mksgn_neuro.training.presets import PRESETS, preset

CHILD = "--in-this-process"


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str) -> str:
    chosen = preset(name)
    torch.manual_seed(0)
    student = build_student(chosen.student(10), KINECT_20, chosen.graph_radius).eval()
    before, start = peak_mib(), time.perf_counter()
    network = lower(quantize(fold(student)))
    lowered = time.perf_counter()
    steps, layered = balance_delays(network), as_layered(network)
    end = time.perf_counter()
    violations = len(check(network)) + len(check(steps)) + len(check(layered))
    synapses = sum(q.synapses for q in network.projections)
    seconds = f"{lowered - start:.2f} s to the IR, {end - lowered:.2f} s to time steps and to a layered network"
    memory = f"{before:.0f} MiB before, {peak_mib():.0f} MiB at most"
    return f"{name}: {synapses:,} synapses, {seconds}, {memory}, {violations} violations"


def main() -> None:
    names = sys.argv[1:] or list(PRESETS)
    if names[0] == CHILD:
        print(measure(names[1]))
        return
    for name in names:
        subprocess.run([sys.executable, "-m", "benchmarks.lowering", CHILD, name], check=True)


if __name__ == "__main__":
    main()
