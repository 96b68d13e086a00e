"""Networks on plain arrays: --input X.npy in, spikes as .npz out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mksgn_neuro.errors import BadInput, Unsupported
from mksgn_neuro.export.lava_graph import run_lava
from mksgn_neuro.files import atomic_write, is_lfs_pointer
from mksgn_neuro.gates.arrays import read_npy
from mksgn_neuro.gates.regular import require_regular
from mksgn_neuro.ir import Network, Source
from mksgn_neuro.ir.inputs import require_count
from mksgn_neuro.sim import reference
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.measure import measure
from mksgn_neuro.sim.recorded import from_spikes
from mksgn_neuro.workflows.simulate import LAVA_SECONDS, LAVA_SECONDS_PER_STEP, silent_steps_after


@dataclass(frozen=True)
class Recording:
    """Every population on one array: `spikes` uint8 (T, N), `u` and `v` int32 where asked for; what was counted."""

    spikes: dict[str, np.ndarray]
    u: dict[str, np.ndarray]
    v: dict[str, np.ndarray]
    populations: list[dict]

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """As they are saved: spikes under the population's name, states as `name.u` and `name.v`."""
        return _named(self.spikes, self.u, self.v)


def simulate_array(
    network: Network,
    inputs: np.ndarray,
    *,
    backend: str = "emulator",
    states: bool = False,
    reset_interval: int | None = None,
) -> Recording:
    """Run inputs (T, source.size), from rest, with u and v zeroed every `reset_interval` steps where one is given."""
    require_count(reset_interval, "reset_interval")
    if backend not in BACKEND_RUNS:
        raise BadInput(f"unknown backend {backend!r}", hint=f"choose from {', '.join(BACKEND_RUNS)}")
    spikes, u, v = BACKEND_RUNS[backend](network, inputs, states, reset_interval)
    counts = from_spikes(network, inputs, spikes).counts
    return Recording(spikes, u, v, [asdict(activity) for activity in measure(network, counts).populations])


Traces = tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]


def _emulated(network: Network, inputs: np.ndarray, states: bool, reset_interval: int | None) -> Traces:
    result = Emulator(network).run(inputs, record="all", states=states, reset_interval=reset_interval)
    spikes, u, v = ({n: a[0] for n, a in recorded.items()} for recorded in (result.spikes, result.u, result.v))
    return spikes, u, v


def _by_reference(network: Network, inputs: np.ndarray, states: bool, reset_interval: int | None) -> Traces:
    traces = reference.run(network, inputs, states=states, reset_interval=reset_interval)
    spikes = {name: trace.spikes for name, trace in traces.items()}
    u = {name: trace.u for name, trace in traces.items() if trace.u is not None}
    return spikes, u, {name: trace.v for name, trace in traces.items() if trace.v is not None}


def _by_lava(network: Network, inputs: np.ndarray, states: bool, reset_interval: int | None) -> Traces:
    if states:
        hint = "use the emulator or the reference, which compute the same"
        raise Unsupported("the Lava backend records spikes only", location="--states", hint=hint)
    seconds = LAVA_SECONDS + LAVA_SECONDS_PER_STEP * len(inputs)
    return run_lava(network, inputs, reset_interval=reset_interval, limit=seconds), {}, {}


BACKEND_RUNS = {"emulator": _emulated, "reference": _by_reference, "lava": _by_lava}


def read_input(network: Network, path: Path, axes: str | None = None) -> np.ndarray:
    """(T, source.size) integers from an .npy file whose last axis is time.

    Before it the array is flat, in our neurons' order, or has the source's axes; those of an image, (C, H, W), also
    the other way round, as Lava's ports have them. `axes`, one of names.AXES, says which; without it they are told
    apart by their sizes, and BadInput asks where C = W.
    """
    array = _load(path)
    hint = f"give integers {_expected(network.source, axes)}"
    if array.ndim < 2 or not array.shape[-1]:
        raise BadInput(f"has shape {array.shape}, which is no time steps of inputs", location=str(path), hint=hint)
    order = _order(network.source, array.shape[:-1], axes, path)
    if order is None:
        raise BadInput(f"has shape {array.shape}", location=str(path), hint=hint)
    if array.dtype.kind not in "biuf" or (array.dtype.kind == "f" and not _whole(array)):
        raise BadInput("has values that are not integers", location=str(path), hint="quantize the input first")
    if not array.size or not -(2**31) < array.min() <= array.max() < 2**31:
        raise BadInput("has values that do not fit 32 bits", location=str(path), hint="quantize the input first")
    if network.source.message_bits == 0 and not 0 <= array.min() <= array.max() <= 1:
        hint = "give 0 and 1 or, for graded values in a .net file, --input-bits N"
        raise BadInput(f"has values {array.min()}..{array.max()}, the input is binary", location=str(path), hint=hint)
    flat = array.transpose(*order, array.ndim - 1).reshape(network.source.size, -1).T
    return np.ascontiguousarray(flat).astype(np.int32)


def _whole(array: np.ndarray) -> bool:
    return bool(np.isfinite(array).all()) and np.array_equal(array, np.round(array))


def _load(path: Path) -> np.ndarray:
    hint = "give what numpy.save writes"
    require_regular(path, hint)
    if is_lfs_pointer(path):
        raise BadInput("is a git-LFS pointer, not the file itself", location=str(path), hint="run git lfs pull")
    return read_npy(path, hint)


def _order(source: Source, leading: tuple[int, ...], axes: str | None, path: Path) -> tuple[int, ...] | None:
    """How to transpose the leading axes into the source's order; None where they do not fit it."""
    own, reverse = leading == source.shape, leading == source.shape[::-1] and source.is_image
    as_it_is, turned = tuple(range(len(leading))), tuple(range(len(leading)))[::-1]
    if axes is not None:
        return {"chwt": as_it_is if own else None, "whct": turned if reverse else None}[axes]
    if leading == (source.size,):
        return as_it_is
    if own and reverse:
        problem = f"has shape {_words((*leading, 'T'))}, which is (C, H, W, T) as well as (W, H, C, T)"
        raise BadInput(problem, location=str(path), hint="say which: --axes chwt or --axes whct")
    return as_it_is if own else turned if reverse else None


def _expected(source: Source, axes: str | None) -> str:
    shapes = {"flat": (source.size, "T"), "chwt": (*source.shape, "T"), "whct": (*source.shape[::-1], "T")}
    if not source.is_image:
        shapes.pop("whct")
    chosen = [shapes[axes]] if axes in shapes else list(dict.fromkeys(shapes.values()))
    return " or ".join(map(_words, chosen))


def _words(shape: tuple) -> str:
    return f"({', '.join(map(str, shape))})"


def save_recording(
    network: Network, streams: Sequence[np.ndarray], path: Path, *, states: bool, reset_interval: int | None
) -> None:
    """Spikes of every population on streams (T_s, channels), as (streams, steps, neurons), silence after each too."""
    silent_steps = silent_steps_after(network)
    result = Emulator(network).run(
        list(streams), record="all", states=states, silent_steps=silent_steps, reset_interval=reset_interval
    )
    save_arrays(_named(result.spikes, result.u, result.v), path)


def _named(spikes: dict, u: dict, v: dict) -> dict[str, np.ndarray]:
    return spikes | {f"{n}.u": a for n, a in u.items()} | {f"{n}.v": a for n, a in v.items()}


def save_arrays(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Write an .npz in one piece."""
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        named: dict[str, Any] = {**arrays}  # savez has a flag among its keywords, and an array's name may be any
        np.savez_compressed(file, **named)
