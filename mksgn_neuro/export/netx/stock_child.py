"""The child of stock_loader: lava-dl's own netx loader, driven once and read once. Imports Lava."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
from lava.lib.dl.netx.hdf5 import Network
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc import io

from mksgn_neuro.export.child import serve
from mksgn_neuro.export.lava.recorder import Probe, Recorder
from mksgn_neuro.export.lava.tracebacks import print_tracebacks


def work(payload: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Run a `stock_loader.StockRun`; answer `<layer>.<what>` arrays in lava's W, H, C order."""
    request = json.loads(str(payload["request"]))
    steps = request["num_steps"]
    network = Network(
        request["path"],
        num_layers=request["num_layers"],
        input_message_bits=request["input_message_bits"],
        input_shape=request["input_shape"] and tuple(request["input_shape"][::-1]),
        reset_interval=request["reset_interval"],
        # A message takes a step to the first layer; an input block has its values from the first step on.
        reset_offset=1 if request["reset_interval"] and "inputs" in payload else 0,
        sparse_fc_layer=request["sparse"],
    )
    _feed(network, payload)
    chosen = range(len(network.layers)) if request["layers"] == "all" else [len(network.layers) - 1]
    with tempfile.TemporaryDirectory(prefix="mksgn-stock-") as folder:
        for i in chosen:
            _record(network.layers[i], Path(folder) / str(i), steps, request["states"])
        # Without the tag Lava runs its float models, and says nothing.
        network.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
        network.stop()
        return {file.stem: np.load(file) for file in Path(folder).glob("*.npy")}


def _feed(network: Network, payload: dict[str, np.ndarray]) -> None:
    if "input_bias" in payload:
        neuron = network.in_layer.neuron
        neuron.bias_mant.init = _to_lava(payload["input_bias"], neuron.bias_mant.shape)
        return
    port = network.in_layer.inp
    data = np.stack([_to_lava(row, port.shape) for row in payload["inputs"]], axis=-1)
    source = io.source.RingBuffer(data=data.astype(np.int32))
    source.s_out.connect(network.inp)
    # The block's port needs its own connection: keep a reference so that the source outlives this call.
    network.source = source


def _to_lava(flat: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Row-major (C, H, W) to Lava's (W, H, C)."""
    return flat.reshape(shape[::-1]).transpose()


def _record(layer: object, path: Path, steps: int, states: bool) -> None:
    layer.out.connect(Recorder(layer.out.shape, f"{path}.spikes.npy", steps).a_in)
    if states:
        for name in ("u", "v"):
            Probe(getattr(layer.neuron, name), f"{path}.{name}.npy", steps)


if __name__ == "__main__":
    print_tracebacks()
    serve(work)
