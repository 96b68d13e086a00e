"""The fields of one netx layer, read as the stock loader reads them, with findings where that loses something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.findings import Finding
from mksgn_neuro.export.netx.loader_model import (
    CUBA_TYPES,
    MAX_CONV_GEOMETRY,
    MAX_DELAY,
    NEURON_RANGES,
    assembled,
)
from mksgn_neuro.gates.hdf5 import Dataset, Group
from mksgn_neuro.gates.regular import shown
from mksgn_neuro.ir.spec import BIAS_RANGE

READ = {
    "input": {"type", "shape", "neuron", "weight", "bias"},
    "flatten": {"type", "shape"},
    "dense": {"type", "shape", "neuron", "weight", "bias", "delay"},
    "dense_rec": {"type", "shape", "neuron", "weight", "bias", "delay", "weight_rec"},
    "conv": {"type", "shape", "neuron", "weight", "bias", "stride", "padding", "dilation", "groups"},
}
# Other words for what weight and shape say already.
REDUNDANT = {"inFeatures", "outFeatures", "inChannels", "outChannels", "kernelSize"}
# Training's own numbers, and the fields whose usual value changes nothing.
NEURON_READ = {"type", "iDecay", "vDecay", "vThMant", "theta", "tauRho", "scaleRho"}
NEURON_HARMLESS = {"refDelay": 1, "gradedSpike": 0, "wgtExp": 0}
OTHER_NEURONS = {"SDNN": "sigma-delta neurons", "RF": "resonate-and-fire neurons"}


@dataclass
class LayerFile:
    """One group under /layer. Its numbers come back as integers, truncated as the loader does, with a finding."""

    group: Group
    path: str
    index: int
    is_last: bool
    findings: list[Finding] = field(default_factory=list)

    @property
    def location(self) -> str:
        """The group's name in the file."""
        return f"/layer/{self.index}"

    def bad(self, name: str, problem: str, hint: str) -> BadInput:
        """The error that names this place."""
        return BadInput(problem, location=f"{self.path}:{self.location}" + (f"/{name}" if name else ""), hint=hint)

    def has(self, name: str) -> bool:
        """Is the field there?"""
        return name in self.group

    @property
    def type(self) -> str:
        """netx's name of the layer's kind."""
        return self._text("type")

    def shape(self) -> tuple[int, ...]:
        """(C, H, W) or (N,)."""
        value = np.atleast_1d(self.integers("shape"))
        if value.ndim > 1:
            raise self.bad("shape", f"has shape {value.shape}", "give a list of numbers")
        return tuple(int(n) for n in value)

    def scalar(self, name: str, default: int | None) -> int:
        """One integer; `default` where it is absent, BadInput if there is none."""
        if default is not None and not self.has(name):
            return default
        value = self.integers(name)
        if value.size != 1:
            raise self.bad(name, f"has shape {value.shape}", "give one number")
        return int(value.flat[0])

    def geometry(self) -> dict:
        """`stride`, `padding`, `dilation` (H, W) and `groups` of a convolution."""
        return {
            "stride": self._pair("stride", 1),
            "padding": self._pair("padding", 0),
            "dilation": self._pair("dilation", 1),
            "groups": self._pair("groups", 1)[0],
        }

    def _pair(self, name: str, lowest: int) -> tuple[int, int]:
        value = self.integers(name).ravel()
        if value.size not in (1, 2):
            raise self.bad(name, f"has {value.size} values", "give one number or (H, W)")
        if value.min() < lowest or value.max() > MAX_CONV_GEOMETRY:
            raise self.bad(name, f"is {value.tolist()}", f"Lava's convolution takes {lowest}..{MAX_CONV_GEOMETRY}")
        return int(value[0]), int(value[-1])

    def integers(self, name: str) -> np.ndarray:
        """A numeric field, truncated to integers."""
        whole, lost = self._truncated(name, self._field(name))
        self._note_truncation(name, lost)
        return whole

    def matrix(self, name: str, rows: int) -> sp.csr_matrix:
        """A dense layer's (rows, columns), which is mostly zeros: never whole in memory."""
        shape = self._dataset(name).shape
        if len(shape) == 1 and rows and shape[0] % rows == 0:
            return sp.csr_matrix(self.integers(name).reshape(rows, -1))
        if len(shape) != 2 or shape[0] != rows or not rows:
            raise self.bad(name, f"has shape {shape}, the layer has {rows} neurons", "write (out, in)")
        blocks, lost = [], 0
        for at_rows, at_columns, block in self._dataset(name).blocks():
            whole, more = self._truncated(name, block)
            blocks.append((at_rows.start, at_columns.start, sp.coo_matrix(whole)))
            lost += more
        self._note_truncation(name, lost)
        return assembled(shape, blocks)

    def kernel(self) -> np.ndarray:
        """A convolution's (C_out, C_in / groups, kH, kW)."""
        value = self.integers("weight")
        if value.ndim < 4 or np.prod(value.shape[4:]) != 1:
            raise self.bad("weight", f"has shape {value.shape}", "write (C_out, C_in / groups, kH, kW)")
        return value.reshape(value.shape[:4])

    def delays(self, weights: sp.csr_matrix) -> np.ndarray:
        """The delay of each stored synapse: in the file per synapse, layer, neuron or input (square: per neuron)."""
        if not self.has("delay"):
            return np.zeros(weights.nnz, dtype=np.int64)
        row = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
        value = self._delays_at(row, weights)
        if value.size and value.min() < 0:
            raise self.bad("delay", f"is {value.min()}", f"delays are 0..{MAX_DELAY}")
        if value.size and value.max() > MAX_DELAY:
            text = f"is {value.max()} at most; the stock loader clips to {MAX_DELAY}"
            self.findings.append(Finding(f"{self.location}/delay", text))
        return np.minimum(value, MAX_DELAY)

    def _delays_at(self, row: np.ndarray, weights: sp.csr_matrix) -> np.ndarray:
        shape, (rows, columns) = self._dataset("delay").shape, weights.shape
        if shape in ((), (1,)):
            return np.full(weights.nnz, self.scalar("delay", None))
        if shape in ((rows,), (rows, 1)):
            return self.integers("delay").ravel()[row]
        if shape == (columns,):
            return self.integers("delay")[weights.indices]
        if shape != weights.shape:
            raise self.bad("delay", f"has shape {shape}, weight {weights.shape}", "give one per synapse or neuron")
        found, lost = np.zeros(weights.nnz, dtype=np.int64), 0
        numbered = sp.csr_matrix((np.arange(weights.nnz), weights.indices, weights.indptr), shape=shape)
        for at_rows, at_columns, block in self._dataset("delay").blocks():
            here = numbered[at_rows, at_columns].tocoo()
            whole, more = self._truncated("delay", block[here.row, here.col])
            found[here.data] = whole
            lost += more
        self._note_truncation("delay", lost)
        return found

    def bias(self, shape: tuple[int, ...]) -> np.ndarray:
        """() or one per neuron, row-major; in the file one per layer, channel, or neuron in Lava's W, H, C order."""
        if not self.has("bias"):
            return np.zeros((), dtype=np.int64)
        value = self._ranged("bias", "bias")
        if value.size and (value.min() < BIAS_RANGE[0] or value.max() > BIAS_RANGE[1]):
            text = f"Lava simulates it as it stands; the chip's field holds {BIAS_RANGE[0]}..{BIAS_RANGE[1]}"
            self.findings.append(Finding(f"{self.location}/bias", text))
        if value.size == 1 and len(shape) == 1:
            return value.reshape(()) if value.ndim == 0 or shape != (1,) else value
        if len(shape) == 3 and value.shape == shape[:1]:
            return np.repeat(value, shape[1] * shape[2])
        return self._per_neuron("bias", value, shape)

    def require_cuba(self) -> None:
        """Raises BadInput, naming the kind, for neurons that are no CUBA ones."""
        kind = self._text("neuron/type")
        if kind not in CUBA_TYPES:
            families = [text for name, text in OTHER_NEURONS.items() if name in kind]
            what = f"{families[0]} ({kind})" if families else f"neurons of type {kind!r}"
            raise self.bad("neuron/type", f"{what} are not supported", "supported are CUBA and LOIHI")

    def neuron(self, shape: tuple[int, ...]) -> dict:
        """`vth`, `i_decay`, `v_decay` and `bias` of a CUBA neuron."""
        thresholds = np.unique(self._ranged("neuron/vThMant", "vThMant"))
        if thresholds.size != 1:
            raise self.bad("neuron/vThMant", "differs between neurons", "give a layer one threshold")
        decays = {
            name: self._per_neuron(f"neuron/{key}", self._ranged(f"neuron/{key}", key), shape)
            for name, key in (("i_decay", "iDecay"), ("v_decay", "vDecay"))
        }
        return {"vth": int(thresholds[0]), "bias": self.bias(shape), **decays}

    def _ranged(self, name: str, field: str) -> np.ndarray:
        value, (low, high) = self.integers(name), NEURON_RANGES[field]
        if value.size and not low <= value.min() <= value.max() <= high:
            worst = value.min() if value.min() < low else value.max()
            raise self.bad(name, f"is {worst}, which the stock loader does not run as it stands", f"keep {low}..{high}")
        return value

    def _per_neuron(self, name: str, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if value.ndim == 0:
            return value
        if value.shape == shape[::-1]:
            return value.transpose().ravel()
        if value.size == 1:
            return value.reshape(())
        raise self.bad(name, f"has shape {value.shape}, the layer {shape}", "give one per layer or per neuron")

    def _dataset(self, name: str) -> Dataset:
        found = self.group.get(name)
        if not isinstance(found, Dataset):
            raise self.bad(name, "is missing", "add it")
        return found

    def _field(self, name: str) -> np.ndarray:
        return self._dataset(name).read()

    def _truncated(self, name: str, value: np.ndarray) -> tuple[np.ndarray, int]:
        """Integers, and how many were none before."""
        if value.dtype.kind not in "iufb" or not np.all(np.isfinite(value)):
            raise self.bad(name, "is not a finite number", "write integers")
        if value.size and not -(2**31) <= value.min() <= value.max() < 2**31:
            raise self.bad(name, "does not fit 32 bits", "write smaller integers")
        whole = value if value.dtype.kind in "iu" else value.astype(np.int64)
        return whole, int(np.count_nonzero(whole != value))

    def _note_truncation(self, name: str, lost: int) -> None:
        if lost:
            self.findings.append(
                Finding(f"{self.location}/{name}", f"{lost} values are not integers; they are truncated")
            )

    def _text(self, name: str) -> str:
        value = self._field(name)
        return shown(value.flat[0]) if value.size else ""


def open_layers(file: Group, path: str) -> Iterator[LayerFile]:
    """The layers in order, each with findings on fields that the stock loader does not read."""
    layers = file.get("layer")
    if not isinstance(layers, Group) or not len(layers):
        raise BadInput("has no /layer", location=path, hint="give a netx file")
    count = len(layers)
    for i in range(count):
        group = layers.get(str(i))
        if not isinstance(group, Group):
            raise BadInput("is missing", location=f"{path}:/layer/{i}", hint=f"number the {count} layers from 0")
        layer = LayerFile(group, path, i, i == count - 1)
        layer.findings += _unread(layer)
        yield layer


def _unread(layer: LayerFile) -> Iterator[Finding]:
    for name in sorted(set(layer.group) - READ.get(layer.type, set(layer.group)) - REDUNDANT):
        yield Finding(f"{layer.location}/{name}", f"the stock loader ignores it in a {layer.type} layer")
    neuron = layer.group.get("neuron")
    if layer.type not in READ or not isinstance(neuron, Group):
        return
    for name in sorted(set(neuron) - NEURON_READ):
        location = f"{layer.location}/neuron/{name}"
        if name == "messageBits":
            yield Finding(location, "the stock loader hangs on it")
        elif name not in NEURON_HARMLESS:
            yield Finding(location, "the stock loader ignores it")
        elif not _holds(neuron.get(name), NEURON_HARMLESS[name]):
            yield Finding(location, f"the stock loader ignores it and runs {NEURON_HARMLESS[name]}")


def _holds(found: Group | Dataset | None, value: int) -> bool:
    """Whether a data set holds this value and no other."""
    return isinstance(found, Dataset) and np.array_equal(np.unique(found.read()), [value])
