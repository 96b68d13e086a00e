"""Time of one frame of the network in the package as it arrives: python -m benchmarks.frames [ROUNDS].

Run it on an idle core (`taskset -c 1 python -m benchmarks.frames`), one thread, synthetic motion, simulated on CPU.
Prints tenth percentile, median and 99th percentile of the wall time and, since the machine may be shared, of the
thread's processor time, and whether they keep what docs/benchmarks.md asks: a median of at most 0.15 ms, the 99th
percentile within three times that. Where others use the caches, the tenth percentile is the nearest to an idle core.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.workload import trained_student
from mksgn_neuro.sim.stepwise import StepEmulator

MODEL = Path("mksgn_neuro/assets/nw-ucla.pt")
CLIPS, MOST_MS, MOST_RATIO = 16, 0.15, 3.0


def timed(emulator: StepEmulator, clips: np.ndarray, rounds: int) -> dict[str, np.ndarray]:
    """Milliseconds of every frame by two clocks, float64; the first clip warms up."""
    clocks = {"wall": time.perf_counter_ns, "processor": time.thread_time_ns}
    times: dict[str, list[int]] = {name: [] for name in clocks}
    for clip in (clips[0], *list(clips) * rounds):
        emulator.reset()
        for frame in clip:
            before = [clock() for clock in clocks.values()]
            emulator.step(frame)
            for name, clock, began in zip(clocks, clocks.values(), before):
                times[name].append(clock() - began)
    return {name: np.array(found[len(clips[0]) :]) / 1e6 for name, found in times.items()}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    workload = trained_student(MODEL, CLIPS)
    emulator = StepEmulator(workload.network)
    neurons = sum(p.size for p in workload.network.populations)
    print(f"{MODEL}, {neurons:,} neurons, {emulator.plan.max_lag} rows of spikes kept\n")
    limits = f"at most {MOST_MS} ms | within {MOST_RATIO:.0f}×"
    print(f"| clock | frames | 10th percentile ms | median ms | 99th percentile ms | / median | {limits} |")
    print("|---|---|---|---|---|---|---|---|")
    for name, ms in timed(emulator, workload.inputs, rounds).items():
        quick, middle, slow = np.percentile(ms, (10, 50, 99))
        kept = "yes" if middle <= MOST_MS else "no"
        steady = "yes" if slow <= MOST_RATIO * middle else "no"
        cells = f"{len(ms):,} | {quick:.3f} | {middle:.3f} | {slow:.3f} | {slow / middle:.2f} | {kept} | {steady}"
        print(f"| {name} | {cells} |")
    print(f"\nload of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
