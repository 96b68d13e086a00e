"""Networks whose mapping is known or wanted: two that Intel's compiler has mapped, and one of the student's shape."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.sparse as sp

from mksgn_neuro.ir import ConvKernel, Network, Population, Projection, Source

# Kinect skeleton of NW-UCLA, (child, parent) from 1 (docs/design.md#data).
BONES = (
    *((1, 2), (2, 3), (4, 3), (5, 3), (6, 5), (7, 6), (8, 7), (9, 3), (10, 9), (11, 10), (12, 11), (13, 1)),
    *((14, 13), (15, 14), (16, 15), (17, 1), (18, 17), (19, 18), (20, 19)),
)
JOINTS = 20
LIF = {"vth": 128, "v_decay": 2458}


def lava_dl_test_file(name: str) -> Path:
    """A file of the test networks in the lava-dl wheel; skips where that is not installed."""
    try:
        path = Path(distribution("lava-dl").locate_file(f"tests/lava/lib/dl/netx/{name}"))
    except PackageNotFoundError:
        pytest.skip("lava-dl is not installed: its test networks are not part of this package")
    if not path.is_file():
        pytest.skip(f"the lava-dl wheel has no {name}")
    return path


def mnist_mlp() -> Network:
    """784-128-64-10, all dense, as in Intel's MNIST tutorial; weights are random, none is zero."""
    rng = np.random.default_rng(0)
    sizes = (784, 128, 64, 10)
    populations = [Population.of(f"dense{i}", "layer", (n,), **LIF) for i, n in enumerate(sizes[1:])]
    names = ["input", *(p.name for p in populations)]
    weights = [sp.csr_matrix(2 * rng.integers(1, 128, (post, pre))) for pre, post in pairwise(sizes)]
    projections = [Projection(pre, post, w) for pre, post, w in zip(names, names[1:], weights)]
    return Network(Source("input", (784,), 0), tuple(populations), tuple(projections), readout="dense2")


def pilotnet() -> Network:
    """Intel's PilotNet LIF network, weights and geometry from the file that lava-dl ships."""
    populations, projections = [], []
    with h5py.File(lava_dl_test_file("gts/pilotnet_lif/network.net"), "r") as file:
        layers = [file[f"layer/{i}"] for i in range(len(file["layer"]))]
        shape = tuple(int(n) for n in layers[0]["shape"][()])
        populations.append(_image("input", shape))
        for i, layer in enumerate(layers[1:], 1):
            kind = layer["type"][0].decode()
            if kind == "flatten":
                continue
            weights = layer["weight"][()]
            if kind == "conv":
                geometry = (tuple(int(n) for n in layer[key][()]) for key in ("stride", "padding", "dilation"))
                conv = ConvKernel(weights, shape, *geometry, int(layer["groups"][()]))
                shape = conv.output_shape
                populations.append(_image(f"conv{i}", shape))
                projections.append(Projection(populations[-2].name, populations[-1].name, conv))
            else:
                matrix = sp.csr_matrix(weights.reshape(-1, populations[-1].size))
                populations.append(Population.of(f"dense{i}", "layer", (matrix.shape[0],), **LIF))
                projections.append(Projection(populations[-2].name, populations[-1].name, matrix))
    return Network(Source("pixels", (1,)), tuple(populations), tuple(projections), readout=populations[-1].name)


def _image(name: str, shape: tuple[int, ...]) -> Population:
    return Population.of(name, "layer", shape, axes=("channel", "y", "x"), **LIF)


def student(
    channels: tuple[int, ...] = (64, 64, 64, 64, 96, 96),
    *,
    joints: int = JOINTS,
    bones: tuple[tuple[int, int], ...] = BONES,
    encoder_channels: int = 8,
    query_channels: int = 32,
    heads: int = 8,
    taps: int = 5,
    classes: int = 10,
    copies: int = 4,
    transmission_delay: int = 1,
) -> Network:
    """A network of the student's form with random weights; the defaults are the student's own (`base`)."""
    build = _Builder(np.random.default_rng(0), joints, bones)
    width = channels[0]
    build.add("encode", (joints, 4, encoder_channels), ("joint", "modality", "channel"))
    by_modality = [build.full(encoder_channels, 3) for _ in range(4)]
    encoders = sp.block_diag([by_modality[m] for _ in range(joints) for m in range(4)])
    columns = (np.arange(4 * joints * 3).reshape(4, joints, 3).transpose(1, 0, 2)).reshape(-1)
    build.join("input", "encode", sp.csc_matrix(encoders)[:, np.argsort(columns)])
    build.add("fuse", (joints, width), ("joint", "channel"))
    build.join("encode", "fuse", sp.kron(sp.eye(joints), build.full(width, 4 * encoder_channels)))
    last = "fuse"
    for b, wide in enumerate(channels, 1):
        last = build.block(b, last, width, wide, query_channels, heads, taps)
        width = wide
    build.add("readout", (classes, copies), ("class", "copy"))
    build.join(last, "readout", build.full(classes * copies, joints * width))
    source = Source("input", (4, joints, 3), 8, ("modality", "joint", "coordinate"))
    return Network(
        source,
        tuple(build.populations),
        tuple(build.projections),
        readout="readout",
        transmission_delay=transmission_delay,
    )


class _Builder:
    def __init__(self, rng: np.random.Generator, joints: int, bones: tuple[tuple[int, int], ...]) -> None:
        self.rng, self.joints = rng, joints
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.graph = sp.eye(joints, format="lil")
        for child, parent in bones:
            self.graph[child - 1, parent - 1] = self.graph[parent - 1, child - 1] = 1

    def full(self, post: int, pre: int) -> np.ndarray:
        return 2 * self.rng.integers(1, 30, (post, pre)) * self.rng.choice((-1, 1), (post, pre))

    def add(self, name: str, shape: tuple[int, ...], axes: tuple[str, ...], block: int | None = None) -> None:
        role = name.split(".")[-1]
        self.populations.append(Population.of(name, role, shape, axes=axes, block=block, **LIF))

    def join(self, pre: str, post: str, weights: object, delay: int = 0) -> None:
        self.projections.append(Projection(pre, post, weights, delay))

    def block(self, b: int, before: str, narrow: int, wide: int, query: int, heads: int, taps: int) -> str:
        names = {part: f"b{b}.{part}" for part in ("graph", "query", "gate", "and", "temporal")}
        for part, width in zip(names, (wide, query, heads, wide, wide)):
            axis = "head" if part == "gate" else "channel"
            self.add(names[part], (self.joints, width), ("joint", axis), b)
        per_joint = lambda matrix: sp.kron(sp.eye(self.joints), matrix)
        alone = 80 * sp.eye(self.joints * wide)
        self.join(before, names["graph"], sp.kron(self.graph, self.full(wide, narrow)))
        self.join(names["graph"], names["query"], per_joint(self.full(query, wide)))
        self.join(names["query"], names["gate"], per_joint(np.kron(np.eye(heads), self.full(1, query // heads))))
        self.join(names["graph"], names["and"], alone, 2)
        self.join(names["gate"], names["and"], per_joint(np.kron(80 * np.eye(heads), np.ones((wide // heads, 1)))))
        for tap in range(taps):
            self.join(names["and"], names["temporal"], 2 * (tap + 1) * sp.eye(self.joints * wide), tap)
        shortcut = alone if narrow == wide else per_joint(self.full(wide, narrow))
        self.join(before, names["temporal"], shortcut, 4)
        return names["temporal"]
