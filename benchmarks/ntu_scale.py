"""What a data set of NTU's size takes, measured on generated files of real size and extrapolated to the real ones.

Run from the repository root: python -m benchmarks.ntu_scale [--clips 5000] [--classes 60]. Writes `.skeleton` files
into a temporary folder, an eighth, a quarter, a half and all of --clips, and removes them. Every row is measured in a
process of its own, with one thread; its memory is that process's peak.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

FRAMES, JOINTS = (55, 96), 25  # about 75 frames
TOGETHER = {60: range(50, 61), 120: (*range(50, 61), *range(106, 121))}  # actions of two people
SUBJECTS, SETUPS, CAMERAS = {60: 40, 120: 106}, {60: 17, 120: 32}, 3
REAL = (56_880, 114_480)  # clips of NTU RGB+D 60 and 120
STEPS, SIMULATED = 6, 24  # training steps and test clips that are timed
LEAST_SECONDS = 0.05  # below, a clock's grain and Python's start-up are what is measured


def body(rng: np.random.Generator, frames: int, beside: float) -> np.ndarray:
    """A person who stands and moves the joints, (frames, 25, 3) metres as a Kinect sees it."""
    v = np.arange(JOINTS)
    pose = np.stack([beside + 0.25 * np.sin(v), np.linspace(-0.9, 0.8, JOINTS), 3 + 0.1 * np.cos(v)], axis=1)
    phase, swing = rng.uniform(0, 6.3, (JOINTS, 3)), rng.uniform(0, 0.12, (JOINTS, 3))
    t = np.arange(frames)[:, None, None]
    return pose + swing * np.sin(0.2 * t + phase) + rng.normal(0, 0.002, (frames, JOINTS, 3))


def frame_lines(xyz: np.ndarray, rest: np.ndarray, number: int) -> list[str]:
    """One body of one frame: its line, the number of joints, and 25 lines of 12 fields."""
    joints = [
        " ".join(f"{a:.7g}" for a in place) + " " + " ".join(f"{a:.4g}" for a in other) + " 2"
        for place, other in zip(xyz, rest)
    ]
    return [f"{72057594037937000 + number} 0 1 1 1 1 0 {rest[0, 0]:.7g} {rest[0, 1]:.7g} 2", "25", *joints]


def frame_text(rng: np.random.Generator, bodies: list[np.ndarray]) -> str:
    """One frame, of the bodies (25, 3) that are in it."""
    lines = [str(len(bodies))]
    for number, xyz in enumerate(bodies):
        rest = rng.normal(0, 1, (JOINTS, 8)) * np.array([250, 200, 900, 500, 1, 1, 1, 1])
        lines += frame_lines(xyz, rest, number)
    return "\r\n".join(lines)


def name_of(i: int, classes: int) -> str:
    """The i-th clip's; no two are equal. Actions change fastest, then subjects, cameras, setups."""
    action, rest = i % classes, i // classes
    subject = (rest * 7 + action) % SUBJECTS[classes]
    camera, more = rest % CAMERAS, rest // CAMERAS
    setup, repetition = more % SETUPS[classes], more // SETUPS[classes]
    return f"S{1 + setup:03d}C{1 + camera:03d}P{1 + subject:03d}R{1 + repetition:03d}A{1 + action:03d}"


def write_clips(folder: Path, first: int, last: int, classes: int) -> int:
    """Clips `first` to `last` − 1; bytes written. Their later frames come from a few dozen motions: text is slow."""
    rng = np.random.default_rng(0)
    pool = {1: [], 2: []}
    for bodies in (1, 2):
        for frames in rng.integers(*FRAMES, 16):
            people = [body(rng, int(frames), float(b)) for b in range(bodies)]
            pool[bodies].append((people, [frame_text(rng, [p[t] for p in people]) for t in range(1, frames)]))
    size = 0
    for i in range(first, last):
        own, name = np.random.default_rng((1, i)), name_of(i, classes)
        people, later = pool[2 if int(name[-3:]) in TOGETHER[classes] else 1][own.integers(16)]
        start = frame_text(own, [p[0] + own.normal(0, 0.002, (JOINTS, 3)) for p in people])
        text = "\r\n".join([str(len(later) + 1), start, *later]) + "\r\n"
        size += (folder / f"{name}.skeleton").write_bytes(text.encode())
    return size


def load(folder: Path, classes: int) -> object:
    """The clips, from the text or from the cache."""
    from mksgn_neuro.data import registry

    return registry.load(f"ntu{classes}-xsub", folder)


def cache(folder: Path, classes: int) -> dict:
    """Parse the text and store it."""
    return {"clips": len(load(folder, classes))}


def inspect(folder: Path, classes: int) -> dict:
    """What `data inspect` does, on the cache."""
    from mksgn_neuro.data.inspection import inspect as look

    return {"clips": look(folder)["datasets"][0]["clips"]}


def train(folder: Path, classes: int) -> dict:
    """A few steps of `tiny`'s float stage without teachers, over batches of all training clips."""
    import torch

    from mksgn_neuro.data.frames import fit_scaling
    from mksgn_neuro.models.store import build_student
    from mksgn_neuro.training.allocator import keep_freed_memory
    from mksgn_neuro.training.batches import batches_per_epoch, sequence_batches
    from mksgn_neuro.training.presets import preset

    torch.set_num_threads(1)
    keep_freed_memory()
    clips = load(folder, classes)
    fit, chosen = clips.subset(clips.train), preset("tiny", soft_label_weight=0.0, feature_weight=0.0)
    scaling = fit_scaling(fit, chosen.rate)
    student = build_student(chosen.student(classes), clips.skeleton, chosen.graph_radius)
    begun = time.perf_counter()
    shape = replace(chosen.sequences, least=STEPS + 1)
    batches = sequence_batches(fit, scaling, shape, chosen.augmentation, seed=0, stage="float", epoch=0)
    for drawn, batch in enumerate(batches):
        if drawn == 1:  # the first one draws the epoch's plan and compiles kernels
            first, begun = time.perf_counter() - begun, time.perf_counter()
        activity = student(batch.frames)
        spikes = activity.class_spikes.sum(-1).transpose(0, 1)
        torch.nn.functional.cross_entropy(spikes.flatten(0, 1), batch.labels.flatten()).backward()
        if drawn == STEPS:
            break
    step, steps = (time.perf_counter() - begun) / STEPS, batches_per_epoch(fit, chosen.sequences)
    return {"first step": first, "seconds per step": step, "steps": steps, "hours per epoch": step * steps / 3600}


def read_all(folder: Path, classes: int) -> dict:
    """Every batch of an epoch, without a network: what the clips alone take."""
    import torch

    from mksgn_neuro.data.frames import fit_scaling
    from mksgn_neuro.training.batches import sequence_batches
    from mksgn_neuro.training.presets import preset

    torch.set_num_threads(1)
    clips, chosen = load(folder, classes), preset("tiny")
    fit = clips.subset(clips.train)
    batches = sequence_batches(
        fit, fit_scaling(fit, chosen.rate), chosen.sequences, chosen.augmentation, seed=0, stage="float", epoch=0
    )
    return {"batches": sum(1 for _ in batches)}


def simulate(folder: Path, classes: int) -> dict:
    """Preset `tiny`, random weights, in integers on a few of the test clips, from rest."""
    import torch

    from mksgn_neuro.data.frames import fit_scaling
    from mksgn_neuro.lowering import lower
    from mksgn_neuro.models.store import Model, build_student, save_model
    from mksgn_neuro.nn.stages import fold, quantize
    from mksgn_neuro.training.presets import preset
    from mksgn_neuro.workflows.load import load_networks
    from mksgn_neuro.workflows.recognise import recognise

    torch.manual_seed(0)
    clips, chosen = load(folder, classes), preset("tiny")
    student = quantize(fold(build_student(chosen.student(classes), clips.skeleton, chosen.graph_radius).eval()))
    lower(student)
    scaling, path = fit_scaling(clips, chosen.rate), folder.parent / "model.pt"
    names = clips.class_names
    save_model(
        Model(student, clips.skeleton, chosen.graph_radius, scaling, names, chosen.timing, clips.dataset, {}), path
    )
    network = load_networks(path).default_representation[1]
    test = clips.subset(~clips.train)
    test = test.subset(np.linspace(0, len(test) - 1, min(SIMULATED, len(test))).astype(int))
    begun = time.perf_counter()
    recognise(network, test, "clip")
    return {"seconds per clip": (time.perf_counter() - begun) / len(test)}


MEASURED: dict[str, Callable[[Path, int], dict]] = {
    "cache": cache,
    "second start": cache,
    "inspect": inspect,
    "one epoch's batches": read_all,
    "train": train,
    "simulate": simulate,
}


def child(name: str, folder: Path, classes: int) -> None:
    """Print what one part took in this process."""
    begun, busy = time.perf_counter(), time.process_time()
    found = MEASURED[name](folder, classes)
    found |= {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - busy}
    print(json.dumps(found | {"MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def measure(name: str, folder: Path, classes: int) -> dict:
    """One part in a process of its own, whose compiled kernels an earlier one has left."""
    command = [sys.executable, "-m", "benchmarks.ntu_scale", "--child", name, str(folder), "--classes", str(classes)]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    environment = os.environ | threads | {"MKSGN_NEURO_CACHE": str(folder.parent / "cache")}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def exponent(sizes: list[int], values: list[float], least: float) -> float | None:
    """The power of the size that a value grows with, None where fewer than two are large enough to say."""
    kept = [(n, value) for n, value in zip(sizes, values) if value >= least]
    return float(np.polyfit(*np.log(np.array(kept)).T, 1)[0]) if len(kept) > 1 else None


def extrapolated(sizes: list[int], values: list[float], least: float) -> str:
    """The exponent, and the straight line through the values at the real data sets' sizes.

    Start-up hides in the exponent what grows, and carried on with it a value would come out too small.
    """
    power = exponent(sizes, values, least)
    line = np.polyfit(sizes, values, 1)
    real = (f"{max(float(np.polyval(line, n)), values[-1]):,.0f}" for n in REAL)
    return " | ".join(["too fast to say" if power is None else f"{power:.2f}", *real])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=5000, help="the largest number of clips")
    parser.add_argument("--classes", type=int, default=60, choices=tuple(SUBJECTS))
    parser.add_argument("--child", nargs=2, metavar=("PART", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        return child(given.child[0], Path(given.child[1]), given.classes)
    sizes = [given.clips // 8, given.clips // 4, given.clips // 2, given.clips]
    home, rows = Path(tempfile.mkdtemp(prefix="ntu-scale-")), {name: [] for name in MEASURED}
    try:
        folder, size, there = home / "files", 0, 0
        warm = home / "warm" / "files"
        for one in (folder, warm):
            one.mkdir(parents=True)
        write_clips(warm, 0, 3 * given.classes, given.classes)
        for name in rows:  # compiles kernels, once for all
            measure(name, warm, given.classes)
        print("| clips | text MB | part | s | CPU s | peak MB | else |\n|---|---|---|---|---|---|---|")
        for count in sizes:
            size, there = size + write_clips(folder, there, count, given.classes), count
            for name, found in rows.items():
                if name == "simulate" and count not in (sizes[0], sizes[-1]):  # it takes longest, whatever the number
                    continue
                found.append(one := measure(name, folder, given.classes))
                said = {key: value for key, value in one.items() if key not in ("seconds", "cpu", "MB")}
                if name == "cache":
                    said |= {"MB/s per core": size / 1e6 / one["cpu"]}
                words = ", ".join(f"{key} {value:.4g}" for key, value in said.items())
                cells = f"{one['seconds']:.2f} | {one['cpu']:.2f} | {one['MB']:.0f} | {words}"
                print(f"| {count} | {size / 1e6:.0f} | {name} | {cells} |", flush=True)
        print(f"\n| part | grows with the power | a line, at {REAL[0]:,} | at {REAL[1]:,} |\n|---|---|---|---|")
        for name, found in rows.items():
            if name not in ("train", "simulate"):  # of these a few steps and clips are timed, whatever the number
                print(f"| {name}, CPU s | {extrapolated(sizes, [one['cpu'] for one in found], LEAST_SECONDS)} |")
            measured = sizes if len(found) == len(sizes) else [sizes[0], sizes[-1]]
            print(f"| {name}, peak MB | {extrapolated(measured, [one['MB'] for one in found], 0)} |")
        step, clip = rows["train"][-1]["seconds per step"], rows["simulate"][-1]["seconds per clip"]
        print(f"\nOne epoch of {rows['train'][-1]['steps']} steps of {step:.2f} s; simulate {clip:.3f} s per clip.")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return None


if __name__ == "__main__":
    main()
