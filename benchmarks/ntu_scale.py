"""What a data set of NTU's size takes, measured on generated files of real size and extrapolated to the real ones.

Run from the repository root: python -m benchmarks.ntu_scale [--clips 5000] [--classes 60]. Writes `.skeleton` files
into a temporary folder, a quarter, a half and all of --clips, and removes them. Every row is measured in a
process of its own, with one thread; its memory is that process's peak. With --home DIR the files and what was measured
stay in DIR, and the same command goes on where it stopped: --seconds N stops it after about so many.
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
from pathlib import Path

import numpy as np

from benchmarks.ntu_files import SUBJECTS, write_clips
from benchmarks.ntu_parts import AT_THE_END, COMPILING, MEASURED, SELDOM

REAL = (56_880, 114_480)  # clips of NTU RGB+D 60 and 120
LEAST_SPEED, LONGEST_START, MOST_MEMORY = 60, 3, 2048  # MB/s of text per core, s, MB
LEAST_SECONDS = 0.05  # below, a clock's grain and Python's start-up are what is measured


def child(name: str, folder: Path, classes: int) -> None:
    """Print what one part took in this process."""
    begun, busy = time.perf_counter(), time.process_time()
    found = MEASURED[name](folder, classes)
    found |= {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - busy}
    print(json.dumps(found | {"MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def measure(name: str, folder: Path, classes: int) -> dict:
    """One part in a process of its own, whose compiled kernels an earlier one has left; and the machine's load."""
    command = [sys.executable, "-m", "benchmarks.ntu_scale", "--child", name, str(folder), "--classes", str(classes)]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    environment = os.environ | threads | {"MKSGN_NEURO_CACHE": str(folder.parent / "cache")}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1]) | {"load": os.getloadavg()[0]}


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
    real = (f"{max(float(np.polyval(line, n)), values[-1]):,.1f}" for n in REAL)
    return " | ".join(["too fast to say" if power is None else f"{power:.2f}", *real])


class Measured:
    """Files and rows in `home`, so many bytes of text in so many clips; what is there is not made again."""

    def __init__(self, home: Path, classes: int) -> None:
        self.home, self.classes, self.path = home, classes, home / "found.json"
        there = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.rows: dict[str, dict] = there.get("rows", {})
        self.bytes: dict[str, int] = there.get("bytes", {"0": 0})
        home.mkdir(parents=True, exist_ok=True)

    def keep(self) -> None:
        """What was found so far."""
        self.path.write_text(json.dumps({"rows": self.rows, "bytes": self.bytes}))

    def warm_up(self) -> None:
        """Compile kernels, once for all."""
        folder = self.home / "warm" / "files"
        if not folder.exists():
            folder.mkdir(parents=True)
            write_clips(folder, 0, 3 * self.classes, self.classes)
            for name in COMPILING:
                measure(name, folder, self.classes)

    def write(self, count: int) -> None:
        """A folder of the first `count` clips' files; those of fewer clips are linked, not written again."""
        if str(count) not in self.bytes:
            there = max(map(int, self.bytes))
            shutil.rmtree(self.folder(count), ignore_errors=True)
            self.folder(count).mkdir()
            for path in self.folder(there).iterdir() if there else ():
                os.link(path, self.folder(count) / path.name)
            written = write_clips(self.folder(count), there, count, self.classes)
            self.bytes[str(count)] = self.bytes[str(there)] + written
            self.keep()

    def row(self, count: int, name: str) -> None:
        """Measure a part, unless that was done."""
        key = f"{count} {name}"
        if key not in self.rows:
            self.rows[key] = measure(name, self.folder(count), self.classes)
            self.keep()

    def folder(self, count: int) -> Path:
        """Where so many clips lie."""
        return self.home / f"{count}-files"

    def of(self, name: str, sizes: list[int]) -> dict[int, dict]:
        """The rows of a part by number of clips."""
        return {count: self.rows[key] for count in sizes if (key := f"{count} {name}") in self.rows}


def print_tables(found: Measured, sizes: list[int]) -> None:
    """All rows, how they grow, and whether the limits hold."""
    print("| clips | text MB | part | s | CPU s | peak MB | else |\n|---|---|---|---|---|---|---|")
    for count in sizes:
        text = found.bytes[str(count)] / 1e6
        for name in MEASURED:
            one = found.of(name, [count]).get(count)
            if one is None:
                continue
            said = {key: value for key, value in one.items() if key not in ("seconds", "cpu", "MB", "load")}
            said |= {"MB/s per core": text / one["cpu"]} if name == "cache" else {}
            words = ", ".join(f"{key} {value:.4g}" for key, value in said.items())
            cells = f"{one['seconds']:.2f} | {one['cpu']:.2f} | {one['MB']:.0f} | {words}"
            print(f"| {count} | {text:.0f} | {name} | {cells} |")
    print(f"\n| part | grows with the power | a line, at {REAL[0]:,} | at {REAL[1]:,} |\n|---|---|---|---|")
    for name in MEASURED:
        rows = found.of(name, sizes)
        if len(rows) < 2:
            continue
        for what, key, least in (("CPU s", "cpu", LEAST_SECONDS), ("peak MB", "MB", 0)):
            if what == "peak MB" or name != "train":  # of which a few steps are timed, whatever the number
                print(f"| {name}, {what} | {extrapolated(list(rows), [one[key] for one in rows.values()], least)} |")
    print_limits(found, sizes)


def print_limits(found: Measured, sizes: list[int]) -> None:
    """What the issue asks for, measured at the largest number of clips and on the line at the real ones."""
    last, rows = sizes[-1], {name: found.of(name, sizes) for name in MEASURED}
    speed = found.bytes[str(last)] / 1e6 / rows["cache"][last]["cpu"]
    start = [line_at(rows["second start"], "cpu", n) for n in REAL]
    peak = [max(line_at(by_size, "MB", n) for by_size in rows.values()) for n in (last, *REAL)]
    text, seconds, most = LEAST_SPEED, LONGEST_START, MOST_MEMORY
    print(f"\ncache: {speed:.0f} MB/s of text per core, at least {text}: {verdict(speed >= text)}")
    each = rows["second start, files and names"][last]["CPU s for them"]
    words = f"second start: {start[0]:.2f} and {start[1]:.2f} CPU s on the line, and {each:.2f} for files and names"
    print(f"{words}, below {seconds} together: {verdict(max(start) + each < seconds)}")
    words = f"peak: {peak[0]:.0f} MB, on the line {peak[1]:.0f} and {peak[2]:.0f}, below {most}"
    print(f"{words}: {verdict(max(peak) < most)}")
    for name in ("train", "train, preset ntu"):
        one = rows[name][last]
        hours = one["steps"] * one["CPU s per step"] / 3600
        words = f"{one['steps']} steps an epoch of {last} clips, {one['CPU s per step']:.2f} CPU s each"
        print(f"{name}: {words}, {hours:.3f} CPU hours")
    loads = [row["load"] for row in found.rows.values()]
    print(f"load of the machine: {min(loads):.1f} to {max(loads):.1f} on {os.cpu_count()} cores")


def line_at(by_size: dict[int, dict], key: str, clips: int) -> float:
    """A straight line through what was measured, at so many clips, not below the last value; that of a single row."""
    values = [one[key] for one in by_size.values()]
    line = np.polyfit(list(by_size), values, 1) if len(values) > 1 else [values[-1]]
    return max(float(np.polyval(line, clips)), values[-1])


def verdict(holds: bool) -> str:
    """In words."""
    return "holds" if holds else "DOES NOT HOLD"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=5000, help="the largest number of clips")
    parser.add_argument("--classes", type=int, default=60, choices=tuple(SUBJECTS))
    parser.add_argument("--home", type=Path, help="a folder to keep files and rows in, to go on later")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after about so many, exit status 3")
    parser.add_argument("--child", nargs=2, metavar=("PART", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        return child(given.child[0], Path(given.child[1]), given.classes)
    sizes = [given.clips // 4, given.clips // 2, given.clips]
    home, begun = given.home or Path(tempfile.mkdtemp(prefix="ntu-scale-")), time.monotonic()
    try:
        found = Measured(home, given.classes)
        found.warm_up()
        for count in sizes:
            found.write(count)
            for name in MEASURED:
                if time.monotonic() - begun > given.seconds:
                    sys.exit(3)
                if count == sizes[-1] or name not in (*SELDOM, *AT_THE_END) or (name in SELDOM and count == sizes[0]):
                    found.row(count, name)
        print_tables(found, sizes)
    finally:
        if given.home is None:
            shutil.rmtree(home, ignore_errors=True)
    return None


if __name__ == "__main__":
    main()
