"""Our Emulator, one clip."""

from benchmarks.peers.network import as_network
from mksgn_neuro.sim.engine import Emulator

VERSIONS = ("mksgn-neuro",)
BATCH = 1


def build(given):
    network = as_network(given)
    emulator, last = Emulator(network, threads=1), network.readout
    return lambda: emulator.run(given["inputs"][:1], record=[last]).spikes[last]
