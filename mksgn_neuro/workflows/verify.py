"""Equivalence checks: every representation computes the same spikes, or the first neuron that differs is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mksgn_neuro.export.netx.metadata import metadata_in
from mksgn_neuro.export.netx.sidecar import require_described
from mksgn_neuro.lowering import lower
from mksgn_neuro.lowering.passes import DEFAULT, Built, Options
from mksgn_neuro.processes.guarded import scratch_folder
from mksgn_neuro.workflows.checks import Planned, Watch, carried_out, representation_checks
from mksgn_neuro.workflows.equivalence import EquivalenceCheck, ReferenceRun
from mksgn_neuro.workflows.export import reset_interval_of, resets_by_default, write_built
from mksgn_neuro.workflows.inputs import in_steps, random_samples
from mksgn_neuro.workflows.targets import TARGETS, build

if TYPE_CHECKING:
    import torch

    from mksgn_neuro.models.store import Model


@dataclass(frozen=True)
class Driven:
    """How a deployed network is driven: whether state is zeroed between samples; and what its passes were asked for."""

    reset: bool
    options: Options = DEFAULT

    @classmethod
    def of(cls, model: Model, target: str, file: Path) -> Driven:
        """As the netx file says where it is one of ours, else as it would be written now."""
        said = metadata_in(file) if target == "loihi2" and file.exists() else None
        if said is None:
            return cls(resets_by_default(model.task()))
        steps = said.task.steps_per_frame if said.task else 1
        return cls(said.reset_interval is not None, Options(steps, prune=said.pruned))


def check_all(
    model: Model, frames: torch.Tensor, target: str, file: Path, *, driven: Driven, built: Built | None = None,
    everything: bool = False, lava: bool = True, full: bool = False, watch: Watch | None = None,
) -> Iterator[EquivalenceCheck]:  # fmt: skip
    """Every check to the target's `file`, compared on `frames` (B, T, M, V, 3), each as soon as it is known.

    `built` is what was written; without it, it is built as it would be now, and where `file` does not exist, written
    elsewhere. `everything` takes the SLAYER and Lava representations on the way, no `lava` only those that we wrote;
    `full` runs even a large netx file as a whole in Intel's loader.
    Without resets `frames` are one long stream, (1, T, M, V, 3). `watch` is told of each check before it runs.
    """
    built = built or build(lower(model.student, model.task()), target, driven.options)
    steps = driven.options.steps_per_frame
    inputs = np.stack([in_steps(clip, steps) for clip in frames.flatten(2).numpy().astype("int64")])
    reference_run = ReferenceRun.of(built, inputs, reset=driven.reset)
    with scratch_folder() as folder:
        if not file.exists():
            reset_interval = reset_interval_of(built.network) if driven.reset else None
            file = write_built(built, target, folder / "model", reset_interval).main
        planned = [
            Planned("student", lambda: reference_run.against_student(model.student, frames)),
            *representation_checks(reference_run, lava=everything and lava),
            *TARGETS[target].check(reference_run, file, lava, full),
        ]
        yield from carried_out(planned, watch)


def check_network(
    built: Built, target: str, file: Path | None, *, samples: int, steps: int, seed: int = 0,
    reset_interval: int | None = None,
    everything: bool = False, lava: bool = True, full: bool = False, watch: Watch | None = None,
) -> Iterator[EquivalenceCheck]:  # fmt: skip
    """As `check_all` for a network without its model: `samples` of `steps` random inputs, frames where there are such.

    With a `reset_interval` each is followed by a reset, else they are one stream; no `file`: nothing was written.
    Raises BadInput for a netx file that its sidecar does not describe.
    """
    if file is not None:
        require_described(file)
    task = built.frames.task
    source, rng = built.given.source, np.random.default_rng(seed)
    frames = random_samples(source, samples, steps, rng)
    inputs = np.stack([in_steps(sample, task.steps_per_frame if task else 1) for sample in frames])
    reference_run = ReferenceRun.of(built, inputs, reset=reset_interval is not None)
    planned = representation_checks(reference_run, lava=everything and lava)
    if file is not None:
        planned += TARGETS[target].check(reference_run, file, lava, full)
    yield from carried_out(planned, watch)
