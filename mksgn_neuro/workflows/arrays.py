"""Networks on plain arrays: --input X.npy in, spikes as .npz out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import in_one_piece
from mksgn_neuro.ir import Network
from mksgn_neuro.sim import reference
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.workflows.simulate import drain_of


def simulate_array(network: Network, inputs: np.ndarray, *, backend: str, states: bool) -> dict[str, np.ndarray]:
    """Spikes (T, N) of every population on an array (T, source.size), with `states` u and v too."""
    if backend == "reference":
        traces = reference.run(network, inputs, states=states)
        keys = ("spikes", "u", "v") if states else ("spikes",)
        return _named(*({n: getattr(t, key) for n, t in traces.items()} for key in keys))
    result = Emulator(network).run(inputs, record="all", states=states)
    return _named(*({n: a[0] for n, a in recorded.items()} for recorded in (result.spikes, result.u, result.v)))


def read_input(network: Network, path: Path) -> np.ndarray:
    """(T, source.size) integers from an .npy file whose last axis is time.

    Leading axes are flat in our neuron order, or (W, H, C) as netx's in-port has them.
    """
    remedy = f"give integers ({network.source.size}, T), or {(*network.source.shape[::-1], 'T')}"
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"not an .npy array ({error})", place=str(path), remedy=remedy) from error
    leading = array.shape[:-1]
    if array.ndim == 4 and leading == network.source.shape[::-1]:
        array = array.transpose(2, 1, 0, 3)
    elif int(np.prod(leading)) != network.source.size or array.ndim < 2:
        raise BadInput(f"has shape {array.shape}", place=str(path), remedy=remedy)
    flat = array.reshape(network.source.size, -1).T
    if not np.array_equal(flat, np.round(flat)):
        raise BadInput("has values that are not integers", place=str(path), remedy="quantize the input first")
    return np.ascontiguousarray(flat).astype(np.int32)


def save_recording(
    network: Network, streams: Sequence[np.ndarray], path: Path, *, states: bool, period: int | None
) -> None:
    """Spikes of every population on streams (T_s, channels), as (streams, steps, neurons), silence after each too."""
    drain = drain_of(network)
    result = Emulator(network).run(list(streams), record="all", states=states, drain=drain, period=period)
    save_arrays(_named(result.spikes, result.u, result.v), path)


def _named(spikes: dict, u: dict | None = None, v: dict | None = None) -> dict[str, np.ndarray]:
    """Each population's spikes under its name, its states, where they were recorded, as `name.u` and `name.v`."""
    return spikes | {f"{n}.u": a for n, a in (u or {}).items()} | {f"{n}.v": a for n, a in (v or {}).items()}


def save_arrays(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Write an .npz in one piece."""
    with in_one_piece(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
