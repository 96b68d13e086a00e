"""Networks on plain arrays: --input X.npy in, spikes as .npz out."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from mksgn_neuro.commands.networks import Networks
from mksgn_neuro.commands.options import print_json
from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import in_one_piece
from mksgn_neuro.ir import Network


def simulate_array(
    networks: Networks, path: Path, save: Path | None, *, states: bool, backend: str, as_json: bool
) -> None:
    """Run an array through a network, print spike counts, save spikes where asked."""
    from mksgn_neuro.sim import reference
    from mksgn_neuro.sim.engine import Emulator

    form, network = networks.simulated
    inputs = read_input(network, path)
    if backend == "reference":
        traces = reference.run(network, inputs, states=states)
        spikes, u, v = ({n: getattr(t, key) for n, t in traces.items()} for key in ("spikes", "u", "v"))
    else:
        result = Emulator(network).run(inputs, record="all", states=states)
        spikes, u, v = ({n: a[0] for n, a in getattr(result, key).items()} for key in ("spikes", "u", "v"))
    if save:
        arrays = dict(spikes)
        if states:
            arrays |= {f"{name}.u": a for name, a in u.items()} | {f"{name}.v": a for name, a in v.items()}
        save_arrays(arrays, save)
    totals = {name: int(s.sum(dtype=np.int64)) for name, s in spikes.items()}
    document = {
        "model": str(networks.path),
        "form": form,
        "simulated_on": "CPU",
        "steps": len(inputs),
        "spikes": totals,
    }
    if as_json:
        return print_json(document)
    for name, count in totals.items():
        click.echo(f"{name}: {count} spikes in {len(inputs)} steps, simulated on CPU")
    return None


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


def save_recording(network: Network, inputs: np.ndarray, path: Path, *, states: bool) -> None:
    """Spikes of every population on clips (N, frames, channels), as (N, steps, neurons), silence after each too."""
    from mksgn_neuro.lowering import steps_per_sample
    from mksgn_neuro.sim.engine import Emulator
    from mksgn_neuro.simulation import spacing_of

    spacing = spacing_of(network, steps_per_sample(network, inputs.shape[1]))
    drain = spacing - inputs.shape[1]
    result = Emulator(network).run(inputs, record="all", states=states, drain=drain, period=spacing)
    arrays = dict(result.spikes)
    if states:
        arrays |= {f"{n}.u": a for n, a in result.u.items()} | {f"{n}.v": a for n, a in result.v.items()}
    save_arrays(arrays, path)


def save_arrays(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Write an .npz in one piece."""
    with in_one_piece(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
