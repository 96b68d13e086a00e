"""From a trained model to the files of a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mksgn_neuro.export.lava_graph import LOADER_FILE, NETWORK_FILE, write_lava_bundle
from mksgn_neuro.export.netx.deployment import Endless, deployment_script
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.export.nir.writer import write_nir
from mksgn_neuro.export.slayer import write_slayer_file
from mksgn_neuro.files import require_writable, write_text
from mksgn_neuro.ir import Network, Task
from mksgn_neuro.ir.timing import timing_json
from mksgn_neuro.lowering import balance, levelize, lower, steps_per_sample
from mksgn_neuro.lowering.interleave import interleave
from mksgn_neuro.lowering.pad_for_netx import fit as netx_fit
from mksgn_neuro.models.store import Model


@dataclass(frozen=True)
class Deployed:
    """The files of one export, the network itself first, what they hold, and the steps from sample to sample.

    No `period`: the network is never reset.
    """

    files: tuple[Path, ...]
    network: Network
    period: int | None

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
            "reset": self.period is not None,
            "steps_per_sample": self.period,
            **timing_json(self.network),
        }


def _loihi2(network: Network, stem: Path, reset: bool) -> Deployed:
    task, chain = network.task, netx_fit(levelize(network))
    period = _period(chain, reset)
    written = write_netx(chain, stem.with_name(f"{stem.name}.net"), period=period)
    script = stem.with_name(f"{stem.name}_on_loihi2.py")
    endless = None if reset else Endless(chain.level[chain.readout], task.rate, task.window, task.steps_per_frame)
    write_text(deployment_script(written.net.name, script=script.name, endless=endless), script)
    return Deployed((written.net, written.sidecar, script), chain, period)


def _lava(network: Network, stem: Path, reset: bool) -> Deployed:
    network = balance(network)
    files = write_lava_bundle(network, stem.with_name(f"{stem.name}_lava"))
    return Deployed(tuple(files), network, _period(network, reset))


def _slayer(network: Network, stem: Path, reset: bool) -> Deployed:
    chain = netx_fit(levelize(network))
    path = stem.with_name(f"{stem.name}_slayer.net")
    write_slayer_file(chain, path)
    return Deployed((path,), chain, _period(chain, reset))


def _nir(network: Network, stem: Path, reset: bool) -> Deployed:
    path = stem.with_name(f"{stem.name}.nir")
    write_nir(network, path)
    return Deployed((path,), network, _period(network, reset))


def _period(network: Network, reset: bool) -> int | None:
    task = network.task
    return steps_per_sample(network, task.frames * task.steps_per_frame) if reset else None


WRITERS: dict[str, Callable[[Network, Path, bool], Deployed]] = {
    "loihi2": _loihi2,
    "lava": _lava,
    "slayer": _slayer,
    "nir": _nir,
}
# What the names of a target's files end with, so that it is known early whether they can be written.
FILE_ENDINGS = {
    "loihi2": (".net", ".net.json", "_on_loihi2.py"),
    "lava": (f"_lava/{NETWORK_FILE}", f"_lava/{LOADER_FILE}"),
    "slayer": ("_slayer.net",),
    "nir": (".nir",),
}


def write_target(
    model: Model, target: str, stem: Path, *, reset: bool | None = None, steps_per_frame: int = 1
) -> Deployed:
    """Write `model` for a target of WRITERS into files whose names begin with `stem`.

    `reset`: state is zeroed between samples, or never; None as `resets_by_default`. `steps_per_frame`: see the pass
    `interleave`, which says what it raises.
    """
    for ending in FILE_ENDINGS[target]:
        require_writable(stem.parent / f"{stem.name}{ending}")
    network = interleave(lower(model.student, model.task()), steps_per_frame)
    stem.parent.mkdir(parents=True, exist_ok=True)
    reset = resets_by_default(model.task()) if reset is None else reset
    return WRITERS[target](network, stem, reset)


def resets_by_default(task: Task) -> bool:
    """A network whose time is real runs on a stream for ever; one that was trained on stretched clips needs resets."""
    return task.rate is None
