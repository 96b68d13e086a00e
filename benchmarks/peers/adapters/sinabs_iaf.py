"""sinabs's IAF: one spike a step, reset to zero."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import sinabs.layers as sl
import torch
from batches import runner
from sinabs.activation import MembraneReset, SingleSpike

VERSIONS = ("sinabs", "torch")
BATCH = 64


def build(given):
    def neurons(k, threshold):
        node = sl.IAF(spike_threshold=torch.tensor(threshold), spike_fn=SingleSpike, reset_fn=MembraneReset())

        def fire(currents):
            node.reset_states()
            return node(currents.permute(1, 0, 2).contiguous()).permute(1, 0, 2)

        return fire

    return runner(given, neurons)
