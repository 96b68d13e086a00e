"""What the neurons of one core take of its resources: the memory model behind the mapping.

A synapse list is stored per input axon, a convolution's kernel once per core. The constants are the chip's; for
Loihi 2 they are fitted to what Intel's compiler printed (docs/chip.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.chip.spec import Chip
from mksgn_neuro.ir import ConvKernel, Network, Population, Projection, role_of

DENSE_FILL = 0.2  # PilotNet's 2560 -> 100 layer is 27 % full and was stored with its zeros


@dataclass(frozen=True)
class Usage:
    """What some neurons take of one core; `delay_slots` counts neurons times (1 + the longest delay into them)."""

    neurons: int
    words: int
    axons: int
    groups: int
    delay_slots: int

    def shares(self, chip: Chip) -> dict[str, float]:
        """Share of each limit that fills up, by the limit's name."""
        used = {"neurons": self.neurons, "input_axons": self.axons, "memory_words": self.words}
        return {name: value / chip[name] for name, value in used.items()}

    def load(self, chip: Chip) -> float:
        """The largest share, 1.0 for a full core; more than 1.0 too if there are more groups than the core has."""
        groups = self.groups / chip["groups"]
        return max(*self.shares(chip).values(), groups if groups > 1 else 0.0)


def axon_words(targets: np.ndarray | int, chip: Chip) -> np.ndarray | int:
    """Words of an axon's synapse list with `targets` synapses; none for an axon without targets."""
    targets = np.asarray(targets)
    bits = targets * chip["synapse_bits"] + chip["axon_bits"]
    return -(-bits // chip["word_bits"]) * (targets > 0)


def kernel_words(conv: ConvKernel, channels: np.ndarray, chip: Chip) -> int:
    """Words of a shared kernel on a core that holds the output `channels` (sorted indices)."""
    c_out, c_in, height, width = conv.kernel.shape
    _, per_group = np.unique(np.asarray(channels) // (c_out // conv.groups), return_counts=True)
    bits = per_group * chip["kernel_weight_bits"] + chip["kernel_bits"]
    return int(height * width * c_in * np.sum(-(-bits // chip["word_bits"])))


def is_shared(q: Projection, chip: Chip) -> bool:
    """Whether a projection's weights are stored once per core instead of once per synapse."""
    return isinstance(q.weights, ConvKernel) and bool(chip["shared_kernels"])


class Demand:
    """What any subset of a population's neurons would take of a core of `chip`.

    With `dense`, the layers of a network that is not ours are stored with their zeros if at least DENSE_FILL full,
    as the stock netx loader's Dense layers are; without it only synapses are stored.
    """

    def __init__(self, network: Network, population: Population, chip: Chip, *, dense: bool = False) -> None:
        self.population, self.chip = population, chip
        incoming = network.incoming[population.name]
        self.kernels = [q.weights for q in incoming if is_shared(q, chip)]
        listed = [q for q in incoming if not is_shared(q, chip)]
        dense = dense and all(role_of(group.role).foreign for group in population.groups)
        is_full = [dense and q.synapses >= DENSE_FILL * np.prod(q.weights.shape) for q in listed]
        self.full_axons = sum(q.weights.shape[1] for q, full in zip(listed, is_full) if full)
        self.pattern = _pattern([q for q, full in zip(listed, is_full) if not full], population.size)
        self.max_delay = max((q.delay for q in incoming), default=0)

    @cached_property
    def profiles(self) -> np.ndarray:
        """Index of each neuron's (i_decay, v_decay) among the distinct pairs, int (N,)."""
        p = self.population
        pair = np.broadcast_to(np.int64(4097) * p.i_decay + p.v_decay, (p.size,))  # decays are 0 to 4096
        return np.unique(pair, return_inverse=True)[1].reshape(-1)

    def _synapses_of_axons(self, rows: np.ndarray) -> np.ndarray:
        """How many synapses each axon has to the neurons `rows` (sorted indices), int (axons,).

        From the arrays themselves where rows follow each other, which takes a third of the time of scipy's rows.
        """
        own = self.pattern
        if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
            part = slice(own.indptr[rows[0]], own.indptr[rows[-1] + 1])
            indices, data = own.indices[part], own.data[part]
        else:
            own = own[rows]
            indices, data = own.indices, own.data
        return np.bincount(indices, data, minlength=own.shape[1]).astype(np.int64)  # exact: far below 2^53

    def usage(self, rows: np.ndarray) -> Usage:
        """What the neurons `rows` (sorted indices) take together."""
        counts = self._synapses_of_axons(rows)
        words = int(axon_words(counts, self.chip).sum()) + self.full_axons * int(axon_words(len(rows), self.chip))
        for conv in self.kernels:
            _, height, width = conv.output_shape
            words += kernel_words(conv, np.unique(rows // (height * width)), self.chip)
        axons = int(np.count_nonzero(counts)) + self.full_axons + len(self.kernels)
        groups = len(np.unique(self.profiles[rows]))
        return Usage(len(rows), words, axons, groups, len(rows) * (1 + self.max_delay))


def _pattern(projections: list[Projection], size: int) -> sp.csr_matrix:
    """Synapse counts (N, all axons); projections from one population share its axons, whatever their delays."""
    blocks = []
    for pre in sorted({q.pre for q in projections}):
        matrices = [q.matrix for q in projections if q.pre == pre]
        ones = [sp.csr_matrix((np.ones(m.nnz, np.int32), m.indices, m.indptr), m.shape) for m in matrices]
        blocks.append(sum(ones[1:], ones[0]))
    return sp.csr_matrix(sp.hstack(blocks)) if blocks else sp.csr_matrix((size, 0), dtype=np.int32)
