"""The answer to "does it fit": mapping, placement and violations of one network on one kind of chip, summed up."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace

import numpy as np

from mksgn_neuro.chip.catalog import LOIHI2
from mksgn_neuro.chip.mapping import Core, Mapping, compiler_mapping, map_network
from mksgn_neuro.chip.placement import Placement, place_cores
from mksgn_neuro.chip.rules import RuleViolation, deployable
from mksgn_neuro.chip.spec import Chip
from mksgn_neuro.ir import Network


@dataclass(frozen=True)
class Fit:
    """A network on `chips` chips; `compiler_cores` is what Intel's compiler would take without our partition."""

    placement: Placement
    chips: int
    compiler_cores: int
    naive_hops: float
    violations: tuple[RuleViolation, ...]

    @property
    def mapping(self) -> Mapping:
        """Which neurons lie on which core."""
        return self.placement.mapping

    def fullest(self, count: int = 3) -> list[int]:
        """Indices of the cores with the largest share of any limit, fullest first."""
        shares = [core.usage.load(self.mapping.chip) for core in self.mapping.cores]
        return sorted(range(len(shares)), key=lambda i: (-shares[i], i))[:count]

    def limited_by(self) -> dict[str, int]:
        """How many cores each limit is the nearest of, most first."""
        return dict(Counter(nearest_limit(core, self.mapping.chip) for core in self.mapping.cores).most_common())

    def as_json(self) -> dict:
        """Everything that `inspect --json` says about the fit."""
        mapping, chip = self.mapping, self.mapping.chip
        cores = []
        for i, (core, site) in enumerate(zip(mapping.cores, self.placement.site)):
            used = {"core": i, "site": int(site), "population": core.population, **asdict(core.usage)}
            cores.append(used | {"shares": core.usage.shares(chip)})
        return {
            "chip": chip.name,
            "chips_allowed": self.chips,
            "chips": mapping.chips,
            "cores": len(mapping.cores),
            "cores_of": {name: len(indices) for name, indices in mapping.cores_by_population.items()},
            "compiler_cores": self.compiler_cores,
            "cores_on_chips": self.placement.cores_on_chips,
            "links_between_chips": self.placement.links_between_chips,
            "messages_between_chips": self.placement.between_chips.tolist(),
            "mean_hops": {"placed": self.placement.mean_hops, "naive": self.naive_hops},
            "utilisation": cores,
            "fullest": self.fullest(),
            "limited_by": self.limited_by(),
            "limits": [asdict(limit) for limit in chip.limits.values()],
            "violations": [asdict(violation) for violation in self.violations],
            "fits": not self.violations,
        }


def fit_to_chip(network: Network, chip: Chip = LOIHI2, chips: int = 1) -> Fit:
    """Map, place and judge a network on `chips` chips."""
    mapping = map_network(network, chip)
    placement = place_cores(mapping)
    compiler_cores = len(compiler_mapping(network, chip).cores)
    naive = replace(placement, site=np.arange(len(mapping.cores))).mean_hops  # in the order of the populations
    return Fit(placement, chips, compiler_cores, naive, tuple(deployable(mapping, chips)))


def nearest_limit(core: Core, chip: Chip) -> str:
    """The limit that a core has used most of."""
    shares = core.usage.shares(chip)
    return max(shares, key=lambda name: shares[name])
