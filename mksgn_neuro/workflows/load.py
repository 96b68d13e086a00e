"""Load what a user may name on the command line as integer networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import is_lfs_pointer
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.silence import silent_findings
from mksgn_neuro.ir.store import SUFFIX, load

if TYPE_CHECKING:
    from mksgn_neuro.export.netx.reading import NetxFile


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


@dataclass(frozen=True)
class Port:
    """What the user says of a netx file's input, None where nothing: its graded bits and its shape (C, H, W)."""

    bits: int | None = None
    shape: tuple[int, ...] | None = None


def require_file(path: Path) -> None:
    """Raises BadInput where there is no file, or a clone's note of one."""
    if not path.is_file():
        raise BadInput("no such file", place=str(path), remedy=f"give a model.pt, a .net or an {SUFFIX} file")
    if is_lfs_pointer(path):
        raise BadInput("is a git-LFS pointer, not the file itself", place=str(path), remedy="run git lfs pull")


def load_networks(path: Path, port: Port | None = None) -> Networks:
    """The networks of a model.pt, a .net or an .ir.h5 file; raises BadInput for anything else."""
    require_file(path)
    port = port or Port()
    if path.suffix != ".net" and port != Port():
        remedy = "--input-bits and --input-shape are for .net files"
        raise BadInput("says itself what input it takes", place=str(path), remedy=remedy)
    if path.name.endswith(SUFFIX):
        return Networks(path, "ir", {"graph": load(path)})
    if path.suffix == ".net":
        return _of_netx(path, port)
    if path.suffix == ".pt":
        return _of_model(path)
    raise BadInput("unknown kind of file", place=str(path), remedy=f"give a model.pt, a .net or an {SUFFIX} file")


def _of_netx(path: Path, port: Port) -> Networks:
    from mksgn_neuro.export.netx.reader import read_file

    file = read_file(path, input_message_bits=port.bits, input_shape=port.shape)
    return Networks(path, "netx", {"chain": file.network}, netx_findings(path, file))


def netx_findings(path: Path, file: NetxFile) -> list[str]:
    """In words: what the stock loader ignores or changes, what can never fire, and a sidecar of another file."""
    from mksgn_neuro.export.netx.sidecar import sidecar_findings

    return [*map(str, file.findings), *silent_findings(file.network), *sidecar_findings(path)]


def _of_model(path: Path) -> Networks:
    from mksgn_neuro.lowering import balance, levelize, lower
    from mksgn_neuro.models.store import load_model

    model = load_model(path)
    frames = lower(model.student, model.task())
    return Networks(path, "model", {"graph": balance(frames), "chain": levelize(frames)})
