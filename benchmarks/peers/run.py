"""One network on our engines and on other people's, interleaved: `make bench-peers`, or python -m benchmarks.peers.run.

Each engine runs in a process of its own, in the environment that `make bench-peers` made for it, on one thread; rounds
go through all of them in turn. An engine whose environment is not there, or that fails, is named, and skipped. Times
are of the processor (this machine may be shared), medians and the spread of all rounds.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.peers.network import CLIPS, RATE, SIZES, STEPS, make

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parents[1] / "build" / "peers"
ROUNDS, LONGEST_LAG = 7, 8
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Peer:
    """`adapter` of adapters/ in the environment made of requirements/`environment`.txt; ours runs in this one."""

    title: str
    adapter: str
    environment: str | None = None


PEERS = (
    Peer("ours, Emulator, 64 clips", "ours_batch"),
    Peer("ours, Emulator, one clip", "ours_clip"),
    Peer("ours, StepEmulator", "ours_step"),
    Peer("NumPy loop of 25 lines, int32", "numpy_loop"),
    Peer("SANA-FE, simple timing", "sana_fe", "sanafe"),
    Peer("nengo-loihi, emulator", "nengo_loihi_blocks", "nengo"),
    Peer("Lava, fixed_pt", "lava_fixed", "lava"),
    Peer("torch, products and a loop, 64 clips", "torch_gemm", "torch"),
    Peer("SpikingJelly, 64 clips", "spiking_jelly", "torch"),
    Peer("norse, 64 clips", "norse_if", "torch"),
    Peer("snnTorch, 64 clips", "snn_torch", "torch"),
    Peer("sinabs, 64 clips", "sinabs_iaf", "torch"),
)


@dataclass
class Running:
    """A peer's process and what it said."""

    peer: Peer
    process: subprocess.Popen
    spikes: Path
    started: dict
    runs: list[dict] = field(default_factory=list)

    def step(self, rounds: int = STEPS) -> float:
        """Median seconds of processor time for one time step of one clip."""
        return statistics.median(run["cpu"] for run in self.runs) / (self.started["clips"] * rounds)

    def spread(self) -> tuple[float, float]:
        """Fastest and slowest round over the median."""
        middle = statistics.median(run["cpu"] for run in self.runs)
        return min(r["cpu"] for r in self.runs) / middle, max(r["cpu"] for r in self.runs) / middle


def start(peer: Peer, network: Path, folder: Path) -> Running | str:
    """The peer, ready to run; in words why not."""
    python = Path(sys.executable) if peer.environment is None else ENVIRONMENTS / peer.environment / "bin" / "python"
    if not python.exists():
        return f"not run: no environment {python.parent.parent}; make bench-peers makes it"
    spikes, errors = folder / f"{peer.adapter}.npz", folder / f"{peer.adapter}.txt"
    own = {**os.environ, **ONE_THREAD}
    if peer.environment is None:
        own["PYTHONPATH"] = str(HERE.parents[1])
    else:
        own.pop("PYTHONPATH", None)
    process = subprocess.Popen(
        [python, HERE / "worker.py", peer.adapter, network, spikes],
        env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors.open("w"), text=True, cwd=HERE.parents[1],
    )  # fmt: skip
    line = process.stdout.readline()
    if not line:
        process.wait()
        said = errors.read_text().strip().splitlines()
        return f"failed: {said[-1] if said else f'exit {process.returncode}'}"
    return Running(peer, process, spikes, json.loads(line))


def run_once(running: Running) -> None:
    running.process.stdin.write("run\n")
    running.process.stdin.flush()
    running.runs.append(json.loads(running.process.stdout.readline()))


def run_in_turn(peers: Sequence[Peer], network: Path, folder: Path, rounds: int) -> dict[str, Running | str]:
    """Every peer by its adapter, after so many rounds through all of them; in words why one was not run."""
    made = {peer.adapter: start(peer, network, folder) for peer in peers}
    ready = [running for running in made.values() if isinstance(running, Running)]
    for _ in range(rounds):
        for running in ready:
            run_once(running)
    for running in ready:
        running.process.stdin.close()
        running.process.wait()
    return made


def spikes_of(running: Running) -> np.ndarray:
    """(steps, neurons) of the first clip."""
    with np.load(running.spikes) as file:
        shape = file["shape"]
        return np.unpackbits(file["spikes"], count=int(np.prod(shape))).reshape(shape)[0]


def compared(found: np.ndarray, expected: np.ndarray) -> str:
    """Whether spikes are those that are expected, where an engine may answer some steps later or earlier than ours."""
    for lag in sorted(range(-LONGEST_LAG, LONGEST_LAG + 1), key=abs):
        one, two = (found[lag:], expected[: len(expected) - lag]) if lag >= 0 else (found[:lag], expected[-lag:])
        if one.shape == two.shape and one.any() and np.array_equal(one, two):
            return "equal" if lag == 0 else f"equal, {abs(lag)} step{'s' if abs(lag) > 1 else ''} {_when(lag)}"
    return f"differ: {int(found.sum())} spikes, ours {int(expected.sum())}"


def _when(lag: int) -> str:
    return "later" if lag > 0 else "earlier"


def table(ready: list[Running]) -> list[str]:
    ours = {r.peer.adapter: r for r in ready}
    lines = [
        "| engine | µs a step and clip | its rounds | / ours in batches | / our steps | spikes | start, CPU s | MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    expected = spikes_of(ours["ours_batch"])
    for r in ready:
        low, high = r.spread()
        cells = [
            r.peer.title,
            f"{1e6 * r.step():.2f}",
            f"{low:.2f}-{high:.2f}",
            f"{r.step() / ours['ours_batch'].step():.2f}",
            f"{r.step() / ours['ours_step'].step():.2f}",
            compared(spikes_of(r), expected),
            f"{r.started['start']:.1f}",
            f"{r.runs[-1]['peak']:.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        network = Path(name) / "network.npz"
        make(network)
        made = run_in_turn(PEERS, network, Path(name), ROUNDS)
        ready = [running for running in made.values() if isinstance(running, Running)]
        skipped = [f"{peer.title}: {made[peer.adapter]}" for peer in PEERS if isinstance(made[peer.adapter], str)]
        sizes = "-".join(map(str, SIZES))
        given = f"{sizes}, {RATE:.0%} active, {STEPS} steps, up to {CLIPS} clips"
        print(f"{given}; {ROUNDS} rounds, one thread, simulated on CPU\n")
        print("\n".join(table(ready)))
        for line in skipped:
            print(f"\n{line}")
    versions = {k: v for r in ready for k, v in r.started["versions"].items() if k != "numpy"}
    print(
        f"\n{', '.join(f'{k} {v}' for k, v in sorted(versions.items()))}; Python {platform.python_version()} for ours"
    )
    print(f"load of the machine at the end: {', '.join(f'{x:.1f}' for x in os.getloadavg())} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
