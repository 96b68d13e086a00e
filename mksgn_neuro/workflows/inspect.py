"""What is in a network, whether it fits a chip, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass

from mksgn_neuro.chip.fit import Fit, fit
from mksgn_neuro.chip.spec import Chip
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.timing import timing_json
from mksgn_neuro.workflows.load import Networks

OF_OTHER_FORMS = ("cores", "chips", "compiler_cores", "fits")


@dataclass(frozen=True)
class Inspected:
    """A file's networks on a chip; `fits` has every form, and the first of them is judged."""

    networks: Networks
    fits: dict[str, Fit]

    @property
    def form(self) -> str:
        """The form that is judged."""
        return next(iter(self.fits))

    @property
    def network(self) -> Network:
        """The network in that form."""
        return self.networks.forms[self.form]

    @property
    def fit(self) -> Fit:
        """Its cores, and what does not fit."""
        return self.fits[self.form]

    def as_json(self) -> dict:
        """What `inspect --json` prints."""
        return {
            "file": self.networks.path,
            "kind": self.networks.kind,
            "findings": self.networks.findings,
            "form": self.form,
            **contents(self.network),
            **timing_json(self.network),
            **self.fit.as_json(),
            "other_forms": {
                form: totals(self.networks.forms[form]) | {key: found.as_json()[key] for key in OF_OTHER_FORMS}
                for form, found in self.fits.items()
                if form != self.form
            },
        }


def inspect(networks: Networks, chip: Chip, chips: int = 1) -> Inspected:
    """Map, place and judge every form on `chips` chips."""
    return Inspected(networks, {form: fit(network, chip, chips) for form, network in networks.forms.items()})


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
