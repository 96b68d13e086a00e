"""Load what a user may name, on the command line or in Python, as integer networks."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import is_lfs_pointer
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.silence import silent_findings
from mksgn_neuro.ir.store import SUFFIX, load

if TYPE_CHECKING:
    from mksgn_neuro.export.netx.reading import NetxFile
    from mksgn_neuro.models.store import Model

SHIPPED_MODEL = "nw-ucla"  # what commands take where nothing else is there
KINDS = f"a model.pt, a .net, a .nir or an {SUFFIX} file"


@dataclass(frozen=True)
class Networks:
    """A file's networks by form, the one to deploy first, and what is odd about the file.

    Forms: "graph", the network's own topology (Lava); "chain", its levels in a row (netx). `model` is what a model.pt
    holds, `source` the network as it was read, before it was turned into time steps where it was in frames (hop 0).
    """

    path: Path
    kind: str
    forms: dict[str, Network]
    findings: list[str]
    source: Network
    model: Model | None = None

    @property
    def simulated(self) -> tuple[str, Network]:
        """The form to simulate, and its name."""
        return next(iter(self.forms.items()))


@dataclass(frozen=True)
class Port:
    """What the user says of a file's input, None where nothing.

    Graded bits (.net, .nir), the shape (C, H, W) of a .net file, the seconds per time step of a .nir file.
    """

    bits: int | None = None
    shape: tuple[int, ...] | None = None
    dt: float | None = None

    def refuse_all_but(self, allowed: tuple[str, ...], place: Path) -> None:
        """Raises BadInput where something is said that a file of this kind says itself."""
        if any(value is not None and name not in allowed for name, value in vars(self).items()):
            remedy = "--input-bits is for .net and .nir, --input-shape for .net, dt for .nir files"
            raise BadInput("says itself what input it takes", place=str(place), remedy=remedy)


def shipped() -> dict[str, Path]:
    """The models in the package by name."""
    folder = Path(str(files("mksgn_neuro") / "assets"))
    return {path.stem: path for path in sorted(folder.glob("*.pt"))}


def resolve(named: str | Path) -> Path:
    """The file that is named: a path, or the name of a model in the package where there is no such file."""
    path = Path(named)
    return path if path.exists() else shipped().get(str(named), path)


def require_file(path: Path) -> None:
    """Raises BadInput where there is no file, or a clone's note of one."""
    if not path.is_file():
        raise BadInput("no such file", place=str(path), remedy=f"give {KINDS}, or {' or '.join(shipped())}")
    if is_lfs_pointer(path):
        raise BadInput("is a git-LFS pointer, not the file itself", place=str(path), remedy="run git lfs pull")


def load_networks(path: Path, port: Port | None = None) -> Networks:
    """The networks of a model.pt, a .net, a .nir or an .ir.h5 file; raises BadInput for anything else."""
    require_file(path)
    port = port or Port()
    if path.suffix == ".net":
        port.refuse_all_but(("bits", "shape"), path)
        return _of_netx(path, port)
    if path.suffix == ".nir":
        port.refuse_all_but(("bits", "dt"), path)
        return _of_nir(path, port)
    port.refuse_all_but((), path)
    if path.name.endswith(SUFFIX):
        return of_network(load(path), path, "ir")
    if path.suffix == ".pt":
        from mksgn_neuro.models.store import load_model

        return of_model(load_model(path), path)
    raise BadInput("unknown kind of file", place=str(path), remedy=f"give {KINDS}")


def _of_netx(path: Path, port: Port) -> Networks:
    from mksgn_neuro.export.netx.reader import read_file

    file = read_file(path, input_message_bits=port.bits, input_shape=port.shape)
    return Networks(path, "netx", {"chain": file.network}, netx_findings(file), file.network)


def netx_findings(file: NetxFile) -> list[str]:
    """In words: what the stock loader ignores or changes, and what can never fire."""
    return [*map(str, file.findings), *silent_findings(file.network)]


def _of_nir(path: Path, port: Port) -> Networks:
    from mksgn_neuro.export.nir.reader import read_nir

    network, findings = read_nir(path, dt=port.dt, input_message_bits=port.bits or 0)
    return of_network(network, path, "nir", [*map(str, findings)])


def of_network(network: Network, path: Path, kind: str = "network", findings: list[str] | None = None) -> Networks:
    """Of a network in memory or just read; simulated in time steps."""
    from mksgn_neuro.lowering import balance

    return Networks(path, kind, {"graph": balance(network)}, findings or [], network)


def of_model(model: Model, path: Path) -> Networks:
    """Of a trained model in memory or just read."""
    from mksgn_neuro.lowering import balance, levelize, lower

    frames = lower(model.student, model.task())
    return Networks(path, "model", {"graph": balance(frames), "chain": levelize(frames)}, [], frames, model)
