"""Our StepEmulator, one clip frame by frame."""

import numpy as np

from benchmarks.peers.network import as_network
from mksgn_neuro.sim.stepwise import StepEmulator

VERSIONS = ("mksgn-neuro",)
BATCH = 1


def build(given):
    network, clip = as_network(given), given["inputs"][0]
    last = network.readout
    emulator = StepEmulator(network, record=[last])

    def run():
        emulator.reset()
        return np.stack([emulator.step(frame).spikes[last] for frame in clip])[None]

    return run
