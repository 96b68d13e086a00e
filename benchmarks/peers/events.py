"""What our energy model counts beside what SANA-FE and NeuroBench count, of one network.

With SANA-FE the network lies on the same cores of its Loihi; NeuroBench knows no chip. A peer that is not installed is
named, and skipped. Run from the repository root: python -m benchmarks.peers.events, after make bench-peers.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.peers.network import STEPS, as_network, make
from benchmarks.peers.run import ENVIRONMENTS, HERE, ONE_THREAD
from mksgn_neuro.chip.catalog import LOIHI1
from mksgn_neuro.chip.mapping import Core, Mapping
from mksgn_neuro.chip.memory import Demand
from mksgn_neuro.chip.placement import Placement, message_matrix
from mksgn_neuro.chip.traffic import measure_traffic
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.measure import measure

# Per peer: ours, and what of the peer's it is compared with. Ours stores no synapse of weight 0, SANA-FE's dense one
# does, and NeuroBench counts such synapses as dense only; ours updates every neuron in every step, SANA-FE those that
# have something to do. Dense is of the steps that run: one more than the clip has, so that the last spikes arrive.
SANAFE = {
    "acs": "acs",
    "acs with zeros": "acs",
    "messages": "messages",
    "spikes": "spikes",
    "hops": "hops",
    "updates": "updates",
    "updates of neurons with input or a voltage": "updates",
}
NEUROBENCH = {"acs": "acs", "macs": "macs", "dense": "dense", "dense with zeros": "dense"}
PEERS = (("SANA-FE", "sanafe", "sana_fe_events", SANAFE), ("NeuroBench", "neurobench", "neurobench_events", NEUROBENCH))


def ours(given: dict[str, np.ndarray]) -> dict[str, int]:
    """Events of the first clip, each level on a core of its own, beside the input's, as the adapter maps it."""
    network, clip = as_network(given), given["inputs"][:1]
    cores = []
    for p in network.order:
        every = np.arange(p.size)
        cores.append(Core(p.name, every, Demand(network, p, LOIHI1).usage(every)))
    mapping = Mapping(network, LOIHI1, tuple(cores))
    placement = Placement(mapping, np.arange(1, 1 + len(cores)), message_matrix(mapping))
    found = Emulator(network, threads=1).run(clip, record="all", states=True)
    fired = {name: spikes[0] for name, spikes in found.spikes.items()}
    dense = 0
    awake = 0
    before = clip[0]
    for p in network.order:
        dense += int(before.sum()) * p.size
        heard = np.pad(before.any(axis=1), (1, 0))[:-1]  # each level hears every neuron of the one before
        held = np.pad(found.v[p.name][0] != 0, ((1, 0), (0, 0)))[:-1]
        awake += int((heard[:, None] | held).sum())
        before = fired[p.name]
    # one silent step more: what is sent in the last step is looked up after it
    fired = {name: np.pad(spikes, ((0, 1), (0, 0))) for name, spikes in fired.items()}
    events = asdict(measure_traffic(placement, np.pad(clip[0], ((0, 1), (0, 0))), fired).events(1))
    events |= {"acs with zeros": dense, "updates of neurons with input or a voltage": awake}
    measured = measure(network, Emulator(network, threads=1).run(clip, silent_steps=1).counts).operations
    events |= {"macs": measured.macs, "dense": measured.dense}
    events["dense with zeros"] = (STEPS + 1) * sum(int(np.prod(q.weights.shape)) for q in network.projections)
    return events | {"hops": events["hops_x"] + events["hops_y"], "updates": STEPS * sum(p.size for p in network.order)}


def theirs(environment: str, adapter: str, network: Path) -> dict[str, int] | str:
    """What the peer counts; in words why it does not."""
    python = ENVIRONMENTS / environment / "bin" / "python"
    if not python.exists():
        return f"not run: no environment {python.parent.parent}; make bench-peers makes it"
    program = [python, HERE / "adapters" / f"{adapter}.py", network]
    found = subprocess.run(program, env=ONE_THREAD, capture_output=True, text=True)
    if found.returncode:
        return f"failed: {found.stderr.strip().splitlines()[-1]}"
    return json.loads(found.stdout)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.npz"
        make(file)
        with np.load(file) as opened:
            counted = ours(dict(opened))
        for title, environment, adapter, rows in PEERS:
            found = theirs(environment, adapter, file)
            if isinstance(found, str):
                print(f"{title}: {found}\n")
                continue
            print(f"| event, of one clip | ours | {title} |\n|---|---|---|")
            for name, of_theirs in rows.items():
                print(f"| {name} | {counted[name]:,} | {found[of_theirs]:,} |")
            print()


if __name__ == "__main__":
    main()
