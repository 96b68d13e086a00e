"""The child of `lava_graph.run_lava`: one source, one run, one file per recorded population."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.source import RingBuffer

from mksgn_neuro.export.child import serve
from mksgn_neuro.export.lava.network import NetworkProcess
from mksgn_neuro.export.lava.recorder import Recorder
from mksgn_neuro.export.lava.tracebacks import print_tracebacks
from mksgn_neuro.ir.store import load


def run(process: NetworkProcess, inputs: np.ndarray, record: list[str]) -> dict[str, np.ndarray]:
    """Drive the process with `inputs` (T, N_in) once; spikes uint8 (T, N) of each population in `record`."""
    steps = len(inputs)
    source = RingBuffer(data=np.ascontiguousarray(inputs.T, dtype=np.int32))
    source.s_out.connect(process.inp)
    with tempfile.TemporaryDirectory(prefix="mksgn-lava-") as folder:
        files = {name: str(Path(folder) / f"{i}.npy") for i, name in enumerate(record)}
        for name, file in files.items():
            neuron = process.neurons[name]
            neuron.s_out.connect(Recorder(neuron.s_out.shape, file, steps).a_in)
        process.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
        process.stop()
        return {name: np.load(file).astype(np.uint8) for name, file in files.items()}


def work(request: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Load the network, build it, run it."""
    process = NetworkProcess(load(Path(str(request["network"]))), int(request["reset_interval"]) or None)
    return run(process, request["inputs"], [str(name) for name in request["record"]])


if __name__ == "__main__":
    print_tracebacks()
    serve(work)
