"""Which neurons lie on which core.

`map_network` packs each population into as few cores as its limits allow, partitioned between joints where that costs
no core. `compiler_mapping` predicts what Intel's compiler does with the layers that the stock netx loader builds: it
divides a population that violates a limit into equal parts, as often as it takes (docs/chip.md). No core holds neurons
of two populations: no printout of the compiler shows that it ever does.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.chip.catalog import LOIHI2
from mksgn_neuro.chip.memory import Demand, Usage, axon_words, is_shared
from mksgn_neuro.chip.spec import Chip
from mksgn_neuro.ir import Network, Population
from mksgn_neuro.ir.remembered import remembered

BALANCE_STEPS = 6  # halvings of the interval in which the lowest common load is searched
GUESSES = 3  # how often the length of a run is estimated before it is halved
MOST_UNITS = 4096  # pieces of a population beyond which it is not partitioned finer


@dataclass(frozen=True)
class Core:
    """One neurocore: the neurons of one population on it (sorted indices) and what they take."""

    population: str
    neurons: np.ndarray
    usage: Usage


@dataclass(frozen=True)
class Mapping:
    """A network on a chip; cores are in the topological order of their populations."""

    network: Network
    chip: Chip
    cores: tuple[Core, ...]

    @cached_property
    def cores_by_population(self) -> dict[str, tuple[int, ...]]:
        """Indices of the cores of each population."""
        found: dict[str, list[int]] = {p.name: [] for p in self.network.order}
        for i, core in enumerate(self.cores):
            found[core.population].append(i)
        return {name: tuple(indices) for name, indices in found.items()}

    @property
    def chips(self) -> int:
        """Chips that the cores fill."""
        return -(-len(self.cores) // self.chip["cores"])

    @cached_property
    def fanout(self) -> dict[str, sp.csr_matrix]:
        """By source or population: synapses that a spike of each neuron reaches on each core, CSR (N, cores)."""
        return {name: self._fanout(name) for name in self.network.outgoing}

    @cached_property
    def reached(self) -> dict[str, sp.csr_matrix]:
        """The same with 1 for each core that a spike reaches, int64: messages."""
        return {name: (matrix != 0).astype(np.int64) for name, matrix in self.fanout.items()}

    def _fanout(self, pre: str) -> sp.csr_matrix:
        total = sp.csr_matrix((self.network.size_of(pre), len(self.cores)), dtype=np.int32)
        for q in self.network.outgoing[pre]:
            owner = self.owner(q.post)
            matrix = q.matrix
            coordinates = (matrix.indices, np.repeat(owner, np.diff(matrix.indptr)))
            total += sp.csr_matrix((np.ones(matrix.nnz, np.int32), coordinates), total.shape)
        return total

    def owner(self, population: str) -> np.ndarray:
        """Core of each neuron of a population, int (N,)."""
        owner = np.zeros(self.network[population].size, dtype=np.int64)
        for i in self.cores_by_population[population]:
            owner[self.cores[i].neurons] = i
        return owner


@remembered
def map_network(network: Network, chip: Chip = LOIHI2) -> Mapping:
    """Pack every population into the fewest cores that one order of its neurons allows, evenly filled.

    A neuron that is too large for any core gets one of its own; `rules.deployable` reports it.
    """
    cores = []
    for population in network.order:
        demand = Demand(network, population, chip)
        parts = _tiles(demand, _image(network, population, chip)) or _packed(demand)
        cores += [Core(population.name, rows, demand.usage(rows)) for rows in parts]
    return Mapping(network, chip, tuple(cores))


def compiler_mapping(network: Network, chip: Chip = LOIHI2) -> Mapping:
    """What Intel's compiler would make of the network's layers: it gives the 5 and 74 cores that Intel printed."""
    cores = []
    for population in network.order:
        demand = Demand(network, population, chip, dense=True)
        parts = _tiles(demand, _image(network, population, chip)) or _divided(demand)
        cores += [Core(population.name, rows, demand.usage(rows)) for rows in parts]
    return Mapping(network, chip, tuple(cores))


def _image(network: Network, population: Population, chip: Chip) -> tuple[int, int, int] | None:
    """(C, H, W) of a population that a shared convolution ends in, or that feeds nothing else; None for others."""
    into = [q.weights.output_shape for q in network.incoming[population.name] if is_shared(q, chip)]
    if into:
        return into[0]
    out = network.outgoing[population.name]
    return out[0].weights.input_shape if out and all(is_shared(q, chip) for q in out) else None


def _tiles(demand: Demand, shape: tuple[int, int, int] | None) -> list[np.ndarray]:
    """Cut an image as the compiler does: all channels and rows of a power of two of columns, if a core holds that."""
    if shape is None:
        return []
    tile = [shape[0], shape[1], _power_of_two_above(shape[2])]
    for axis in (2, 1, 0):  # narrow columns first, then rows, then channels
        while tile[axis] > 1 and not _tile_fits(demand, shape, tile):
            tile[axis] = _power_of_two_above(tile[axis]) // 2
    return list(_partition(shape, tile))


def _power_of_two_above(n: int) -> int:
    return 1 << (n - 1).bit_length()


def _tile_fits(demand: Demand, shape: tuple[int, int, int], tile: list[int]) -> bool:
    """Whether a core holds the tile, which may be wider than the image: the compiler counts it whole."""
    first = demand.usage(next(_partition(shape, tile)))
    return int(np.prod(tile)) <= demand.chip["neurons"] and first.load(demand.chip) <= 1


def _partition(shape: tuple[int, int, int], tile: list[int]) -> Iterator[np.ndarray]:
    neurons = np.arange(np.prod(shape)).reshape(shape)
    for c in range(0, shape[0], tile[0]):
        for y in range(0, shape[1], tile[1]):
            for x in range(0, shape[2], tile[2]):
                yield neurons[c : c + tile[0], y : y + tile[1], x : x + tile[2]].reshape(-1)


def _divided(demand: Demand) -> list[np.ndarray]:
    """Equal parts; each violation multiplies their number by the ratio of allocation to limit."""
    size, pieces = demand.population.size, 1
    while True:
        parts = _equal_parts(np.arange(size), pieces)
        ratio = max(int(np.ceil(demand.usage(part).load(demand.chip))) for part in parts)
        if ratio <= 1 or pieces == size:
            return parts
        pieces = min(pieces * ratio, size)


def _packed(demand: Demand) -> list[np.ndarray]:
    """The fewest cores by filling them in joint order: the coarsest partition that reaches that number, levelled."""
    runs = _runs(demand)
    least = _fewest(demand)
    goal, grain = (0, least), _power_of_two_above(-(-least // len(runs)))
    best_ahead = ahead = _Ahead(demand, _split(runs, grain))
    best = _filled(ahead, 1.0)
    while _score(best) > goal and grain < max(map(len, runs)) and len(ahead.units) < MOST_UNITS:
        grain *= 2
        ahead = _Ahead(demand, _split(runs, grain))
        filled = _filled(ahead, 1.0)
        if _score(filled) < _score(best):
            best, best_ahead = filled, ahead
    return [np.sort(np.concatenate(core.units)) for core in _levelled(best_ahead, best)]


def _split(runs: list[np.ndarray], grain: int) -> list[np.ndarray]:
    """Each run in `grain` equal units, or in single neurons if it has fewer."""
    return [part for run in runs for part in _equal_parts(run, min(grain, len(run)))]


def _equal_parts(run: np.ndarray, pieces: int) -> list[np.ndarray]:
    """As np.array_split, which takes most of the time of a mapping: the first parts are one longer."""
    size, longer = divmod(len(run), pieces)
    ends = [part * size + min(part, longer) for part in range(pieces + 1)]
    return [run[begin:end] for begin, end in itertools.pairwise(ends)]


def _score(filled: list[_Filling]) -> tuple[int, int]:
    """Cores that hold more than a core can, then the number of cores: less is better."""
    return sum(core.load > 1 for core in filled), len(filled)


def _fewest(demand: Demand) -> int:
    """A lower bound of the cores: cutting a synapse list in two only adds to its words."""
    counts = np.asarray(demand.pattern.sum(axis=0)).ravel()
    words = int(axon_words(counts, demand.chip).sum())
    return max(-(-words // demand.chip["memory_words"]), -(-demand.population.size // demand.chip["neurons"]), 1)


def _levelled(ahead: _Ahead, filled: list[_Filling]) -> list[_Filling]:
    """The same number of cores with the lowest common load that a bisection finds."""
    low, high = 1 / len(filled), 1.0
    for _ in range(BALANCE_STEPS if len(filled) > 1 else 0):
        middle = (low + high) / 2
        tried = _filled(ahead, middle)
        if _score(tried) <= _score(filled):
            filled, high = tried, middle
        else:
            low = middle
    return filled


def _runs(demand: Demand) -> list[np.ndarray]:
    """Neurons by joint, in the skeleton's order; a group without joints is one run.

    Skeletons number each limb from the trunk outwards, so neighbours are already close: a reverse Cuthill-McKee order
    of the joints that share inputs made 8 % more messages on the student.
    """
    runs, start = [], 0
    for group in demand.population.groups:
        joint = group.axes.index("joint") + 1 if "joint" in group.axes else 0
        position = np.arange(group.size) if group.index is None else np.asarray(group.index)
        key = position // int(np.prod(group.shape[joint:]))
        cuts = np.flatnonzero(np.diff(key)) + 1
        runs += [start + part for part in np.split(np.arange(group.size), cuts)]
        start += group.size
    return runs


def _by_unit(demand: Demand, units: list[np.ndarray]) -> sp.csr_matrix:
    """Synapses from each axon into each unit, CSR (units, axons)."""
    unit = np.repeat(np.arange(len(units)), list(map(len, units)))
    neurons = np.concatenate(units)
    ones = np.ones(len(neurons), dtype=np.int32)
    member = sp.csr_matrix((ones, (unit, neurons)), shape=(len(units), demand.population.size))
    return sp.csr_matrix(member @ demand.pattern)


@dataclass(frozen=True)
class _Filling:
    """The units of one core and its load."""

    units: list[np.ndarray]
    load: float


class _Ahead:
    """Units in order, of which a core takes as many as go into it; load only grows with each."""

    def __init__(self, demand: Demand, units: list[np.ndarray]) -> None:
        self.chip, self.units, by_unit = demand.chip, units, _by_unit(demand, units)
        self.starts = by_unit.indptr.tolist()
        self.axons, self.synapses = by_unit.indices.astype(np.intp), by_unit.data.astype(float)  # as bincount has them
        most = int(np.bincount(self.axons, self.synapses).max(initial=0))
        self.words = axon_words(np.arange(most + 1), demand.chip)
        self.neurons = np.cumsum([0, *map(len, units)]).tolist()
        self.profiles = demand.profiles[np.concatenate(units)]
        self.one_profile = not self.profiles.any()
        self._loads: dict[tuple[int, int], float] = {}

    def load(self, first: int, end: int) -> float:
        """Of a core with the units from `first` to `end` - 1, each at least one neuron.

        Kept: a bisection asks for many of the same cores again.
        """
        if (first, end) not in self._loads:
            self._loads[first, end] = self._counted(first, end)
        return self._loads[first, end]

    def _counted(self, first: int, end: int) -> float:
        own = slice(self.starts[first], self.starts[end])
        counts = np.bincount(self.axons[own], self.synapses[own]).astype(np.int64)  # exact: far below 2^53
        words, neurons = int(self.words[counts].sum()), slice(self.neurons[first], self.neurons[end])
        groups = 1 if self.one_profile else len(np.unique(self.profiles[neurons]))
        return Usage(neurons.stop - neurons.start, words, np.count_nonzero(counts), groups, 0).load(self.chip)

    def fill(self, first: int, guess: int, share: float) -> int:
        """The end of the longest run of units from `first` on that stays within `share`, one unit at least.

        Runs as long as the loads so far suggest are tried first, as if each unit added the same; then halving ends it.
        """
        most = len(self.units) - first
        low, high, tried = 1, most + 1, min(max(guess, 2), most)  # low is taken, high is too many
        for attempt in itertools.count():
            if high - low <= 1:
                return first + low
            load = self.load(first, first + tried)
            low, high = (tried, high) if load <= share else (low, tried)
            likely = int(tried * share / load) if load and attempt < GUESSES else (low + high) // 2
            tried = min(max(likely, low + 1), high - 1)


def _filled(ahead: _Ahead, share: float) -> list[_Filling]:
    """Fill one core after the other, in order, to `share` of its limits; an empty core takes any unit."""
    cores, first, guess = [], 0, 1
    while first < len(ahead.units):
        end = ahead.fill(first, guess, share)
        cores.append(_Filling(ahead.units[first:end], ahead.load(first, end)))
        first, guess = end, end - first
    return cores
