"""norse's integrate-and-fire step without a leak: lif_feed_forward_step with tau_mem_inv · dt = 1 has none to keep."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import torch
from batches import runner
from norse.torch.functional.iaf import IAFFeedForwardState, IAFParameters, iaf_feed_forward_step

VERSIONS = ("norse", "torch")
BATCH = 64


def build(given):
    def neurons(k, threshold):
        parameters = IAFParameters(v_th=torch.as_tensor(threshold), v_reset=torch.as_tensor(0.0))

        def fire(currents):
            state, out = IAFFeedForwardState(v=torch.zeros_like(currents[0])), []
            for current in currents:
                spikes, state = iaf_feed_forward_step(current, state, parameters)
                out.append(spikes)
            return torch.stack(out)

        return fire

    return runner(given, neurons)
