"""What the torch peers share: levels one after the other over all steps of all clips, float32, no gradients.

A level hears the one before as it fired a step ago, as ours does on the chip: its input is moved by a step.
"""

import torch

torch.set_num_threads(1)


def levels(given):
    """Weights (post, pre) float32 and thresholds; a voltage of an integer above vth is one of at least vth + 1/2."""
    weights = [torch.from_numpy(given[f"w{k}"]).float() for k in range(len(given["vth"]))]
    return list(zip(weights, [float(vth) + 0.5 for vth in given["vth"]]))


def runner(given, neurons):
    """Run all clips; `neurons(k, threshold)` gives a function of currents (T, B, N) that gives spikes like it."""
    inputs = torch.from_numpy(given["inputs"]).float().permute(1, 0, 2)
    made = [(w, neurons(k, threshold)) for k, (w, threshold) in enumerate(levels(given))]

    @torch.no_grad()
    def run():
        x = inputs
        for k, (w, fire) in enumerate(made):
            if k:
                x = torch.cat([torch.zeros_like(x[:1]), x[:-1]])
            x = fire(x @ w.T)
        return x.permute(1, 0, 2).numpy()

    return run
