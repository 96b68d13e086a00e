"""How fast skeletons are read, and how much memory that takes. Run: python -m benchmarks.data [--clips N]

NTU text is written by this program: random walks in the format and precision of the official files.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from mksgn_neuro.data import registry, synthetic
from mksgn_neuro.data.augment import Augmentation, augment
from mksgn_neuro.data.frames import as_tensors, encode_batch, fit_scaling
from mksgn_neuro.data.readers import nw_ucla
from mksgn_neuro.data.readers.ntu.text import parse, parse_plain


def ntu_text(rng: np.random.Generator, frames: int, bodies: int) -> bytes:
    """One .skeleton file, 7 significant digits as the official ones have."""
    lines = [str(frames)]
    for _ in range(frames):
        lines.append(str(bodies))
        for body in range(bodies):
            lines += [f"{72057594037937000 + body} 0 1 1 1 1 0 {rng.normal():.7g} {rng.normal():.7g} 2", "25"]
            joints = rng.normal(0, 1, (25, 11)) * np.array([1, 1, 1, 250, 200, 900, 500, 1, 1, 1, 1])
            lines += [" ".join(f"{value:.7g}" for value in joint) + " 2" for joint in joints]
    return ("\r\n".join(lines) + "\r\n").encode()


def write_folder(folder: Path, clips: int) -> int:
    """`clips` files of 40 to 120 frames, every fourth with two bodies; bytes written."""
    rng = np.random.default_rng(0)
    pool = [ntu_text(rng, int(frames), 1 + (i % 4 == 0)) for i, frames in enumerate(rng.integers(40, 120, 24))]
    size = 0
    for i in range(clips):
        camera, repetition, setup = 1 + i // 120 % 3, 1 + i // 360 % 9, 1 + i // 3240
        name = f"S{setup:03d}C{camera:03d}P{1 + i % 40:03d}R{repetition:03d}A{1 + i % 60:03d}"
        size += (folder / f"{name}.skeleton").write_bytes(pool[i % len(pool)])
    return size


def seconds(work: object, repeat: int = 5) -> float:
    """Best of `repeat`."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def peak_mb() -> float:
    """Peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def load_in_child(path: str, answers: multiprocessing.SimpleQueue) -> None:
    """Load twice, second time from the cache, in a process of its own."""
    parse(ntu_text(np.random.default_rng(1), 2, 1), "warm-up")
    before = peak_mb()
    times = []
    for _ in range(2):
        start, busy = time.perf_counter(), time.process_time()
        clips = registry.load("ntu60-xsub", Path(path))
        times.append((time.perf_counter() - start, time.process_time() - busy))
    answers.put((len(clips), times, before, peak_mb()))


def bench_text() -> None:
    """One core, one text in memory."""
    text = ntu_text(np.random.default_rng(0), 80, 2)
    parse(text, "")
    for function in (parse, parse_plain):
        took = seconds(lambda f=function: [f(text, "") for _ in range(5)])
        print(f"{function.__name__:12} {5 * len(text) / took / 1e6:8.1f} MB/s of .skeleton text, one core")


def bench_folder(clips: int) -> None:
    """A whole folder, all cores; memory must not grow with the number of clips."""
    context = multiprocessing.get_context("spawn")
    for count in (clips // 4, clips):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["MKSGN_NEURO_CACHE"] = str(Path(folder) / "cache")
            files = Path(folder) / "skeletons"
            files.mkdir()
            size = write_folder(files, count)
            answers = context.SimpleQueue()
            child = context.Process(target=load_in_child, args=(str(files), answers))
            child.start()
            n, ((first, busy), (second, _)), before, after = answers.get()
            child.join()
        print(
            f"ntu folder   {n:6d} clips, {size / 1e6:.0f} MB: {size / first / 1e6:.0f} MB/s on {os.cpu_count()} cores, "
            f"{size / busy / 1e6:.0f} MB per core-second, again from cache {second:.2f} s, "
            f"peak memory {before:.0f} -> {after:.0f} MB"
        )


def bench_rest(archive: Path | None) -> None:
    """NW-UCLA, synthetic motion, augmentation and encoding."""
    if archive:
        print(f"nw-ucla      {seconds(lambda: nw_ucla.load(archive), 2):8.2f} s for {len(nw_ucla.load(archive))} clips")
    print(f"synthetic    {seconds(synthetic.generate, 3):8.2f} s for 600 clips")
    clips = synthetic.generate()
    flat, starts, lengths = as_tensors(clips)
    scaling, generator = fit_scaling(clips, clips.rate), torch.Generator().manual_seed(0)
    batch = torch.arange(64)
    run = lambda: augment(flat, starts[batch], lengths[batch], 32, clips.skeleton, Augmentation(), generator)
    x = run()
    print(f"augment      {seconds(run) / 64 * 1e3:8.3f} ms a clip of 32 frames, batch 64, one core")
    print(f"encode       {seconds(lambda: encode_batch(x, scaling, clips.skeleton)) / 64 * 1e3:8.3f} ms a clip")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=1200, help="size of the larger NTU folder")
    parser.add_argument("--nw-ucla", type=Path, help="all_sqe.zip")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    bench_text()
    bench_folder(arguments.clips)
    bench_rest(arguments.nw_ucla)
