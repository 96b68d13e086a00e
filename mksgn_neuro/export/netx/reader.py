"""Read a netx file, ours or anyone's, into the IR, as the stock loader would run it, and say where it would not.

Structure, weights and neurons always come from /layer; a file of ours adds names, groups and the task. What the IR
holds is what lava-dl's loader computes with: weights clipped or cut as it does, fields that it ignores ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.findings import Finding
from mksgn_neuro.export.netx.input_shape import in_words, possible_shapes
from mksgn_neuro.export.netx.layer_file import LayerFile, open_layers
from mksgn_neuro.export.netx.loader_model import DEFAULT_NEURON, RAISING_TYPES, Synapses, as_loaded, kernel_changes
from mksgn_neuro.export.netx.metadata import About, read_about
from mksgn_neuro.export.netx.reading import NetxFile, Reading
from mksgn_neuro.files import is_lfs_pointer
from mksgn_neuro.gates.hdf5 import opened
from mksgn_neuro.gates.regular import require_regular
from mksgn_neuro.ir import ConvKernel, Network, Projection

BIAS_BITS = 13  # an input block takes its values as the neurons' bias mantissa
IGNORED_AT_THE_END = ("average",)  # what a host can do with the counts


def read_netx(path: Path, *, input_message_bits: int | None = None) -> tuple[Network, list[Finding]]:
    """The network of a netx file and the findings about it; see `read_file`."""
    file = read_file(path, input_message_bits=input_message_bits)
    return file.network, list(file.findings)


def read_file(
    path: Path, *, input_message_bits: int | None = None, input_shape: tuple[int, ...] | None = None
) -> NetxFile:
    """The network that the stock loader makes of a netx file, and what it ignores, changes or refuses in it.

    `input_message_bits` and `input_shape`, here (C, H, W), are what the loader would be given; None: as the file says,
    binary where it does not. An `input` block with neurons becomes a population fed one to one with its neurons' bias.
    Raises BadInput for a file or a layer that cannot be read as CUBA neurons in a layered network.
    """
    hint = "give a netx file that was written completely"
    require_regular(path, hint)
    if is_lfs_pointer(path):
        raise BadInput("is a git-LFS pointer, not the file itself", location=str(path), hint="run git lfs pull")
    with opened(path, hint) as file:
        about = read_about(file, str(path))
        reading = Reading(str(path), about or About(), input_message_bits, input_shape)
        for layer in open_layers(file, str(path)):
            _add(reading, layer)
        return reading.finish()


def _add(reading: Reading, layer: LayerFile) -> None:
    if layer.type in IGNORED_AT_THE_END and layer.is_last:
        reading.num_layers = layer.index
        text = f"type {layer.type!r} is left out; the stock loader raises unless num_layers={layer.index}"
        return reading.note(layer, text)
    handler = HANDLERS.get(layer.type)
    if handler is None:
        return _leave_out(reading, layer)
    if layer.has("neuron"):
        layer.require_cuba()
    handler(reading, layer)
    reading.findings += layer.findings


def _leave_out(reading: Reading, layer: LayerFile) -> None:
    """As the loader does with a type that it does not know, if another layer comes before."""
    if layer.type in RAISING_TYPES or layer.index == 0:
        problem = f"type {layer.type!r} is not supported, and the stock loader raises on it"
        raise layer.bad("type", problem, f"supported are {', '.join(HANDLERS)}")
    reading.note(layer, f"type {layer.type!r} is unknown: left out, as the stock loader does without a word")


def _input(reading: Reading, layer: LayerFile) -> None:
    shape = layer.shape()
    if reading.source is not None:
        raise layer.bad("type", "a second input layer", "give a layered network with one input")
    if reading.given not in (None, shape):
        raise layer.bad("shape", f"is {shape}, not {reading.given}", "leave out --input-shape")
    if not layer.has("neuron"):
        return reading.feed(shape)
    if reading.bits is not None:
        raise layer.bad("", "takes its values as its neurons' bias, not as messages", "leave out --input-bits")
    reading.bits, reading.held = BIAS_BITS, True
    reading.feed(shape)
    before = reading.before
    # Without synapses the loader's neurons have no current; ours must forget what the synapse below brings.
    neuron = {**layer.neuron(shape), "bias": np.zeros((), dtype=np.int32), "i_decay": 4096}
    population = reading.populate(layer, shape, neuron)
    reading.projections.append(Projection(before, population.name, sp.identity(population.size, dtype=np.int32)))
    weight, bias = layer.scalar("weight", 64), layer.scalar("bias", 0)
    text = f"values enter as the neurons' bias, x·{weight} + {bias}: the loader's in-port is not connected to them"
    reading.note(layer, text)


def _flatten(reading: Reading, layer: LayerFile) -> None:
    if reading.shape:
        reading.shape = (int(np.prod(reading.shape)),)


def _dense(reading: Reading, layer: LayerFile) -> None:
    size = int(np.prod(layer.shape()))
    weights = layer.matrix("weight", size)
    reading.feed((weights.shape[1],))
    _require_width(reading, layer, weights)
    if layer.type == "dense_rec" and layer.has("delay"):
        raise layer.bad("delay", "delays beside a loop, which the stock loader gets wrong", "drop the delays")
    recurrent = layer.matrix("weight_rec", size) if layer.type == "dense_rec" else None
    delays = layer.delays(weights)
    forward, *loop = _loaded(reading, layer, weights, recurrent)
    before = reading.before
    neuron = layer.neuron((size,)) if layer.has("neuron") else _integrator(reading, layer, size)
    name = reading.populate(layer, (size,), neuron).name
    reading.projections += _by_delay(before, name, forward, delays, reading.about.delays(layer))
    reading.projections += [Projection(name, name, own.weights, weight_exp=own.exponent) for own in loop]


def _loaded(
    reading: Reading, layer: LayerFile, weights: sp.csr_matrix, recurrent: sp.csr_matrix | None
) -> tuple[Synapses, ...]:
    """The matrices as the loader runs them, with findings where those are others than the file's."""
    loaded = as_loaded(weights, recurrent)
    if loaded is None:
        problem = "all weights are zero, on which the stock loader raises OverflowError"
        raise layer.bad("weight", problem, "give the layer one other weight, or prune it")
    for name, matrix in zip(("weight", "weight_rec"), loaded):
        reading.findings += [Finding(f"{layer.location}/{name}", text) for text in matrix.changes]
    return loaded


def _integrator(reading: Reading, layer: LayerFile, size: int) -> dict:
    text = "has no neuron: the stock loader makes it an integrator without leak that never fires (vThMant 2^17)"
    reading.note(layer, text)
    return {**DEFAULT_NEURON, "bias": layer.bias((size,))}


def _require_width(reading: Reading, layer: LayerFile, weights: sp.csr_matrix) -> None:
    if weights.shape[1] != np.prod(reading.shape):
        problem = f"takes {weights.shape[1]} inputs, the layer before has {int(np.prod(reading.shape))}"
        raise layer.bad("weight", problem, "give a layered network whose layers fit")
    if len(reading.shape) == 3 and reading.populations:
        reading.note(layer, "follows a convolution without a flatten layer; the stock loader raises")


def _by_delay(
    pre: str, post: str, synapses: Synapses, delays: np.ndarray, expected: tuple[int, ...]
) -> list[Projection]:
    """One projection per delay: those that the writer named first, even where all their weights were pruned."""
    found = [int(d) for d in np.unique(delays)]
    every = list(dict.fromkeys((*expected, *found))) or [0]
    return [Projection(pre, post, _only(synapses.weights, delays == d), d, synapses.exponent) for d in every]


def _only(weights: sp.csr_matrix, chosen: np.ndarray) -> sp.csr_matrix:
    data = np.where(chosen, weights.data, 0)
    return sp.csr_matrix((data, weights.indices, weights.indptr), shape=weights.shape)


def _conv(reading: Reading, layer: LayerFile) -> None:
    geometry, weights, shape = layer.geometry(), layer.kernel(), layer.shape()
    if len(shape) != 3:
        raise layer.bad("shape", f"is {shape}", "write the shape as (C, H, W)")
    if not reading.shape:
        _feed_image(reading, layer, possible_shapes(weights, shape, **geometry))
    if len(reading.shape) != 3:
        raise layer.bad("shape", "its input is flat", "put the convolutions before the dense layers")
    kernel = ConvKernel(weights, reading.shape, **geometry)
    if kernel.output_shape != shape:
        problem = f"is {shape}, the convolution gives {kernel.output_shape}"
        hint = "give an --input-shape that fits" if reading.missing_shape else "write the shape as (C, H, W)"
        raise layer.bad("shape", problem, hint)
    if kernel.kernel.shape[1] * kernel.groups != reading.shape[0]:
        raise layer.bad(
            "weight", f"does not fit {reading.shape[0]} input channels", "give a layered network whose layers fit"
        )
    reading.findings += [Finding(f"{layer.location}/weight", text) for text in kernel_changes(weights)]
    before = reading.before
    name = reading.populate(layer, shape, layer.neuron(shape)).name
    reading.projections.append(Projection(before, name, kernel))


def _feed_image(reading: Reading, layer: LayerFile, possible: tuple[int, range, range]) -> None:
    """The input of a first convolution in a file without an input layer: as given, or the only one that fits."""
    channels, height, width = possible
    shape = reading.given or (channels, *height[:1], *width[:1])
    if reading.given is None and len(height) * len(width) != 1:
        sizes = f"{channels} channels, height {in_words(height)}, width {in_words(width)}"
        problem = f"the file does not say the shape of its input, which may have {sizes}"
        hint = "give --input-shape C,H,W, channels first (the stock loader's input_shape is W, H, C)"
        raise layer.bad("", problem, hint)
    if reading.given is None:
        text = f"no input layer; only (C, H, W) = {shape} fits, the stock loader needs input_shape={shape[::-1]}"
        reading.note(layer, text)
    reading.missing_shape = shape
    reading.feed(shape)


HANDLERS: dict[str, Callable[[Reading, LayerFile], None]] = {
    "input": _input,
    "flatten": _flatten,
    "dense": _dense,
    "dense_rec": _dense,
    "conv": _conv,
}
