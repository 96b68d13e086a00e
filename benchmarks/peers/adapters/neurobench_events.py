"""The synaptic operations that NeuroBench counts: `python neurobench_events.py NETWORK.npz`, one JSON line.

Each level is a torch.nn.Linear that hears what was sent a step before, as ours do; one silent step more lets the last
spikes arrive.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from batches import levels
from neurobench.benchmarks import Benchmark
from neurobench.metrics.workload import SynapticOperations
from neurobench.models import TorchModel
from torch.utils.data import DataLoader, TensorDataset


class Stepwise(torch.nn.Module):
    """Levels of neurons that keep their voltage, time step after time step."""

    def __init__(self, given):
        super().__init__()
        self.linears, self.thresholds, self.fired = torch.nn.ModuleList(), [], 0
        for w, threshold in levels(given):
            self.linears.append(torch.nn.Linear(*reversed(w.shape), bias=False))
            self.linears[-1].weight.data = w
            self.thresholds.append(threshold)

    @torch.no_grad()
    def forward(self, clips):
        voltages = [torch.zeros(len(clips), linear.out_features) for linear in self.linears]
        sent = [torch.zeros(len(clips), linear.in_features) for linear in self.linears]
        for t in range(clips.shape[1]):
            fired = []
            for k, linear in enumerate(self.linears):
                voltages[k] += linear(sent[k])
                fired.append((voltages[k] > self.thresholds[k]).float())
                voltages[k] *= 1 - fired[k]
            sent = [clips[:, t], *fired[:-1]]
            self.fired += int(sum(spikes.sum() for spikes in fired))
        return fired[-1]


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # NeuroBench prints progress
    with np.load(sys.argv[1]) as file:
        given = dict(file)
    clip = torch.from_numpy(np.pad(given["inputs"][:1], ((0, 0), (0, 1), (0, 0)))).float()
    model = Stepwise(given)
    clips = DataLoader(TensorDataset(clip, torch.zeros(1)))
    benchmark = Benchmark(TorchModel(model), clips, [], [], [[], [SynapticOperations]])
    found = benchmark.run(quiet=True)["SynapticOperations"]
    counts = {"acs": int(found["Effective_ACs"]), "macs": int(found["Effective_MACs"]), "spikes": model.fired}
    print(json.dumps(counts | {"dense": int(found["Dense"])}), file=answers)


if __name__ == "__main__":
    main()
