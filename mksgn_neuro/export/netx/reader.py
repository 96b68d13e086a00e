"""Read a netx file, ours or anyone's, into the IR, as the stock loader would run it, and say where it would not.

Structure, weights and neurons always come from /layer; a file of ours adds names, groups and the task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.findings import Finding
from mksgn_neuro.export.netx.layer_file import LayerFile, open_layers
from mksgn_neuro.export.netx.loader_model import DEFAULT_NEURON, weight_findings
from mksgn_neuro.export.netx.metadata import About, read_about
from mksgn_neuro.ir import ConvKernel, Group, Network, Population, Projection, Source

BIAS_BITS = 13  # an input block takes its values as the neurons' bias mantissa
IGNORED_AT_THE_END = ("average",)  # what a host can do with the counts


def read_netx(path: Path, *, input_message_bits: int = 0) -> tuple[Network, list[Finding]]:
    """The network of a netx file and what the stock loader would ignore, change or refuse in it.

    `input_message_bits` is what the loader would be given (0: binary input); a file of ours knows better. An `input`
    block with neurons becomes a population fed one to one with its neurons' bias, one step later than by lava-dl.
    Raises BadInput for a file or a layer that cannot be read as CUBA neurons in a chain.
    """
    try:
        with h5py.File(path, "r") as file:
            about = read_about(file, str(path))
            reading = _Reading(about or About(), input_message_bits)
            for layer in open_layers(file, str(path)):
                reading.add(layer)
            return reading.network(str(path)), reading.findings
    except OSError as error:
        remedy = "give a netx file that was written completely"
        raise BadInput(f"not a readable HDF5 file ({error})", place=str(path), remedy=remedy) from error


@dataclass
class _Reading:
    """What has been read of the chain so far; `shape` is that of the last layer's output."""

    about: About
    message_bits: int
    shape: tuple[int, ...] = ()
    source: Source | None = None
    populations: list[Population] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, layer: LayerFile) -> None:
        """Read one layer."""
        if layer.type in IGNORED_AT_THE_END and layer.is_last:
            text = f"type {layer.type!r} is left out; the stock loader raises unless num_layers={layer.index}"
            self.findings.append(Finding(layer.place, text))
            return
        handler = HANDLERS.get(layer.type)
        if handler is None:
            known = ", ".join(HANDLERS)
            raise layer.bad("type", f"type {layer.type!r} is not supported", f"supported are {known}")
        handler(self, layer)
        self.findings += layer.findings

    def network(self, path: str) -> Network:
        """All of it; raises BadInput if there is no layer with neurons."""
        if not self.populations:
            raise BadInput("no layer has neurons", place=path, remedy="give a network of dense or conv layers")
        source = self.about.source or self.source
        return Network(
            source, tuple(self.populations), tuple(self.projections), self.populations[-1].name, task=self.about.task
        )

    @property
    def before(self) -> str:
        """Name of the population, or source, that the next layer listens to."""
        return self.populations[-1].name if self.populations else (self.about.source or self.source).name

    def feed(self, shape: tuple[int, ...], bits: int) -> None:
        """The source has this shape unless the file has told another of the same size."""
        if self.source is None:
            if self.about.source and self.about.source.size != np.prod(shape):
                raise BadInput(
                    f"{self.about.source.size} inputs are described", place="/mksgn_neuro", remedy="export again"
                )
            self.source, self.shape = Source("input", shape, bits), shape

    def populate(self, layer: LayerFile, shape: tuple[int, ...], neuron: dict) -> Population:
        """Add the layer's neurons, with the names that a file of ours gives them."""
        size = int(np.prod(shape))
        known = self.about.level(layer, size)
        axes = ("channel", "y", "x") if len(shape) == 3 else ("neuron",)
        name, role = (known.name, known.role) if known else (f"layer{layer.index}", "layer")
        groups = known.groups if known else (Group(name, role, shape, axes),)
        bias = neuron["bias"]
        if known and not known.shared_bias:
            bias = np.broadcast_to(bias, (size,))
        elif known and np.all(bias == bias.flat[0]):
            bias = bias.flat[0]
        self.populations.append(
            Population(name, groups, neuron["vth"], neuron["i_decay"], neuron["v_decay"], bias, role)
        )
        self.shape = shape
        return self.populations[-1]


def _input(reading: _Reading, layer: LayerFile) -> None:
    shape = layer.shape()
    if reading.source is not None:
        raise layer.bad("type", "a second input layer", "give a chain with one input")
    if not layer.has("neuron"):
        return reading.feed(shape, reading.message_bits)
    reading.feed(shape, BIAS_BITS)
    before = reading.before
    # Without synapses the loader's neurons have no current; ours must forget what the synapse below brings.
    neuron = {**layer.neuron(shape), "bias": np.zeros((), dtype=np.int32), "i_decay": 4096}
    population = reading.populate(layer, shape, neuron)
    reading.projections.append(Projection(before, population.name, sp.identity(population.size, dtype=np.int32)))
    weight, bias = layer.scalar("weight", 64), layer.scalar("bias", 0)
    text = f"values enter as the neurons' bias, x·{weight} + {bias}: the loader's in-port is not connected to them"
    reading.findings.append(Finding(layer.place, text))


def _flatten(reading: _Reading, layer: LayerFile) -> None:
    if reading.shape:
        reading.shape = (int(np.prod(reading.shape)),)


def _dense(reading: _Reading, layer: LayerFile) -> None:
    size = int(np.prod(layer.shape()))
    weights = layer.matrix("weight", size)
    reading.feed((weights.shape[1],), reading.message_bits)
    _require_width(reading, layer, weights)
    recurrent = layer.matrix("weight_rec", size) if layer.type == "dense_rec" else None
    reading.findings += weight_findings(layer.place, weights, recurrent)
    delays = layer.delays(weights)
    before = reading.before
    neuron = layer.neuron((size,)) if layer.has("neuron") else _integrator(reading, layer, size)
    name = reading.populate(layer, (size,), neuron).name
    reading.projections += _by_delay(before, name, weights, delays, reading.about.delays(layer))
    if recurrent is not None:
        if np.any(delays):
            raise layer.bad("delay", "delays beside a loop, which the stock loader gets wrong", "drop the delays")
        reading.projections.append(Projection(name, name, recurrent))


def _integrator(reading: _Reading, layer: LayerFile, size: int) -> dict:
    text = "has no neuron: the stock loader makes it an integrator without leak that never fires (vThMant 2^17)"
    reading.findings.append(Finding(layer.place, text))
    return {**DEFAULT_NEURON, "bias": layer.bias((size,))}


def _require_width(reading: _Reading, layer: LayerFile, weights: sp.csr_matrix) -> None:
    if weights.shape[1] != np.prod(reading.shape):
        problem = f"takes {weights.shape[1]} inputs, the layer before has {int(np.prod(reading.shape))}"
        raise layer.bad("weight", problem, "give a chain whose layers fit")
    if len(reading.shape) == 3 and reading.populations:
        text = "follows a convolution without a flatten layer; the stock loader raises"
        reading.findings.append(Finding(layer.place, text))


def _by_delay(
    pre: str, post: str, weights: sp.csr_matrix, delays: np.ndarray, expected: tuple[int, ...]
) -> list[Projection]:
    """One projection per delay: those that the writer named first, even where all their weights were pruned."""
    found = [int(d) for d in np.unique(delays)]
    every = list(dict.fromkeys((*expected, *found))) or [0]
    return [Projection(pre, post, _only(weights, delays == d), d) for d in every]


def _only(weights: sp.csr_matrix, chosen: np.ndarray) -> sp.csr_matrix:
    data = np.where(chosen, weights.data, 0)
    return sp.csr_matrix((data, weights.indices, weights.indptr), shape=weights.shape)


def _conv(reading: _Reading, layer: LayerFile) -> None:
    if len(reading.shape) != 3:
        raise layer.bad("shape", "the shape of its input is not known", "put an input layer of shape (C, H, W) first")
    geometry = {name: layer.pair(name) for name in ("stride", "padding", "dilation")}
    kernel = ConvKernel(layer.kernel(), reading.shape, groups=layer.scalar("groups", None), **geometry)
    shape = layer.shape()
    if kernel.output_shape != shape:
        problem = f"shape is {shape}, the convolution gives {kernel.output_shape}"
        raise layer.bad("shape", problem, "write the shape as (C, H, W)")
    if kernel.kernel.shape[1] * kernel.groups != reading.shape[0]:
        raise layer.bad("weight", f"does not fit {reading.shape[0]} input channels", "give a chain whose layers fit")
    before = reading.before
    name = reading.populate(layer, shape, layer.neuron(shape)).name
    reading.projections.append(Projection(before, name, kernel))


HANDLERS: dict[str, Callable[[_Reading, LayerFile], None]] = {
    "input": _input,
    "flatten": _flatten,
    "dense": _dense,
    "dense_rec": _dense,
    "conv": _conv,
}
