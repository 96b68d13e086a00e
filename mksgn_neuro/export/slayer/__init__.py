"""lava-dl's SLAYER, both ways: an IR network in layers as SLAYER blocks, and a SLAYER-trained network as an IR network.

`to_slayer` and `from_slayer` import lava-dl into this process; `run_slayer` and `write_slayer_file` do not.
"""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mksgn_neuro.export.child import run_child
from mksgn_neuro.export.lava_graph import require_lava
from mksgn_neuro.export.slayer import plan
from mksgn_neuro.files import atomic_write
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.inputs import checked
from mksgn_neuro.ir.store import save

if TYPE_CHECKING:
    from types import ModuleType

    import torch

    from mksgn_neuro.export.slayer.blocks import LayeredBlocks

CHILD = "mksgn_neuro.export.slayer.blocks"


def to_slayer(network: Network) -> LayeredBlocks:
    """The network, a layered network of populations, as a `torch.nn.Module` of `lava.lib.dl.slayer.block.cuba` blocks.

    Its forward takes (B, N_in, T) float and gives the readout's spikes (B, N, T), `levels` every population's, step
    for step the reference's; `export_hdf5` writes a netx file by the blocks' own export.
    Raises Unsupported, naming the population, for what SLAYER cannot compute; IllegalNetwork.
    """
    require_lava("lava-dl")
    return _load("blocks").LayeredBlocks(network)


def from_slayer(
    blocks: torch.nn.Module | Iterable[torch.nn.Module], input_shape: tuple[int, ...], *, message_bits: int = 0
) -> Network:
    """A SLAYER-trained layered network of CUBA Dense, Conv, Recurrent and Flatten blocks as an IR network.

    `blocks` is the list or a module with `.blocks`, as lava-dl's examples have; `input_shape` (C, H, W) or (N,).
    A last `Average` becomes the readout's grouping. Weights, thresholds and decays are those of SLAYER's own
    quantization, spikes those of its forward, except that a bias (MeanOnlyBatchNorm) acts one step earlier: the chip's
    does, and so does the file that SLAYER exports.
    Raises Unsupported, naming the block, for what has no exact counterpart; IllegalNetwork.
    """
    require_lava("lava-dl")
    return _load("from_blocks").convert(blocks, tuple(input_shape), message_bits)


def run_slayer(
    network: Network, inputs: np.ndarray, *, reset_interval: int | None = None, limit: float = 600.0
) -> dict[str, np.ndarray]:
    """SLAYER's forward in a process of its own; spikes uint8 of every population at every step.

    `inputs` are integers, (T, N_in), or (B, T, N_in) where every sample starts from rest. With a `reset_interval`, (T,
    N_in) are samples that far apart, and spikes those of `sim.reference.run` with that interval, from each population's
    level on, if no spike of one sample is in flight when the next begins. Raises as `to_slayer`, and ChildFailed.
    """
    inputs = checked(network.source, inputs, batch=True)
    if reset_interval:
        return _in_stream(network, inputs, reset_interval, limit)
    batch = inputs if inputs.ndim == 3 else inputs[None]
    spikes = _in_child(network, {"inputs": batch, "own_time": np.array(False)}, limit)
    return spikes if inputs.ndim == 3 else {name: value[0] for name, value in spikes.items()}


def _in_stream(network: Network, inputs: np.ndarray, reset_interval: int, limit: float) -> dict[str, np.ndarray]:
    """Each sample by itself in every population's own time, put back where the stream has it."""
    steps, channels = inputs.shape
    samples = np.zeros((-(-steps // reset_interval), reset_interval, channels), np.int32)
    samples.reshape(-1, channels)[:steps] = inputs
    answer = _in_child(network, {"inputs": samples, "own_time": np.array(True)}, limit)
    silence = {name: np.zeros((level, network[name].size), np.uint8) for name, level in network.level.items() if level}
    flat = {name: value.reshape(-1, value.shape[-1]) for name, value in answer.items()}
    return {name: np.vstack([silence[name], value])[:steps] for name, value in flat.items()}


def write_slayer_file(network: Network, path: Path, *, limit: float = 600.0) -> None:
    """Write the netx file that SLAYER's own `export_hdf5` makes of the network. Raises as `run_slayer`."""
    with atomic_write(Path(path).resolve()) as temporary:
        _in_child(network, {"file": np.array(str(temporary))}, limit)


def _in_child(network: Network, request: dict[str, np.ndarray], limit: float) -> dict[str, np.ndarray]:
    require_lava("lava-dl")
    plan.plan(network)  # refuse here, in one line, rather than in the child's traceback

    def payload(folder: Path) -> dict[str, np.ndarray]:
        save(network, folder / "network.ir.h5")
        return {"network": np.array(str(folder / "network.ir.h5")), **request}

    return run_child(CHILD, payload, limit)


def _load(name: str) -> ModuleType:
    """lava-dl prints a warning on stdout when it is imported, where only our answers may go."""
    with contextlib.redirect_stdout(io.StringIO()):
        return importlib.import_module(f"mksgn_neuro.export.slayer.{name}")
