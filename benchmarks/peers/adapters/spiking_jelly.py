"""SpikingJelly's IFNode, multi-step, hard reset."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from batches import runner
from spikingjelly.activation_based import functional, neuron

VERSIONS = ("spikingjelly", "torch")
BATCH = 64


def build(given):
    def neurons(k, threshold):
        node = neuron.IFNode(v_threshold=threshold, v_reset=0.0, step_mode="m").eval()

        def fire(currents):
            functional.reset_net(node)
            return node(currents)

        return fire

    return runner(given, neurons)
