"""Run a netx file with lava-dl's own loader, the oracle for what we write.

lava-dl never closes the file and Lava can hang, so every run is a process of its own (see `child`).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mksgn_neuro.export.child import run_child
from mksgn_neuro.export.lava_graph import require_lava

CHILD = "mksgn_neuro.export.netx.stock_child"
DATA = ("inputs", "input_bias")


@dataclass(frozen=True)
class StockTrace:
    """What one layer did, neurons in row-major (C, H, W) order: `spikes` uint8 (T, N); `u`, `v` int32 if asked."""

    spikes: np.ndarray
    u: np.ndarray | None = None
    v: np.ndarray | None = None


@dataclass(frozen=True)
class StockRun:
    """One run of a file. A network that begins with an `input` block of neurons takes `input_bias`, others `inputs`.

    inputs: integers (T, N_in); input_bias: (N_in,), the first neurons' bias mantissa. Both row-major in (C, H, W).
    reset_interval: time steps per sample, after which every layer zeroes u and v (docs/design.md#time). num_layers: of
    those under /layer, the rest is left out. input_shape: (C, H, W), for a file that begins with a convolution. states:
    record u and v too, which is slow.
    """

    path: Path
    inputs: np.ndarray | None = None
    input_bias: np.ndarray | None = None
    input_message_bits: int = 16
    reset_interval: int | None = None
    sparse: bool = True
    num_steps: int | None = None
    num_layers: int | None = None
    input_shape: tuple[int, int, int] | None = None
    layers: Literal["all", "last"] = "last"
    states: bool = False

    def payload(self) -> dict[str, np.ndarray]:
        """The run as arrays for the child."""
        if (self.inputs is None) == (self.input_bias is None):
            raise ValueError("give inputs or input_bias")
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        data = {name: np.asarray(fields.pop(name), dtype=np.int32) for name in DATA if fields[name] is not None}
        fields = {name: value for name, value in fields.items() if name not in DATA}
        fields["path"] = str(Path(self.path).resolve())
        fields["num_steps"] = int(self.num_steps if self.num_steps is not None else len(self.inputs))
        return {"request": np.array(json.dumps(fields)), **data}


def run_stock_loader(
    path: Path, inputs: np.ndarray | None = None, *, limit: float = 120.0, **options: object
) -> dict[int, StockTrace]:
    """Run the file's network; a trace per layer, by its place in the layered network. Options are StockRun's fields.

    Raises Unsupported where lava-dl is not installed, ChildFailed with Lava's traceback for everything else.
    """
    require_lava("lava-dl")
    return traces(run_child(CHILD, StockRun(path, inputs, **options).payload(), limit))


def traces(answer: Mapping[str, np.ndarray]) -> dict[int, StockTrace]:
    """The child's answer, a trace per layer."""
    indices = sorted({int(name.split(".")[0]) for name in answer})
    flat = {name: _to_rows(array) for name, array in answer.items()}
    return {
        i: StockTrace(flat[f"{i}.spikes"].astype(np.uint8), flat.get(f"{i}.u"), flat.get(f"{i}.v")) for i in indices
    }


def _to_rows(array: np.ndarray) -> np.ndarray:
    """Lava's (T, W, H, C) or (T, N) to (T, N), row-major in (C, H, W)."""
    return array.transpose(0, *range(array.ndim - 1, 0, -1)).reshape(len(array), -1)
