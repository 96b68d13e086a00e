"""The child of stock_levels: lava-dl's loader and Lava on a file, one level after the other. Imports Lava.

A level's pieces (`pieces`) are files of their own, each loaded and run by a process of its own: lava-dl never closes a
file, and its memory is free again. What a level's pieces fired is what the next one is given.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from pathlib import Path

import h5py
import numpy as np
import scipy.sparse as sp
from lava.lib.dl.netx.hdf5 import Network
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc import io
from lava.utils.weightutils import clip_weights, determine_sign_mode, truncate_weights

from mksgn_neuro.export.child import serve
from mksgn_neuro.export.lava.recorder import Recorder
from mksgn_neuro.export.lava.tracebacks import print_tracebacks
from mksgn_neuro.export.netx.pieces import Piece, cut, read_level, write_piece

BIAS_EXP = 6  # at which the loader's bias mantissa is the file's bias
VARIABLES = {"vth": "vth", "i_decay": "du", "v_decay": "dv", "bias": "bias_mant"}  # ours: Lava's
ARRAYS = ("weights", "delays")


def work(payload: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Run a file level by level; answers `<layer>.<what>`, see `stock_levels`."""
    request, given, answer, pieces = json.loads(str(payload["request"])), payload["inputs"], {}, 0
    with h5py.File(request["path"]) as file, tempfile.TemporaryDirectory(prefix="mksgn-levels-") as folder:
        for k in range(len(file["layer"])):
            found = _level(file[f"layer/{k}"], k, given, request, Path(folder))
            given = found["spikes"]
            pieces += int(found.pop("pieces"))
            answer |= {f"{k}.{what}": array for what, array in found.items()}
    return {**answer, "pieces": np.array(pieces)}


def _level(layer: h5py.Group, k: int, given: np.ndarray, request: dict, folder: Path) -> dict[str, np.ndarray]:
    level = read_level(layer)
    pieces = list(cut(level.weights, request["most_pairs"]))
    answers = []
    for n, piece in enumerate(pieces):
        with h5py.File(folder / f"{k}-{n}.net", "w") as file:
            write_piece(layer, level, piece, file)
        answers.append(folder / f"{k}-{n}.npz")
    jobs = [(given, piece, k, request, answer) for piece, answer in zip(pieces, answers)]
    _side_by_side(jobs, request["at_once"])
    found: dict[str, np.ndarray] = {
        "spikes": np.zeros((len(given), level.size), dtype=np.uint8),
        **{name: np.zeros(level.size) for name in VARIABLES},
    }
    entries: dict[str, list[np.ndarray]] = {f"{name}.{part}": [] for name in ARRAYS for part in ("row", "col", "data")}
    for piece, answer in zip(pieces, answers):
        with np.load(answer) as arrays:
            for name in found:
                found[name][..., piece.neurons] = arrays[name]
            for name in entries:
                entries[name].append(arrays[name])
        answer.unlink()
    together = {name: np.concatenate(parts) for name, parts in entries.items()}
    return {**found, **together, "shape": np.array(level.weights.shape), "pieces": np.array(len(pieces))}


def _side_by_side(jobs: list[tuple], at_once: int) -> None:
    """Each piece in a process of its own, so many at a time."""
    fork, running = multiprocessing.get_context("fork"), []
    for job in jobs:
        if len(running) >= at_once:
            _end(running.pop(0))
        process = fork.Process(target=_piece, args=job)
        process.start()
        running.append(process)
    for process in running:
        _end(process)


def _end(process: multiprocessing.Process) -> None:
    process.join()
    if process.exitcode:
        raise RuntimeError(f"a piece of a level failed with status {process.exitcode}")


def _piece(given: np.ndarray, piece: Piece, k: int, request: dict, answer: Path) -> None:
    """Load and run one piece; what Lava's processes hold and fire goes into `answer`."""
    path, interval, steps = answer.with_suffix(".net"), request["reset_interval"], len(given)
    network = Network(
        str(path),
        input_message_bits=request["input_message_bits"] if k == 0 else 0,
        reset_interval=interval,
        # As deep in the whole file: a message takes a step to the first layer, and one from each to the next.
        reset_offset=1 + k if interval else 0,
        sparse_fc_layer=True,
    )
    path.unlink()
    (block,) = network.layers
    loaded = _loaded(block, piece)
    source = io.source.RingBuffer(data=np.ascontiguousarray(given[:, piece.inputs].T, dtype=np.int32))
    source.s_out.connect(network.inp)
    recorded = answer.with_suffix(".npy")
    block.out.connect(Recorder(block.out.shape, str(recorded), steps).a_in)
    # Without the tag Lava runs its float models, and says nothing.
    network.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    network.stop()
    np.savez(answer, spikes=np.load(recorded)[:, : len(piece.neurons)].astype(np.uint8), **loaded)
    recorded.unlink()


def _loaded(block: object, piece: Piece) -> dict[str, np.ndarray]:
    """The numbers of the processes that the loader made, of the piece's neurons and at their places in the level."""
    count, synapse, neuron = len(piece.neurons), block.synapse, block.neuron
    scale = 2.0 ** np.asarray(neuron.bias_exp.init - BIAS_EXP)
    found = {
        ours: np.broadcast_to(getattr(neuron, name).init, block.shape)[:count].astype(float)
        for ours, name in VARIABLES.items()
    }
    found["bias"] = found["bias"] * scale
    found["i_decay"] = found["i_decay"] + 1  # the loader takes 1 off, and Lava adds it
    matrices = {"weights": _as_run(synapse), "delays": getattr(synapse, "delays", None)}
    for name, matrix in matrices.items():
        if name == "delays" and matrix is not None:
            matrix = matrix.init
        entries = sp.coo_matrix((count, len(piece.inputs))) if matrix is None else sp.csr_matrix(matrix)[:count].tocoo()
        kept = entries.data != 0
        found[f"{name}.row"] = piece.neurons[entries.row[kept]]
        found[f"{name}.col"] = piece.inputs[entries.col[kept]]
        found[f"{name}.data"] = entries.data[kept]
    return found


def _as_run(synapse: object) -> sp.csr_matrix:
    """Its weights as its process model turns them at the first step, with Lava's own functions, times its exponent."""
    weights, parameters = synapse.weights.init, synapse.proc_params
    mode = determine_sign_mode(weights)
    kept = truncate_weights(clip_weights(weights, mode, num_bits=8), mode, parameters["num_weight_bits"])
    return kept * 2.0 ** parameters["weight_exp"]


if __name__ == "__main__":
    print_tracebacks()
    serve(work)
