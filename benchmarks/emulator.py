"""The emulator against what else a user could run, all on one network: python -m benchmarks.emulator [--model M] OUT

Times are the best of several interleaved repetitions, since other work may share the machine; ratios compare forms
that ran side by side. Writes OUT/emulator-activity.png and OUT/emulator.json.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import click
import numba
import numpy as np
import scipy.sparse as sp
import torch

from benchmarks.workload import Workload, calibrated_student, trained_student
from mksgn_neuro.cores import usable_cores
from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.lowering import balance_delays
from mksgn_neuro.sim import kernels, passes
from mksgn_neuro.sim.bits import HALF_LANES
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.measure import measure
from mksgn_neuro.sim.stepwise import StepEmulator
from mksgn_neuro.sim.workspace import allocate, fill_inputs

ACTIVITIES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)


def best(works: dict[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    """Shortest seconds of each, taken in turn."""
    seconds = dict.fromkeys(works, np.inf)
    for _ in range(repetitions + 1):  # the first also compiles and warms
        for name, work in works.items():
            started = time.perf_counter()
            work()
            seconds[name] = min(seconds[name], time.perf_counter() - started)
    return seconds


def against_torch(workload: Workload, threads: int) -> dict:
    """Samples per second of the float student's forward and of the emulator, same batch, same threads."""
    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))  # the student's neurons are numba kernels
    emulator = Emulator(workload.network, threads=threads)

    def forward(student: torch.nn.Module) -> torch.Tensor:
        with torch.inference_mode():
            return student(workload.frames).counts.sum(-1)

    result = emulator.run(workload.inputs)
    equal = np.array_equal(result.scores, forward(workload.integer).numpy())
    works = {
        "emulator": lambda: emulator.run(workload.inputs),
        "torch float32": lambda: forward(workload.floating),
        "torch integer-exact": lambda: forward(workload.integer),
    }
    seconds = best(works, 5)
    operations = measure(workload.network, result.counts).operations
    synops, steps = operations.acs + operations.macs, result.counts.steps
    return {
        "samples_per_s": {name: len(workload.frames) / s for name, s in seconds.items()},
        "steps_per_s": steps / seconds["emulator"],
        "synops_per_s": synops / seconds["emulator"],
        "dense_equivalent_per_s": operations.dense / seconds["emulator"],
        "synops_per_step": synops / steps,
        "ratio_to_torch_float32": seconds["torch float32"] / seconds["emulator"],
        "scores_equal_integer_student": equal,
    }


def against_lava(workload: Workload, threads: int, steps: int) -> dict:
    """Steps per second in the network's own topology, start-up of Lava subtracted by running two lengths."""
    from mksgn_neuro.export.lava_graph import run_lava

    network = balance_delays(workload.network)
    stream = np.concatenate(list(workload.inputs))[:steps]
    seconds = {}
    for length in (steps // 4, steps):
        started = time.perf_counter()
        spikes = run_lava(network, stream[:length], record=[network.readout], limit=1800)
        seconds[length] = time.perf_counter() - started
    lava = (steps - steps // 4) / (seconds[steps] - seconds[steps // 4])
    batch, alone = Emulator(network, threads=threads), Emulator(network, threads=1)
    ours = alone.run(stream, record=[network.readout])
    counted = batch.run(workload.inputs).counts.steps
    times = best({"batch": lambda: batch.run(workload.inputs), "one stream": lambda: alone.run(stream)}, 5)
    return {
        "lava_steps_per_s": lava,
        "lava_start_s": seconds[steps] - steps / lava,
        "emulator_steps_per_s": counted / times["batch"],
        "emulator_one_stream_steps_per_s": steps / times["one stream"],
        "ratio": counted / times["batch"] / lava,
        "ratio_one_stream": steps / times["one stream"] / lava,
        "spikes_equal": bool(np.array_equal(ours.spikes[network.readout][0], spikes[network.readout])),
    }


def graph_convolution(workload: Workload) -> Network:
    """The network's largest graph convolution alone, fed by as many binary inputs."""
    largest = max((q for q in workload.network.projections if q.post.endswith(".graph")), key=lambda q: q.synapses)
    post = workload.network[largest.post]
    population = Population.of("graph", "graph", (post.size,), vth=post.vth, v_decay=post.v_decay, bias=post.bias)
    source = Source("input", (largest.matrix.shape[1],), 0)
    return Network(source, (population,), (Projection("input", "graph", largest.matrix),), readout="graph")


def over_activity(workload: Workload, steps: int = 256) -> dict:
    """Seconds of the graph convolution's kernel over activity, beside exact float32 products per pair of joints."""
    network, joints = graph_convolution(workload), len(workload.frames[0, 0, 0])
    emulator, rng = Emulator(network, threads=1), np.random.default_rng(0)
    matrix, size = network.projections[0].matrix, network.source.size
    pre, post = size // joints, matrix.shape[0] // joints
    pairs = _joint_pairs(matrix, joints, post, pre)
    found = {"activity": [], "synops": [], "seconds": [], "gemm_seconds": [], "macs": steps * len(pairs) * pre * post}
    for activity in ACTIVITIES:
        spikes = (rng.random((steps, size)) < activity).astype(np.int32)
        work = allocate(emulator.plan, steps, size)
        fill_inputs(emulator.plan, network.source, work, 0, spikes)
        start, end = np.array([0]), np.array([steps])
        floats = spikes.astype(np.float32).reshape(steps, joints, pre).transpose(1, 0, 2).copy()
        works = {
            "ours": lambda work=work, start=start, end=end: kernels.run(
                emulator.plan.tables, work, start, start, end, 0
            ),
            "gemm": lambda floats=floats: _gemm(floats, pairs, joints, post),
        }
        seconds = best(works, 30)
        found["activity"].append(activity)
        found["synops"].append(int((spikes @ np.bincount(matrix.indices, minlength=size)).sum()))
        found["seconds"].append(seconds["ours"])
        found["gemm_seconds"].append(seconds["gemm"])
    within = np.array(ACTIVITIES) <= 0.5
    x, y = np.array(found["synops"], dtype=float)[within], np.array(found["seconds"])[within]
    slope, intercept = np.polyfit(x, y, 1)
    residual = ((y - slope * x - intercept) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    wins = [a for a, ours, gemm in zip(ACTIVITIES, found["seconds"], found["gemm_seconds"]) if gemm < ours]
    return found | {
        "synops_per_s_marginal": 1 / slope,
        "seconds_without_spikes": intercept,
        "r_squared": 1 - residual,
        "gemm_faster_from_activity": min(wins, default=None),
        "gemm_macs_per_s": found["macs"] / min(found["gemm_seconds"]),
    }


def _joint_pairs(matrix: sp.csr_matrix, joints: int, post: int, pre: int) -> list[tuple[int, int, np.ndarray]]:
    blocks = [(i, j, matrix[i * post : (i + 1) * post, j * pre : (j + 1) * pre]) for i, j in np.ndindex(joints, joints)]
    return [(i, j, np.ascontiguousarray(block.toarray().T, dtype=np.float32)) for i, j, block in blocks if block.nnz]


def _gemm(spikes: np.ndarray, pairs: list, joints: int, post: int) -> np.ndarray:
    sums = np.zeros((joints, spikes.shape[1], post), dtype=np.float32)
    for i, j, weights in pairs:
        sums[i] += spikes[j] @ weights
    return sums


def counting_share(workload: Workload) -> float:
    """Time of the counting pass over the time of the simulation, one thread."""
    emulator, clip = Emulator(workload.network, threads=1), np.concatenate(list(workload.inputs[:6]))
    work, tables = allocate(emulator.plan, len(clip), workload.network.source.size), emulator.plan.tables
    fill_inputs(emulator.plan, workload.network.source, work, 0, clip)
    start, end = np.array([0]), np.array([len(clip)])
    counts = np.zeros(len(tables.degree), dtype=np.int32)
    most, synops = np.zeros(len(tables.pop_slot), dtype=np.int64), np.zeros(len(clip), dtype=np.int64)
    reached = np.zeros((len(clip), HALF_LANES), dtype=np.int32)
    works = {
        "run": lambda: kernels.run(tables, work, start, start, end, 0),
        "count": lambda: passes.count_spikes(tables, work.bits, len(clip), counts, most, reached, synops),
    }
    seconds = best(works, 30)
    return seconds["count"] / seconds["run"]


def read_bandwidth(bytes_read: int) -> float:
    """Bytes per second that one thread sums from an array of this size, best of 50."""
    array = np.ones(bytes_read // 8, dtype=np.float64)
    return array.nbytes / best({"sum": lambda: array.dot(array)}, 50)["sum"]


def per_frame(workload: Workload) -> dict:
    """Milliseconds per frame of the step-wise emulator on one core."""
    stepper, times = StepEmulator(workload.network), []
    for clip in workload.inputs[:8]:
        stepper.reset()
        for frame in clip:
            started = time.perf_counter()
            stepper.step(frame)
            times.append(1e3 * (time.perf_counter() - started))
    return {
        "median_ms": float(np.median(times[8:])),
        "best_ms": min(times),
        "p99_ms": float(np.percentile(times[8:], 99)),
    }


def plot(sweep: dict, path: Path) -> None:
    """Time over synaptic operations, with the fit and the dense products."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    axes.plot(np.array(sweep["synops"]) / 1e6, np.array(sweep["seconds"]) * 1e3, "o-", label="emulator")
    axes.plot(np.array(sweep["synops"]) / 1e6, np.array(sweep["gemm_seconds"]) * 1e3, "s--", label="float32 products")
    for x, y, activity in zip(sweep["synops"], sweep["seconds"], sweep["activity"]):
        axes.annotate(f"{activity:.0%}", (x / 1e6, y * 1e3), textcoords="offset points", xytext=(3, -10), fontsize=7)
    axes.set(xlabel="synaptic operations (millions)", ylabel="milliseconds, one thread", ylim=(0, None))
    axes.set_title(f"Graph convolution, R² {sweep['r_squared']:.4f} for 1–50 % activity", fontsize=10)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=150)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help="A trained model.pt; default: preset base, untrained.")
@click.option("--clips", default=64, show_default=True)
@click.option("--threads", default=usable_cores(), show_default=True)
@click.option("--lava-steps", default=80, show_default=True, help="0: leave Lava out.")
def main(folder: Path, model: Path | None, clips: int, threads: int, lava_steps: int) -> None:
    """Run every comparison and print the ratios."""
    folder.mkdir(parents=True, exist_ok=True)
    workload = calibrated_student(clips=clips) if model is None else trained_student(model, clips)
    neurons = sum(p.size for p in workload.network.populations)
    synapses = sum(q.synapses for q in workload.network.projections)
    click.echo(f"{workload.what}: {neurons} neurons, {synapses} synapses, {clips} clips; load {os.getloadavg()[0]:.1f}")
    found = {"subject": workload.what, "neurons": neurons, "synapses": synapses, "threads": threads}
    found["torch"] = run = against_torch(workload, threads)
    for name, value in run["samples_per_s"].items():
        click.echo(f"  {name}: {value:.0f} samples/s on {threads} threads")
    click.echo(
        f"  emulator / torch float32: {run['ratio_to_torch_float32']:.1f}×; {run['steps_per_s']:.0f} steps/s, "
        f"{run['synops_per_s'] / 1e9:.2f} G synops/s; scores equal: {run['scores_equal_integer_student']}"
    )
    found["counting_share"] = counting_share(workload)
    found["per_frame"] = per_frame(workload)
    click.echo(
        f"  counting: {found['counting_share']:.1%}; per frame, one core: {found['per_frame']['median_ms']:.2f} ms"
    )
    found["activity"] = sweep = over_activity(workload)
    plot(sweep, folder / "emulator-activity.png")
    weights = Emulator(graph_convolution(workload), threads=1).plan.tables.weights.nbytes
    found["bandwidth"] = {"bytes": weights, "read_bytes_per_s": read_bandwidth(weights)}
    used = 2 * sweep["synops_per_s_marginal"]
    found["bandwidth"]["fraction"] = used / found["bandwidth"]["read_bytes_per_s"]
    click.echo(
        f"  graph convolution: {sweep['synops_per_s_marginal'] / 1e9:.1f} G synops/s per thread, R² "
        f"{sweep['r_squared']:.4f}; {used / 1e9:.0f} GB/s of weight rows, {found['bandwidth']['fraction']:.0%} of what "
        "a thread reads of as large an array (rows come from nearer caches)"
    )
    click.echo(
        f"  float32 products: {sweep['gemm_macs_per_s'] / 1e9:.1f} G MAC/s per thread, faster from activity "
        f"{sweep['gemm_faster_from_activity']}"
    )
    if lava_steps:
        found["lava"] = lava = against_lava(workload, threads, lava_steps)
        click.echo(
            f"  Lava fixed_pt: {lava['lava_steps_per_s']:.1f} steps/s; emulator {lava['emulator_steps_per_s']:.0f} "
            f"({lava['ratio']:.0f}×), one stream on one core {lava['emulator_one_stream_steps_per_s']:.0f} "
            f"({lava['ratio_one_stream']:.0f}×); spikes equal: {lava['spikes_equal']}"
        )
    temporary = folder / "emulator.json.tmp"
    temporary.write_text(json.dumps(found, indent=1))
    temporary.replace(folder / "emulator.json")


if __name__ == "__main__":
    main()
