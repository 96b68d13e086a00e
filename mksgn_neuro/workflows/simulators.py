"""The simulators of a network's representations, each as one function of network, stream and reset interval."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

from mksgn_neuro.export.lava_graph import run_lava
from mksgn_neuro.export.netx.stock_loader import run_stock_loader
from mksgn_neuro.export.slayer import run_slayer
from mksgn_neuro.ir import Network
from mksgn_neuro.processes.memory import require_memory
from mksgn_neuro.sim import reference

LAVA_SECONDS, LAVA_SECONDS_PER_STEP = 180.0, 0.02  # limit of a run: loading, and each step of each population
DENSE_SECONDS_PER_MILLION = 0.2  # and, in lava-dl, each million pairs of neurons of neighbouring levels
# Measured (docs/robustness.md): Lava itself, a pair of neurons of neighbouring levels in lava-dl, and one of the
# largest level's, while its weights are turned from one form into another.
LAVA_BYTES, BYTES_PER_PAIR, BYTES_PER_PAIR_OF_LARGEST = 0.4e9, 9, 20
Simulator = Callable[
    [Network, np.ndarray, int | None], dict[str, np.ndarray]
]  # network, stream, reset interval → spikes (T, N)


def by_reference(network: Network, stream: np.ndarray, reset_interval: int | None) -> dict[str, np.ndarray]:
    """The definition."""
    return {name: trace.spikes for name, trace in reference.run(network, stream, reset_interval=reset_interval).items()}


def by_emulator(network: Network, stream: np.ndarray, reset_interval: int | None) -> dict[str, np.ndarray]:
    """The fast engine."""
    from mksgn_neuro.sim.engine import Emulator

    result = Emulator(network).run(stream, record="all", reset_interval=reset_interval)
    return {name: spikes[0] for name, spikes in result.spikes.items()}


def by_stock_loader(path: Path) -> Simulator:
    """lava-dl's own loader on a file, every layer read."""

    def run(network: Network, stream: np.ndarray, reset_interval: int | None) -> dict[str, np.ndarray]:
        require_memory_if_dense(network, "the stock loader")
        traces = run_stock_loader(
            path, stream, reset_interval=reset_interval, layers="all", limit=limit_if_dense(network, len(stream))
        )
        return {p.name: traces[k].spikes for k, p in enumerate(network.populations)}

    return run


def by_lava(network: Network, stream: np.ndarray, reset_interval: int | None) -> dict[str, np.ndarray]:
    """A Lava process graph in the network's own topology."""
    return run_lava(network, stream, reset_interval=reset_interval, limit=_limit(network, len(stream)))


def by_slayer(network: Network, stream: np.ndarray, reset_interval: int | None) -> dict[str, np.ndarray]:
    """SLAYER blocks, one per level of a layered network."""
    require_memory_if_dense(network, "SLAYER")
    return run_slayer(network, stream, reset_interval=reset_interval, limit=limit_if_dense(network, len(stream)))


def _limit(network: Network, steps: int) -> float:
    return LAVA_SECONDS + LAVA_SECONDS_PER_STEP * steps * len(network.populations)


def limit_if_dense(layered: Network, steps: int) -> float:
    """Seconds: SLAYER holds every level's weights dense, and the stock loader does while it loads."""
    return _limit(layered, steps) + DENSE_SECONDS_PER_MILLION * sum(_pairs(layered)) / 1e6


def require_memory_if_dense(layered: Network, what: str) -> None:
    """Raises NotEnoughMemory where those dense weights would not fit."""
    require_memory(dense_bytes(layered), what, "verify on a machine with more memory, or a smaller network")


def dense_bytes(layered: Network) -> float:
    """About what lava-dl takes at its peak."""
    pairs = _pairs(layered)
    return LAVA_BYTES + BYTES_PER_PAIR * sum(pairs) + BYTES_PER_PAIR_OF_LARGEST * max(pairs)


def _pairs(layered: Network) -> list[int]:
    """Of neurons of each level and the one before."""
    return [before * size for before, size in pairwise([layered.source.size, *(p.size for p in layered.order)])]
