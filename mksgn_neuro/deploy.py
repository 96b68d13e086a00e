"""From a trained model to the files of a target."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mksgn_neuro.ir import Network


@dataclass(frozen=True)
class Deployed:
    """The files of one export, the first being the network itself, and the network that they hold."""

    files: tuple[Path, ...]
    network: Network
    period: int

    def summary(self) -> dict:
        """What `export --json` says of it."""
        return {
            "files": list(self.files),
            "neurons": sum(p.size for p in self.network.populations),
            "synapses": sum(q.synapses for q in self.network.projections),
            "steps_per_sample": self.period,
        }
