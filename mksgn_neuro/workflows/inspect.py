"""What is in a network, whether it fits a chip, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass

from mksgn_neuro.chip.fit import Fit, fit_to_chip
from mksgn_neuro.chip.spec import Chip
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.timing import timing_json
from mksgn_neuro.workflows.load import Networks

OF_OTHER_REPRESENTATIONS = ("cores", "chips", "compiler_cores", "fits")


@dataclass(frozen=True)
class Inspected:
    """A file's networks on a chip; `fits` has every representation, and the first of them is judged."""

    networks: Networks
    fits: dict[str, Fit]

    @property
    def representation(self) -> str:
        """The representation that is judged."""
        return next(iter(self.fits))

    @property
    def network(self) -> Network:
        """The network in that representation."""
        return self.networks.representations[self.representation]

    @property
    def fit(self) -> Fit:
        """Its cores, and what does not fit."""
        return self.fits[self.representation]

    def as_json(self) -> dict:
        """What `inspect --json` prints."""
        return {
            "file": self.networks.path,
            "kind": self.networks.kind,
            "findings": self.networks.findings,
            "representation": self.representation,
            **contents(self.network),
            **timing_json(self.network),
            **self.fit.as_json(),
            "other_representations": {
                representation: totals(self.networks.representations[representation])
                | {key: found.as_json()[key] for key in OF_OTHER_REPRESENTATIONS}
                for representation, found in self.fits.items()
                if representation != self.representation
            },
        }


def inspect(networks: Networks, chip: Chip, chips: int = 1) -> Inspected:
    """Map, place and judge every representation on `chips` chips."""
    return Inspected(
        networks,
        {
            representation: fit_to_chip(network, chip, chips)
            for representation, network in networks.representations.items()
        },
    )


def totals(network: Network) -> dict[str, int]:
    """Its neurons and its synapses."""
    return {
        "neurons": sum(p.size for p in network.populations),
        "synapses": sum(q.synapses for q in network.projections),
    }


def contents(network: Network) -> dict:
    """Its input and its populations, in order."""
    populations = []
    for p in network.order:
        synapses = sum(q.synapses for q in network.incoming[p.name])
        populations.append({"name": p.name, "role": p.role, "neurons": p.size, "synapses": synapses})
    inputs = {"values": network.source.size, "message_bits": network.source.message_bits}
    return {"input": inputs, "populations": populations, **totals(network)}
