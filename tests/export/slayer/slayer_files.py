"""Networks that lava-dl's own SLAYER exports, in a process that may import it."""

import h5py
import numpy as np
import torch
from lava.lib.dl import slayer

from mksgn_neuro.export.child import serve

NEURON = {"threshold": 1.25, "current_decay": 0.5, "voltage_decay": 0.3, "requires_grad": False}


def dense():
    cuba = slayer.block.cuba
    return [
        cuba.Dense(NEURON, 6, 9, weight_scale=3, delay=True),
        cuba.Dense({**NEURON, "shared_param": False}, 9, 5, weight_scale=3),
    ], (1, 6, 20)


def convolution():
    cuba = slayer.block.cuba
    return [
        cuba.Input(NEURON, weight=1, bias=0),
        cuba.Conv(NEURON, 2, 4, 3, stride=2, padding=1, weight_scale=3),
        cuba.Flatten(),
        cuba.Dense(NEURON, 4 * 3 * 4, 5, weight_scale=3),
    ], (1, 2, 6, 8, 20)


def recurrent():
    return [slayer.block.cuba.Recurrent(NEURON, 6, 5, weight_scale=3)], (1, 6, 20)


def work(payload):
    torch.manual_seed(int(payload["seed"]))
    for build in (dense, convolution, recurrent):
        blocks, shape = build()
        x = (torch.rand(shape) < 0.4).float()
        with torch.no_grad():
            for block in blocks:  # SLAYER knows a block's shape only after a pass
                x = block(x)
                if hasattr(block, "delay") and block.delay is not None:
                    block.delay.delay.data.uniform_(0, 9)
        with h5py.File(f"{payload['folder']}/{build.__name__}.net", "w") as file:
            for i, block in enumerate(blocks):
                block.export_hdf5(file.create_group(f"layer/{i}"))
    return {"done": np.array(True)}


if __name__ == "__main__":
    serve(work)
