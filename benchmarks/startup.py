"""What a command costs before it does anything for you: `python -m benchmarks.startup [all_sqe.zip] [--report]`.

Processor seconds (a busy machine changes them little, waiting does not count) and the peak of memory, of commands on
the network in the package: `cold` with empty caches, ours and numba's; then `warm`, again with what the first left.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

MODEL = "nw-ucla"


class Cost(NamedTuple):
    """Of a process and its children."""

    seconds: float
    mib: float


def commands(data: Path | None, *, report: bool) -> list[tuple[str, ...]]:
    """The command lines, `mksgn-neuro` left out."""
    given = ("--data", str(data)) if data else ("--dataset", "synthetic")
    found = [("inspect", MODEL), ("simulate", MODEL, *given, "--limit", "1")]
    return [*found, ("report", MODEL, *given, "--output", "page.html")] if report else found


def cost_of(words: tuple[str, ...], folder: Path) -> Cost:
    """Run one command that keeps all it keeps in `folder`."""
    own = {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "NUMBA_CACHE_DIR": str(folder / "numba")}
    (folder / "numba").mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "MKSGN_NEURO_CACHE"} | own
    environment["PYTHONPATH"] = str(Path.cwd())
    line = [sys.executable, "-m", "mksgn_neuro.cli", "--quiet", *words]
    process = subprocess.Popen(line, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(line)} ended with status {os.waitstatus_to_exitcode(status)}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, help="NW-UCLA's all_sqe.zip; synthetic motion without")
    parser.add_argument("--report", action="store_true", help="also the report of all test clips")
    parser.add_argument("--rounds", type=int, default=2, help="how often the warm command is run; the least counts")
    given = parser.parse_args()
    data = given.data.resolve() if given.data else None
    print("| command | cold: CPU s | MiB | warm: CPU s | MiB |\n|---|---|---|---|---|")
    for words in commands(data, report=given.report):
        with tempfile.TemporaryDirectory() as folder:
            cold = cost_of(words, Path(folder))
            warm = min(cost_of(words, Path(folder)) for _ in range(given.rounds))
        shown = " ".join(word if word != str(data) else "all_sqe.zip" for word in words)
        print(f"| `{shown}` | {cold.seconds:.1f} | {cold.mib:.0f} | {warm.seconds:.1f} | {warm.mib:.0f} |", flush=True)
    print("load of the machine:", *(f"{load:.1f}" for load in os.getloadavg()))


if __name__ == "__main__":
    main()
