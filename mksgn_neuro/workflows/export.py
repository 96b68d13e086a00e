"""From a network to the files of a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import alone_in, require_writable
from mksgn_neuro.ir import Network, Task
from mksgn_neuro.ir.timing import timing_json
from mksgn_neuro.lowering import lower, steps_per_sample
from mksgn_neuro.lowering.passes import DEFAULT, Built, Options
from mksgn_neuro.workflows.load import Networks
from mksgn_neuro.workflows.targets import TARGETS, build

if TYPE_CHECKING:
    from mksgn_neuro.models.store import Model

Progress = Callable[[int, int], None]  # passes that are done, and of how many


@dataclass(frozen=True)
class Deployed:
    """The files of one export, the network itself first, what passes made, and the steps from sample to sample.

    No `reset_interval`: the network is never reset.
    """

    files: tuple[Path, ...]
    built: Built
    reset_interval: int | None

    @property
    def main(self) -> Path:
        """The file that holds the network."""
        return self.files[0]

    @property
    def network(self) -> Network:
        """What was written."""
        return self.built.network

    def as_json(self) -> dict:
        """What `export --json` says of it."""
        return {
            "files": [str(file) for file in self.files],
            "neurons": sum(p.size for p in self.network.populations),
            "synapses": sum(q.synapses for q in self.network.projections),
            "pruned_neurons": self.built.pruned,
            "reset": self.reset_interval is not None,
            "steps_per_sample": self.reset_interval,
            **timing_json(self.network),
        }


def files_of(target: str, stem: Path) -> tuple[Path, ...]:
    """What is written for a target, the network itself first."""
    return tuple(stem.parent / (stem.name + suffix) for suffix in TARGETS[target].suffixes)


def refuse_itself(path: Path, target: str, stem: Path) -> None:
    """Raises BadInput where the file that the network is read from would be overwritten."""
    for file in files_of(target, stem):
        if file.resolve() == path.resolve():
            problem = "would overwrite the file that it starts from"
            raise BadInput(problem, location=str(file), hint="give --output another")


def write_target(
    model: Model, target: str, stem: Path, *, reset: bool | None = None, options: Options = DEFAULT,
    dump: Path | None = None, progress: Progress | None = None,
) -> Deployed:  # fmt: skip
    """Write `model` for a target into files whose names begin with `stem`.

    `reset`: state is zeroed between samples, or never; None as `resets_by_default`. `options`, `dump`
    and `progress`: see `build`, which says what it raises.
    """
    _require_writable(target, stem)
    task = model.task()
    built = build(lower(model.student, task), target, options, dump=dump, first="lower", progress=progress)
    reset = resets_by_default(task) if reset is None else reset
    return write_built(built, target, stem, reset_interval_of(built.network) if reset else None)


def write_file(
    networks: Networks, target: str, stem: Path, *, reset: bool | None = None, reset_interval: int | None = None,
    options: Options = DEFAULT, dump: Path | None = None, progress: Progress | None = None,
) -> Deployed:  # fmt: skip
    """Write the network of any file for a target; `reset_interval` resets it every so many steps.

    Without one: as the file says or, where it was trained on stretched clips, after each clip; `reset` asks for that or
    forbids it. Raises BadInput where the file itself would be overwritten, or does not say what a frame or a clip is.
    """
    refuse_itself(networks.path, target, stem)
    _require_writable(target, stem)
    task = networks.given.task
    if task is None and options.steps_per_frame > 1:
        problem = f"{options.steps_per_frame} steps per frame of a file that knows no frames"
        raise BadInput(problem, location=str(networks.path), hint="leave --steps-per-frame at 1")
    built = build(networks.given, target, options, dump=dump, progress=progress)
    if reset_interval is None and reset is not False:
        reset_interval = networks.reset_interval
    if reset_interval is None and reset and task is None:
        raise BadInput("does not say how long a clip is", location=str(networks.path), hint="give --reset-interval N")
    if reset_interval is None and (reset or (reset is None and task is not None and resets_by_default(task))):
        reset_interval = reset_interval_of(built.network)
    return write_built(built, target, stem, reset_interval)


def _require_writable(target: str, stem: Path) -> None:
    """Raises BadInput where one of the target's files cannot be written: before the work, not after it."""
    for path in files_of(target, stem):
        require_writable(path)


def write_built(built: Built, target: str, stem: Path, reset_interval: int | None) -> Deployed:
    """Write what `build` made for a target; of two exports at once the last has written all of its files."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    with alone_in(stem.parent):
        return Deployed(TARGETS[target].write(built.network, stem, reset_interval), built, reset_interval)


def reset_interval_of(network: Network) -> int:
    """Steps from one sample to the next, of the length that the network was trained on."""
    return steps_per_sample(network, network.task.frames * network.task.steps_per_frame)


def resets_by_default(task: Task) -> bool:
    """A network whose time is real runs on a stream for ever; one that was trained on stretched clips needs resets."""
    return task.rate is None
