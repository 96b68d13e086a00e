"""A network of the student's shape with random weights, for speed: no trained model needed."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.ir import Network, Population, Projection, Source

# The 20 joints of NW-UCLA: parent of each, −1 the root (bones of the data set's skeleton).
PARENTS = (-1, 0, 1, 2, 2, 4, 5, 6, 2, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18)
V_DECAY, VTH = 2458, 128


def skeleton() -> np.ndarray:
    """Which joint pairs are joined, bool (V, V): self, parent, children."""
    joined = np.eye(len(PARENTS), dtype=bool)
    for child, parent in enumerate(PARENTS):
        if parent >= 0:
            joined[child, parent] = joined[parent, child] = True
    return joined


def synthetic_network(
    widths: tuple[int, ...] = (64, 64, 64, 128, 128, 128),
    *,
    encode: int = 32,
    query: int = 32,
    heads: int = 4,
    taps: int = 5,
    classes: int = 10,
    copies: int = 4,
    drive: float = 1.0,
    seed: int = 0,
) -> Network:
    """Encode, fuse, one block per width (graph, query, gate, and, temporal) and readout, as the student lowers.

    Weights are even integers scaled to the fan-in; `drive` scales them and so the activity.
    """
    rng = np.random.default_rng(seed)
    joints = len(PARENTS)
    build = _Builder(rng, joints, drive)
    build.population("encode", "encode", (4, joints, encode))
    build.blocks("input", "encode", np.eye(4 * joints, dtype=bool), 3, encode, spread=2.0)
    build.population("fuse", "fuse", (joints, widths[0]))
    modalities = np.tile(np.eye(joints, dtype=bool), 4)
    build.blocks("encode", "fuse", modalities, encode, widths[0])
    before, channels = "fuse", widths[0]
    for b, width in enumerate(widths, 1):
        before = build.block(f"b{b}", before, channels, width, query, heads, taps)
        channels = width
    build.population("readout", "readout", (classes, copies))
    weights = build.random(np.ones((1, joints), dtype=bool), channels, classes * copies)
    build.projections.append(Projection(before, "readout", weights))
    source = Source("input", (4, joints, 3), 8, ("modality", "joint", "coordinate"))
    return Network(source, tuple(build.populations), tuple(build.projections), readout="readout")


class _Builder:
    def __init__(self, rng: np.random.Generator, joints: int, drive: float) -> None:
        self.rng, self.joints, self.drive = rng, joints, drive
        self.populations: list[Population] = []
        self.projections: list[Projection] = []

    def population(self, name: str, role: str, shape: tuple[int, ...], bias: int = 0) -> None:
        self.populations.append(Population.of(name, role, shape, vth=VTH, v_decay=V_DECAY, bias=bias))

    def random(self, joined: np.ndarray, pre: int, post: int, spread: float = 1.0) -> sp.csr_matrix:
        """A block (post, pre) of random even weights per joined pair."""
        fan_in = joined.sum(axis=1).max() * pre
        scale = spread * self.drive * VTH * 2.2 / np.sqrt(fan_in)
        blocks = [
            [self.rng.normal(0, scale, (post, pre)) if cell else np.zeros((post, pre)) for cell in row]
            for row in joined
        ]
        return sp.csr_matrix(2 * np.clip(np.round(np.block(blocks) / 2), -128, 127).astype(np.int32))

    def blocks(self, pre: str, post: str, joined: np.ndarray, n: int, m: int, spread: float = 1.0) -> None:
        if pre == "input":
            spread = spread / 40  # payloads are tens of counts
        self.projections.append(Projection(pre, post, self.random(joined, n, m, spread)))

    def diagonal(self, pre: str, post: str, size: int, delay: int, low: float, high: float) -> None:
        weights = 2 * np.round(self.rng.uniform(low, high, size) * VTH / 2).astype(np.int32)
        self.projections.append(Projection(pre, post, sp.diags(weights, dtype=np.int32), delay))

    def block(self, name: str, before: str, channels: int, width: int, query: int, heads: int, taps: int) -> str:
        v, pairs = self.joints, skeleton()
        each = np.eye(v, dtype=bool)
        self.population(f"{name}.graph", "graph", (v, width))
        self.blocks(before, f"{name}.graph", pairs, channels, width)
        self.population(f"{name}.query", "query", (v, query))
        self.blocks(f"{name}.graph", f"{name}.query", each, width, query)
        self.population(f"{name}.gate", "gate", (v, heads), bias=100)
        self.blocks(f"{name}.query", f"{name}.gate", each, query, heads)
        self.population(f"{name}.and", "and", (v, width))
        coincidence = 2 * np.eye(v * width, dtype=np.int32) * 36
        spread = 2 * np.kron(np.eye(v * heads, dtype=np.int32), np.full((width // heads, 1), 36, dtype=np.int32))
        self.projections.append(Projection(f"{name}.graph", f"{name}.and", coincidence, 2))
        self.projections.append(Projection(f"{name}.gate", f"{name}.and", spread))
        self.population(f"{name}.temporal", "temporal", (v, width))
        for tap in range(taps):
            self.diagonal(f"{name}.and", f"{name}.temporal", v * width, tap, -0.6, 1.2)
        if channels == width:
            self.diagonal(before, f"{name}.temporal", v * width, 4, 0.2, 0.6)
        else:
            weights = self.random(each, channels, width)
            self.projections.append(Projection(before, f"{name}.temporal", weights, 4))
        return f"{name}.temporal"


def synthetic_clips(network: Network, clips: int, steps: int, seed: int = 0) -> np.ndarray:
    """Smooth random payloads, int32 (clips, steps, N_in), within 8 signed bits."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 8, (clips, steps, network.source.size)), axis=1)
    start = rng.normal(0, 40, (clips, 1, network.source.size))
    return np.clip(np.round(start + walk), -128, 127).astype(np.int32)
