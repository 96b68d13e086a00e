"""What is known of a netx file: while its layers are read, and at the end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.findings import Finding
from mksgn_neuro.export.netx.layer_file import LayerFile
from mksgn_neuro.export.netx.loader_model import GROUP
from mksgn_neuro.export.netx.metadata import About
from mksgn_neuro.ir import Group, Network, Population, Projection, Source
from mksgn_neuro.ir.network import IMAGE_AXES
from mksgn_neuro.ir.spec import (
    biases_in_range,
    current_cannot_wrap,
    legal_from_file,
    thresholds_in_range,
    weights_on_grid,
)

# What `LayerFile` holds to the stock loader's own ranges, or says in a finding: other people's files run as they do.
AS_THE_LOADER_RUNS_THEM = (biases_in_range, thresholds_in_range, weights_on_grid, current_cannot_wrap)


@dataclass(frozen=True)
class NetxFile:
    """What a netx file holds, and what its stock loader must be told to run the same.

    num_layers: of those under /layer, None for all. input_shape (C, H, W): None where the file says it. held: an
    `input` block takes one constant input, as its neurons' bias, and answers a step before `network`. reset_interval:
    steps between resets, where a file of ours says so.
    """

    network: Network
    findings: tuple[Finding, ...]
    num_layers: int | None = None
    input_shape: tuple[int, int, int] | None = None
    held: bool = False
    reset_interval: int | None = None


@dataclass
class Reading:
    """What has been read of the layered network so far; `shape` is that of the last layer's output.

    bits, given: what the user says of the input, None where nothing.
    """

    path: str
    about: About
    bits: int | None
    given: tuple[int, ...] | None
    shape: tuple[int, ...] = ()
    source: Source | None = None
    populations: list[Population] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    num_layers: int | None = None
    missing_shape: tuple[int, int, int] | None = None
    held: bool = False

    def note(self, layer: LayerFile, text: str) -> None:
        """A finding about a layer as a whole."""
        self.findings.append(Finding(layer.location, text))

    def finish(self) -> NetxFile:
        """All of it; raises BadInput if there is no layer with neurons."""
        if not self.populations:
            raise BadInput("no layer has neurons", location=self.path, hint="give a network of dense or conv layers")
        source = self.about.source or self.source
        populations, projections = tuple(self.populations), tuple(self.projections)
        network = Network(source, populations, projections, self.populations[-1].name, task=self.about.task)
        legal_from_file(network, self.path, but=AS_THE_LOADER_RUNS_THEM)
        findings = tuple(self.findings)
        return NetxFile(network, findings, self.num_layers, self.missing_shape, self.held, self.about.reset_interval)

    @property
    def before(self) -> str:
        """Name of the population, or source, that the next layer takes."""
        return self.populations[-1].name if self.populations else (self.about.source or self.source).name

    def feed(self, shape: tuple[int, ...]) -> None:
        """The first layer takes this shape; the source has it unless the user or the file tells another one."""
        if self.source is not None:
            return
        if self.given and np.prod(self.given) != np.prod(shape):
            problem = f"takes {int(np.prod(shape))} inputs, not {' x '.join(map(str, self.given))}"
            raise BadInput(problem, location=self.path, hint="give an --input-shape that fits, or none")
        if self.about.source and self.about.source.size != np.prod(shape):
            problem = f"describes {self.about.source.size} inputs, the first layer takes {int(np.prod(shape))}"
            raise BadInput(problem, location=f"{self.path}:/{GROUP}", hint="export the model again")
        if self.about.source and self.bits not in (None, self.about.source.message_bits):
            problem = f"says itself that its input has {self.about.source.message_bits} bits"
            raise BadInput(problem, location=self.path, hint="leave out --input-bits")
        shape = self.given or shape
        axes = IMAGE_AXES if len(shape) == 3 else ()
        self.source, self.shape = Source("input", shape, self.bits or 0, axes), shape

    def populate(self, layer: LayerFile, shape: tuple[int, ...], neuron: dict) -> Population:
        """Add the layer's neurons, with the names that a file of ours gives them."""
        size = int(np.prod(shape))
        known = self.about.level(layer, size)
        axes = IMAGE_AXES if len(shape) == 3 else ("neuron",)
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
