"""Where each core lies on the mesh, so that messages travel few hops.

Messages between cores and distances between sites make a quadratic assignment problem. One chip is arranged at once:
FAQ (`chip.assignment`) gives the arrangement, pairwise swaps finish it. Several chips take time in proportion to their
number: runs of neighbouring cores are arranged like the cores of one chip, then swaps finish one window of sites after
the other. All sums are of whole numbers, or of multiples of one power of two, and so the same on every machine.
Messages are routed first along x, then along y (Loihi 2: Timcheck et al. 2026, arXiv 2601.10035); chips are assumed to
stand side by side along x.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.chip.assignment import assign
from mksgn_neuro.chip.mapping import Mapping
from mksgn_neuro.chip.spec import Chip

MOST_SWAPS = 10_000
WINDOW = 120  # sites whose cores are exchanged with each other at once, and runs of cores of a coarse arrangement
SWEEPS = 2  # of the window over all sites
FINEST = 64  # parts of a hop in which centres of runs are measured: their sums are exact


@dataclass(frozen=True)
class Placement:
    """`site` is each core's place, int (cores,), counted along x within a chip; `messages` what it was placed for."""

    mapping: Mapping
    site: np.ndarray
    messages: np.ndarray

    @property
    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Hops between every two cores along x and along y, each int (cores, cores)."""
        x, y = coordinates(self.mapping.chip, self.site)
        return np.abs(x[:, None] - x), np.abs(y[:, None] - y)

    @property
    def chip_of(self) -> np.ndarray:
        """The chip that each core lies on, int (cores,)."""
        return self.site // self.mapping.chip["cores"]

    @property
    def cores_on_chips(self) -> list[int]:
        """How many cores lie on each chip."""
        return np.bincount(self.chip_of, minlength=self.mapping.chips).tolist()

    @property
    def between_chips(self) -> np.ndarray:
        """Messages from chip to chip, float (chips, chips); those within a chip are on the diagonal."""
        chips = max(len(self.cores_on_chips), 1)
        member = sp.csr_matrix(
            (np.ones(len(self.site)), (self.chip_of, np.arange(len(self.site)))), shape=(chips, len(self.site))
        )
        return np.asarray(member @ (member @ self.messages.T).T)

    @property
    def links_between_chips(self) -> int:
        """Pairs of cores on different chips of which one sends messages to the other."""
        return int(((self.messages > 0) & (self.chip_of[:, None] != self.chip_of)).sum())

    @property
    def mean_hops(self) -> float:
        """Hops of a message from one core to another, on average; messages to the own core count zero."""
        total = self.messages.sum()
        return float((self.messages * sum(self.steps)).sum() / total) if total else 0.0


def coordinates(chip: Chip, site: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tile coordinates (x, y) of sites; a site is numbered chip by chip, tile by tile, row by row."""
    which, core = np.divmod(site, chip["cores"])
    y, x = np.divmod(core // chip["cores_per_tile"], chip["mesh_width"])
    return x + which * chip["mesh_width"], y


def message_matrix(mapping: Mapping, spikes: MappingType[str, np.ndarray] | None = None) -> np.ndarray:
    """Messages from core to core, float (cores, cores).

    `spikes` counts the spikes of each neuron by population, (N,); without it every neuron fires once. A spike sends
    one message to each core that has synapses for it.
    """
    cores = len(mapping.cores)
    rows, columns, sent = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for population in mapping.network.order:
        fired = np.ones(population.size) if spikes is None else np.asarray(spikes[population.name], dtype=float)
        reached = mapping.fanout[population.name]
        rows.append(np.repeat(mapping.owner(population.name), np.diff(reached.indptr)))
        columns.append(reached.indices)
        sent.append(np.repeat(fired, np.diff(reached.indptr)))
    parts = (np.concatenate(sent), (np.concatenate(rows), np.concatenate(columns)))
    return sp.csr_matrix(parts, shape=(cores, cores)).toarray()


def naive_placement(mapping: Mapping, spikes: MappingType[str, np.ndarray] | None = None) -> Placement:
    """Cores in the order of their populations."""
    return Placement(mapping, np.arange(len(mapping.cores)), message_matrix(mapping, spikes))


def place_cores(mapping: Mapping, spikes: MappingType[str, np.ndarray] | None = None) -> Placement:
    """Arrange the cores on the chips that they fill so that the messages (see `message_matrix`) make few hops."""
    start = naive_placement(mapping, spikes)
    sites = mapping.chips * mapping.chip["cores"]
    flow = np.zeros((sites, sites))
    used = len(mapping.cores)
    flow[:used, :used] = start.messages + start.messages.T
    np.fill_diagonal(flow, 0)
    x, y = (axis.astype(float) for axis in coordinates(mapping.chip, np.arange(sites)))
    site = _arranged(flow, x, y) if mapping.chips == 1 else _in_windows(flow, x, y)
    return Placement(mapping, site[:used], start.messages)


def _arranged(flow: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The site of each core, all cores at once; `flow` is symmetric, sites lie at `x` and `y`, as many as cores."""
    distance = _distance(x, y, x, y)
    arrangements = [_swapped(flow, distance, site) for site in (assign(flow, distance), np.arange(len(x)))]
    return min(arrangements, key=lambda site: float((flow * distance[np.ix_(site, site)]).sum()))


def _distance(x: np.ndarray, y: np.ndarray, to_x: np.ndarray, to_y: np.ndarray) -> np.ndarray:
    """Hops from each of some places to each of others."""
    return np.abs(x[:, None] - to_x) + np.abs(y[:, None] - to_y)


def _in_windows(flow: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The same in time that grows with the number of chips: first coarse, then window by window along x.

    Cores in a row, of one population or of neighbouring ones, keep together in the coarse arrangement.
    """
    along = np.lexsort((y, x))
    sites, runs = len(along), min(WINDOW, len(along))
    run = np.arange(sites) * runs // sites
    member = sp.csr_matrix((np.ones(sites), (run, np.arange(sites))), shape=(runs, sites))
    size = np.bincount(run)
    centre = [np.rint(FINEST * np.bincount(run, axis[along]) / size) / FINEST for axis in (x, y)]
    coarse = _arranged(np.asarray(member @ (member @ flow).T) * ~np.eye(runs, dtype=bool), *centre)
    order = np.argsort(coarse[run], kind="stable")  # cores in the order of the sites that they get
    site = np.empty(sites, dtype=np.int64)
    site[order] = along
    for _ in range(SWEEPS):
        for first in range(0, sites - WINDOW // 2, WINDOW // 2):
            _settle(flow, x, y, site, along[first : first + WINDOW])
    return site


def _settle(flow: np.ndarray, x: np.ndarray, y: np.ndarray, site: np.ndarray, window: np.ndarray) -> None:
    """Swap cores within a window of sites, in place, while that saves anything; all others stay where they are."""
    inside = np.zeros(len(site), dtype=bool)
    inside[window] = True
    cores = np.flatnonzero(inside[site])
    others = np.flatnonzero(~inside[site] & flow[cores].any(axis=0))
    places = site[cores]
    pull = flow[np.ix_(cores, others)] @ _distance(x[site[others]], y[site[others]], x[places], y[places])
    distance = _distance(x[places], y[places], x[places], y[places])
    site[cores] = places[_swapped(flow[np.ix_(cores, cores)], distance, np.arange(len(cores)), pull)]


def _swapped(flow: np.ndarray, distance: np.ndarray, site: np.ndarray, pull: np.ndarray | None = None) -> np.ndarray:
    """Swap the pair that saves most until none saves anything; `flow` and `distance` are symmetric.

    `pull` (cores, sites): what each core pays at each site for messages with cores that stay where they are.
    """
    site = np.array(site)
    for _ in range(MOST_SWAPS):
        d = distance[np.ix_(site, site)]
        cost = flow @ d  # cost[i, j]: what core i would pay at the place of core j, were nobody else moved
        if pull is not None:
            cost += pull[:, site]
        own = np.diag(cost)
        saved = own[:, None] + own - cost - cost.T - 2 * flow * d
        i, j = np.unravel_index(np.argmax(saved), saved.shape)
        if saved[i, j] <= 1e-9 * own.sum():
            break
        site[[i, j]] = site[[j, i]]
    return site
