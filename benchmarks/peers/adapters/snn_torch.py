"""snnTorch's Leaky without a leak, reset to zero at once."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import snntorch
import torch
from batches import runner

VERSIONS = ("snntorch", "torch")
BATCH = 64


def build(given):
    def neurons(k, threshold):
        node = snntorch.Leaky(beta=1.0, threshold=threshold, reset_mechanism="zero", reset_delay=False)

        def fire(currents):
            v, out = torch.zeros_like(currents[0]), []
            for current in currents:
                spikes, v = node(current, v)
                out.append(spikes)
            return torch.stack(out)

        return fire

    return runner(given, neurons)
