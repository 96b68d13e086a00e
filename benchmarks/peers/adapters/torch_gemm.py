"""Plain PyTorch: one matrix product per level for all steps and clips, then a loop over steps."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import torch
from batches import runner

VERSIONS = ("torch",)
BATCH = 64


def build(given):
    def neurons(k, threshold):
        def fire(currents):
            v, out = torch.zeros_like(currents[0]), torch.empty_like(currents)
            for t, current in enumerate(currents):
                v = v + current
                out[t] = v > threshold
                v = v * (1 - out[t])
            return out

        return fire

    return runner(given, neurons)
