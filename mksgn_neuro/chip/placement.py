"""Where each core lies on the mesh, so that messages travel few hops.

Messages between cores and distances between sites make a quadratic assignment problem: scipy's FAQ solver gives the
global arrangement, pairwise swaps finish it. Everything is deterministic. Messages are routed first along x, then
along y (Loihi 2: Timcheck et al. 2026, arXiv 2601.10035); chips are assumed to stand side by side along x.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.optimize import quadratic_assignment

from mksgn_neuro.chip.mapping import Mapping
from mksgn_neuro.chip.spec import Chip

MOST_SWAPS = 10_000


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
    total = np.zeros((cores, cores))
    for population in mapping.network.order:
        fired = np.ones(population.size) if spikes is None else np.asarray(spikes[population.name], dtype=float)
        reached = mapping.fanout[population.name].astype(bool).astype(float)
        owner = (mapping.owner(population.name), np.arange(population.size))
        sent = sp.csr_matrix((fired, owner), shape=(cores, population.size))
        total += (sent @ reached).toarray()
    return total


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
    x, y = coordinates(mapping.chip, np.arange(sites))
    distance = (np.abs(x[:, None] - x) + np.abs(y[:, None] - y)).astype(float)
    rng = np.random.default_rng(0)  # FAQ from the barycentre draws nothing; scipy wants to be told so
    tried = quadratic_assignment(flow, distance, method="faq", options={"rng": rng})["col_ind"]
    arrangements = [_swapped(flow, distance, site) for site in (tried, np.arange(sites))]
    best = min(arrangements, key=lambda site: float((flow * distance[np.ix_(site, site)]).sum()))
    return Placement(mapping, best[:used], start.messages)


def _swapped(flow: np.ndarray, distance: np.ndarray, site: np.ndarray) -> np.ndarray:
    """Swap the pair that saves most until none saves anything; `flow` and `distance` are symmetric."""
    site = np.array(site)
    for _ in range(MOST_SWAPS):
        d = distance[np.ix_(site, site)]
        cost = flow @ d  # cost[i, j]: what core i would pay at the place of core j, were nobody else moved
        own = np.diag(cost)
        saved = own[:, None] + own - cost - cost.T - 2 * flow * d
        i, j = np.unravel_index(np.argmax(saved), saved.shape)
        if saved[i, j] <= 1e-9 * own.sum():
            break
        site[[i, j]] = site[[j, i]]
    return site
