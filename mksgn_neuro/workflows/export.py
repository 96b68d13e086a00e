"""From a trained model to the files of a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mksgn_neuro.export.lava_graph import write_lava_bundle
from mksgn_neuro.export.netx.deployment import deployment_script
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.export.nir.writer import write_nir
from mksgn_neuro.export.slayer import write_slayer_file
from mksgn_neuro.files import write_text
from mksgn_neuro.ir import Network
from mksgn_neuro.lowering import balance, levelize, lower, steps_per_sample
from mksgn_neuro.lowering.pad_for_netx import fit as netx_fit
from mksgn_neuro.models.store import Model


@dataclass(frozen=True)
class Deployed:
    """The files of one export, the network itself first, what they hold, and the steps from sample to sample."""

    files: tuple[Path, ...]
    network: Network
    period: int

    @property
    def main(self) -> Path:
        """The file that holds the network."""
        return self.files[0]

    def as_json(self) -> dict:
        """What `export --json` says of it."""
        return {
            "files": [str(file) for file in self.files],
            "neurons": sum(p.size for p in self.network.populations),
            "synapses": sum(q.synapses for q in self.network.projections),
            "steps_per_sample": self.period,
        }


def _loihi2(model: Model, stem: Path) -> Deployed:
    chain = netx_fit(levelize(lower(model.student, model.task())))
    period = steps_per_sample(chain, model.timing.frames)
    written = write_netx(chain, stem.with_suffix(".net"), period=period)
    script = stem.with_name(f"{stem.name}_on_loihi2.py")
    write_text(deployment_script(written.net.name, script=script.name), script)
    return Deployed((written.net, written.sidecar, script), chain, period)


def _lava(model: Model, stem: Path) -> Deployed:
    network = balance(lower(model.student, model.task()))
    files = write_lava_bundle(network, stem.with_name(f"{stem.name}_lava"))
    return Deployed(tuple(files), network, steps_per_sample(network, model.timing.frames))


def _slayer(model: Model, stem: Path) -> Deployed:
    chain = netx_fit(levelize(lower(model.student, model.task())))
    path = stem.with_name(f"{stem.name}_slayer.net")
    write_slayer_file(chain, path)
    return Deployed((path,), chain, steps_per_sample(chain, model.timing.frames))


def _nir(model: Model, stem: Path) -> Deployed:
    network = lower(model.student, model.task())
    path = stem.with_suffix(".nir")
    write_nir(network, path)
    return Deployed((path,), network, steps_per_sample(network, model.timing.frames))


WRITERS: dict[str, Callable[[Model, Path], Deployed]] = {
    "loihi2": _loihi2,
    "lava": _lava,
    "slayer": _slayer,
    "nir": _nir,
}


def write_target(model: Model, target: str, stem: Path) -> Deployed:
    """Write `model` for a target of WRITERS into files whose names begin with `stem`."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    return WRITERS[target](model, stem)
