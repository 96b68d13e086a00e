"""What somebody adds, each as in a file of its own: a data set, a chip, an energy profile, a pass, a format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mksgn_neuro.chip.catalog import LOIHI2
from mksgn_neuro.chip.profile import Constant, Profile
from mksgn_neuro.chip.spec import Chip
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.synthetic import generate
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.store import load, save
from mksgn_neuro.workflows.checks import Planned
from mksgn_neuro.workflows.equivalence import ReferenceRun
from mksgn_neuro.workflows.simulators import by_emulator

SMALL = Chip.of("small", *(tuple(vars(limit).values()) for limit in LOIHI2.limits.values()))
FREE = Profile("free", "nobody", (Constant("acs", 1, "one femtojoule"),))


def read(name: str, path: Path, *, skip_bad: bool, progress: object) -> Clips:
    """As many clips as the file says."""
    return generate(int(path.read_text()))


def deaf(network: Network) -> Network:
    """A pass that changes spikes: no neuron gets a spike."""
    return network.with_(projections=tuple(replace(q, weights=q.matrix * 0) for q in network.projections))


def write(network: Network, stem: Path, reset_interval: int | None) -> tuple[Path, ...]:
    """A format: our own file under another name."""
    path = stem.with_name(f"{stem.name}.mine")
    save(network, path)
    return (path,)


def check(reference_run: ReferenceRun, path: Path, lava: bool, full: bool = False) -> list[Planned]:
    """The file, read back and run."""
    return [Planned("my file", lambda: reference_run.against_steps("my file", load(path), by_emulator))]
