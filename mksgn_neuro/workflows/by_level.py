"""A large netx file in lava-dl's loader, level by level: what it proves, and of how much.

The first level is given the inputs, each other one what the one before it fired in the same run. So equality of every
level says what a run of the whole file would say, for as many steps; and what the loader's processes hold is compared
number by number. Not proved: that the loader gets through the whole file at once, which `--full` runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import scipy.sparse as sp

from mksgn_neuro.cores import usable_cores
from mksgn_neuro.export.netx.layers import Level, layers_of
from mksgn_neuro.export.netx.pieces import MOST_PAIRS, why_not_in_pieces
from mksgn_neuro.export.netx.stock_levels import LevelsRun, RunLevel, run_by_level
from mksgn_neuro.ir import Network
from mksgn_neuro.processes.memory import require_memory
from mksgn_neuro.workflows.equivalence import EquivalenceCheck
from mksgn_neuro.workflows.simulators import LAVA_BYTES, dense_bytes, limit_if_dense

WHOLE_BYTES = 3e9  # a file that takes lava-dl more at once is run level by level
STEPS = 60  # that are compared, after as many as the deepest level is late: half of the time goes by the step
PIECE_BYTES = LAVA_BYTES + 45 * MOST_PAIRS  # at most: two at once took 0.9 GB (docs/benchmarks.md)
AT_ONCE = 4  # pieces, on as many cores: under 3 GB


def is_run_by_level(path: Path, network: Network, *, full: bool) -> bool:
    """Whether a netx file of this network is run so: it is large, made of dense levels, and not asked for whole."""
    if full or dense_bytes(network) <= WHOLE_BYTES:
        return False
    with h5py.File(path) as file:
        return not why_not_in_pieces(file)


@dataclass
class ByLevel:
    """A `Simulator` of at most `most_steps` steps that keeps the run, for what the loader held."""

    path: Path
    most_steps: int
    input_message_bits: int = 16
    run: LevelsRun | None = field(default=None, init=False)
    how: str = field(default="", init=False)

    @property
    def done(self) -> LevelsRun:
        """The last run; RuntimeError before the first."""
        if self.run is None:
            raise RuntimeError("nothing was run yet")
        return self.run

    def __call__(self, network: Network, stream: np.ndarray, reset_interval: int | None) -> dict[str, np.ndarray]:
        at_once = min(usable_cores(), AT_ONCE)
        require_memory(PIECE_BYTES * at_once, "the stock loader", "verify on a machine with more memory")
        inputs = stream[: self.most_steps]
        self.run = run_by_level(
            self.path,
            inputs,
            limit=limit_if_dense(network, len(inputs)),
            input_message_bits=self.input_message_bits,
            reset_interval=reset_interval,
            at_once=at_once,
        )
        steps = f"the first {len(inputs)} of {len(stream)} steps" if len(inputs) < len(stream) else "all steps"
        self.how = (
            f"level by level in {self.run.pieces} pieces, each level given what the one before fired, {steps}; "
            "the file was not loaded as a whole (--full does)"
        )
        return {p.name: level.spikes for p, level in zip(network.order, self.run.levels, strict=True)}


def parameters_check(source: str, target: str, network: Network, run: LevelsRun) -> EquivalenceCheck:
    """Every weight, delay, threshold, decay and bias of the processes that the loader made, and those of a network.

    The network is layered, its levels those of the file in order.
    """
    count, mismatches, first, levels = 0, 0, "", layers_of(network)
    for level, found in zip(levels, run.levels, strict=True):
        for what, wanted, actual, same in _compared(level, found):
            count += same
            differing = (wanted != actual).nonzero()
            mismatches += len(differing[0])
            if len(differing[0]) and not first:
                at = tuple(int(i[0]) for i in differing)
                pre = f" from input {at[1]}" if len(at) == 2 else ""
                name = network.describe(level.population.name, at[0])
                first = f"{name}: {what}{pre}: {source} {wanted[at]:g}, {target} {actual[at]:g}"
    how = "as the loader's processes hold them, level by level"
    return EquivalenceCheck(
        source, target, populations=len(levels), mismatches=mismatches, first=first, parameters=count, how=how
    )


def _compared(level: Level, found: RunLevel) -> Iterator[tuple[str, sp.csr_matrix | np.ndarray, object, int]]:
    """What is compared: its name, ours, the loader's, and how many numbers that are."""
    weights, delays = _synapses(level)
    yield "weight", weights, found.weights, weights.nnz
    yield "delay", delays, found.delays, weights.nnz
    population, size = level.population, (level.population.size,)
    for name in ("vth", "i_decay", "v_decay", "bias"):
        yield name, np.broadcast_to(getattr(population, name), size).astype(float), getattr(found, name), size[0]


def _synapses(level: Level) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Weights and delays (neurons, inputs) of a level, float64; each pair has one synapse."""
    shape = level.forward[0].matrix.shape
    weights, delays = sp.csr_matrix(shape), sp.csr_matrix(shape)
    for q in level.forward:
        own = q.matrix.astype(float) * 2.0**q.weight_exp
        weights = weights + own
        delays = delays + (own != 0).astype(float) * float(q.delay)
    return weights, delays
