"""A step of our step emulator, the NumPy loop and SANA-FE by size: python -m benchmarks.peers.sizes [NEURONS ...].

Levels of at most WIDEST neurons of INPUTS_EACH synapses each, since SANA-FE takes some 3 KiB for a synapse. As in
`benchmarks.peers.run`: a process and one thread each, rounds in turn, processor seconds, who is not there is named.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.peers.network import RATE, make
from benchmarks.peers.run import PEERS, compared, run_in_turn, spikes_of

NEURONS = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
COMPARED = ("ours_step", "numpy_loop", "sana_fe")
CHANNELS, CLASSES, WIDEST, INPUTS_EACH, STEPS, ROUNDS = 75, 60, 500, 10, 100, 5


def sizes_of(neurons: int) -> tuple[int, ...]:
    """Channels, at least two levels of equal size that hold so many neurons together, and classes."""
    levels = max(2, -(-neurons // WIDEST))
    return (CHANNELS, *[neurons // levels] * levels, CLASSES)


def row(neurons: int, folder: Path) -> str:
    """Times of all engines at one size, over ours, and whether their spikes are ours."""
    sizes, network = sizes_of(neurons), folder / f"{neurons}.npz"
    steps = STEPS + len(sizes)  # so that every level fires in a hundred of them
    make(network, sizes, steps, INPUTS_EACH)
    made = run_in_turn([peer for peer in PEERS if peer.adapter in COMPARED], network, folder, ROUNDS)
    ours = made["ours_step"]
    cells = [f"{sum(sizes[1:]):,}", str(len(sizes) - 1), f"{1e6 * ours.step(steps):.1f}"]
    for name in COMPARED[1:]:
        peer = made[name]
        if isinstance(peer, str):
            cells.append(peer)
            continue
        times = f"{1e6 * peer.step(steps):.1f}, {peer.step(steps) / ours.step(steps):.1f}×"
        cells.append(f"{times}, spikes {compared(spikes_of(peer), spikes_of(ours))}")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    print(f"{RATE:.0%} active, {INPUTS_EACH} synapses a neuron; µs of the processor for a step, median of {ROUNDS}\n")
    print("| neurons | levels | ours, StepEmulator | NumPy loop of 25 lines, int32 | SANA-FE, simple timing |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for neurons in [int(given) for given in sys.argv[1:]] or NEURONS:
            print(row(neurons, Path(name)), flush=True)
    print(f"\nload of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
