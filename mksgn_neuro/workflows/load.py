"""Load what a user may name, on the command line or in Python, as integer networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.netx.sidecar import require_described, sidecar_findings
from mksgn_neuro.files import is_lfs_pointer
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.silence import silent_findings
from mksgn_neuro.ir.store import SUFFIX, load
from mksgn_neuro.workflows import lowered

if TYPE_CHECKING:
    from mksgn_neuro.export.netx.reading import NetxFile
    from mksgn_neuro.models.store import Model

SHIPPED_MODEL = "nw-ucla"  # what commands take where nothing else is there

REPRESENTATIONS = {
    "model": {"graph": "emulator", "layered": "loihi2"},
    "netx": {"layered": "emulator"},
    "nir": {"graph": "emulator"},
    "ir": {"graph": "emulator"},
    "network": {"graph": "emulator"},
}
"""The representations of each kind of file or network, that to simulate first, and the target that runs it."""


@dataclass(frozen=True)
class Networks:
    """A file's networks by representation, the one to deploy first, and what is odd about the file.

    Representations: "graph", the network's own topology (Lava); "layered", its levels in a row (netx). `given` is the
    network as the file has it, which passes begin with; `reset_interval` the steps between resets, where the file says.
    """

    path: Path
    kind: str
    given: Network
    findings: list[str] = field(default_factory=list)
    reset_interval: int | None = None
    trained: Model | None = None

    @cached_property
    def model(self) -> Model | None:
        """What a model.pt holds, read when it is first asked for; None for other files."""
        if self.trained is not None or self.kind != "model":
            return self.trained
        from mksgn_neuro.models.store import load_model

        return load_model(self.path)

    @cached_property
    def representations(self) -> dict[str, Network]:
        """Every representation, by its name."""
        return {representation: self.built_for(target) for representation, target in REPRESENTATIONS[self.kind].items()}

    @cached_property
    def default_representation(self) -> tuple[str, Network]:
        """The representation to simulate, and its name."""
        representation, target = next(iter(REPRESENTATIONS[self.kind].items()))
        return representation, self.built_for(target)

    def built_for(self, target: str) -> Network:
        """The network that a target runs."""
        from mksgn_neuro.workflows.targets import build

        return build(self.given, target).network


@dataclass(frozen=True)
class Port:
    """What the user says of a file's input, None where nothing.

    Graded bits (.net, .nir), the shape (C, H, W) of a .net file, the seconds per time step of a .nir file.
    """

    bits: int | None = None
    shape: tuple[int, ...] | None = None
    dt: float | None = None


def shipped() -> dict[str, Path]:
    """The models in the package by name: that of the file, without `.pt`."""
    folder = Path(str(files("mksgn_neuro") / "assets"))
    return {path.stem: path for path in sorted(folder.glob("*.pt"))}


def resolve(named: str | Path) -> Path:
    """The file that is named: a path, or the name of a model in the package where there is no such file.

    Raises BadInput, with the nearest name, for what looks like a name and is none.
    """
    path, models = Path(named), shipped()
    if path.is_file() or path.suffix or len(path.parts) != 1:
        return path
    if path.name not in models:
        near = get_close_matches(path.name, models, 1)
        hint = f"did you mean {near[0]}?" if near else "mksgn-neuro models lists those that ship"
        raise BadInput("no such file, and no model of that name ships", location=str(path), hint=hint)
    return models[path.name]


def require_file(path: Path) -> None:
    """Raises BadInput where there is no file, or a clone's note of one."""
    if not path.is_file():
        raise BadInput("no such file", location=str(path), hint=f"{KNOWN}, or {' or '.join(shipped())}")
    if is_lfs_pointer(path):
        raise BadInput("is a git-LFS pointer, not the file itself", location=str(path), hint="run git lfs pull")


def suffix_of(path: Path) -> str:
    """The ending that says what kind of file it is, "" where it is none that we know."""
    return next((suffix for suffix in READERS if path.name.endswith(suffix)), "")


def stem_of(path: Path) -> Path:
    """The path without that ending: what the names of files that are made of it begin with."""
    return path.with_name(path.name.removesuffix(suffix_of(path)))


def load_networks(path: Path, port: Port | None = None, *, only_to_look: bool = False) -> Networks:
    """The networks of a file of READERS; raises BadInput for anything else.

    A netx file that its sidecar does not describe is refused too; `only_to_look`: that is one of the findings.
    """
    require_file(path)
    read = READERS.get(suffix_of(path))
    if read is None:
        raise BadInput("unknown kind of file", location=str(path), hint=KNOWN)
    if not only_to_look:
        require_described(path)
    return read(path, port or Port())


def says_itself(path: Path) -> BadInput:
    """What is raised where a file needs no Port."""
    hint = "--input-bits and --input-shape are for .net files, --input-bits and dt for a .nir of others"
    return BadInput("says itself what input it takes", location=str(path), hint=hint)


def _of_netx(path: Path, port: Port) -> Networks:
    from mksgn_neuro.export.netx.reader import read_file

    if port.dt is not None:
        raise says_itself(path)
    file = read_file(path, input_message_bits=port.bits, input_shape=port.shape)
    return Networks(path, "netx", file.network, netx_findings(path, file), file.reset_interval)


def _of_nir(path: Path, port: Port) -> Networks:
    from mksgn_neuro.export.nir.reader import read_nir

    network, findings = read_nir(path, dt=port.dt, input_message_bits=port.bits or 0)
    if port.shape or port.bits not in (None, network.source.message_bits):
        raise says_itself(path)
    return Networks(path, "nir", network, list(map(str, findings)))


def _of_ir(path: Path, port: Port) -> Networks:
    if port != Port():
        raise says_itself(path)
    return Networks(path, "ir", load(path))


def netx_findings(path: Path, file: NetxFile) -> list[str]:
    """In words: what the stock loader ignores or changes, what can never fire, and a sidecar of another file."""
    return [*map(str, file.findings), *silent_findings(file.network), *sidecar_findings(path)]


def _of_model(path: Path, port: Port) -> Networks:
    if port != Port():
        raise says_itself(path)
    network = lowered.recall(path)
    if network is not None:
        return Networks(path, "model", network)
    from mksgn_neuro.models.store import load_model

    made = of_model(load_model(path), path)
    lowered.keep(path, made.given)
    return made


def of_model(model: Model, path: Path) -> Networks:
    """Of a trained model in memory or just read."""
    from mksgn_neuro.lowering import lower

    return Networks(path, "model", lower(model.student, model.task()), trained=model)


READERS = {".pt": _of_model, ".net": _of_netx, ".nir": _of_nir, SUFFIX: _of_ir}
KNOWN = f"give a model.pt, a .net, a .nir or an {SUFFIX} file"
