"""Our Emulator, all clips at once."""

from benchmarks.peers.network import CLIPS, as_network
from mksgn_neuro.sim.engine import Emulator

VERSIONS = ("mksgn-neuro",)
BATCH = CLIPS


def build(given):
    network = as_network(given)
    emulator, last = Emulator(network, threads=1), network.readout
    return lambda: emulator.run(given["inputs"], record=[last]).spikes[last]
