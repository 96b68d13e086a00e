"""Load what a user may name on the command line as integer networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.store import SUFFIX, load


@dataclass(frozen=True)
class Networks:
    """A file's networks by form, the one to deploy first, and what is odd about the file.

    Forms: "graph", the network's own topology (Lava); "chain", its levels in a row (netx).
    """

    path: Path
    kind: str
    forms: dict[str, Network]
    findings: list[str] = field(default_factory=list)

    @property
    def simulated(self) -> tuple[str, Network]:
        """The form to simulate, and its name."""
        return next(iter(self.forms.items()))


def load_networks(path: Path) -> Networks:
    """The networks of a model.pt, a .net or an .ir.h5 file; raises BadInput for anything else."""
    if not path.exists():
        raise BadInput("no such file", place=str(path), remedy=f"give a model.pt, a .net or an {SUFFIX} file")
    if path.name.endswith(SUFFIX):
        return Networks(path, "ir", {"graph": load(path)})
    if path.suffix == ".net":
        return _of_netx(path)
    if path.suffix == ".pt":
        return _of_model(path)
    raise BadInput("unknown kind of file", place=str(path), remedy=f"give a model.pt, a .net or an {SUFFIX} file")


def _of_netx(path: Path) -> Networks:
    from mksgn_neuro.export.netx.reader import read_netx

    network, findings = read_netx(path)
    return Networks(path, "netx", {"chain": network}, [str(finding) for finding in findings])


def _of_model(path: Path) -> Networks:
    from mksgn_neuro.lowering import balance, levelize, lower
    from mksgn_neuro.models.store import load_model

    model = load_model(path)
    frames = lower(model.student, model.task())
    return Networks(path, "model", {"graph": balance(frames), "chain": levelize(frames)})
