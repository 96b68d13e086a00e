"""One peer in its own environment: `python worker.py ADAPTER NETWORK.npz SPIKES.npz`, told by lines on stdin.

Prints one JSON line when it is ready and one after each `run`; needs nothing of this package but numpy's file.
An adapter has VERSIONS (distributions), BATCH (clips at once) and `build(network)`, which returns a function that runs
all clips from rest and gives the spikes of the last level, (clips, steps, neurons).
"""

import importlib.metadata
import importlib.util
import json
import os
import resource
import sys
import time
from pathlib import Path


def seconds_of_children() -> float:
    """Of processes that this one started and that still run: Lava computes in them."""
    ticks, parents = {}, {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        own = int(place.parent.name)
        parents[own], ticks[own] = int(fields[1]), int(fields[11]) + int(fields[12])
    started = [pid for pid in parents if parents[pid] == os.getpid()]
    for pid in started:
        started += [child for child in parents if parents[child] == pid]
    return sum(ticks[pid] for pid in started) / os.sysconf("SC_CLK_TCK")


def peak_mebibytes() -> float:
    """Of this process, and of the largest that it started."""
    largest = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(largest) / 1024


def main() -> None:
    name, network, spikes = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a peer prints is not an answer
    began = time.process_time()
    import numpy as np

    place = Path(__file__).resolve().parent / "adapters" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, place)
    adapter = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(adapter)
    with np.load(network) as file:
        given = dict(file)
    run = adapter.build(given)
    found = np.asarray(run())
    np.savez_compressed(spikes, spikes=np.packbits(found.astype(np.uint8)), shape=found.shape)
    versions = {package: importlib.metadata.version(package) for package in (*adapter.VERSIONS, "numpy")}
    started = time.process_time() - began + seconds_of_children()

    def say(**what: object) -> None:
        print(json.dumps(what), file=answers, flush=True)

    say(start=started, clips=adapter.BATCH, steps=given["inputs"].shape[1], versions=versions)
    for line in sys.stdin:
        if line.strip() != "run":
            break
        theirs = seconds_of_children()  # which takes milliseconds itself
        cpu, wall = time.process_time(), time.perf_counter()
        run()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        say(cpu=cpu + seconds_of_children() - theirs, wall=wall, peak=peak_mebibytes())


if __name__ == "__main__":
    main()
