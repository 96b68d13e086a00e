"""Everything that a report says, as plain data; drawing it is the business of `page` and `figures`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import rel_entr

from mksgn_neuro.chip.fit import nearest_limit
from mksgn_neuro.chip.placement import coordinates
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.text import read_json
from mksgn_neuro.ir import Task
from mksgn_neuro.report.clip_data import PlayerData, player_data
from mksgn_neuro.report.energy_table import EnergyRow, energy_rows
from mksgn_neuro.report.observe import Observed, observe
from mksgn_neuro.report.online import Online, confusion, online
from mksgn_neuro.report.shown import Shown, shown_of
from mksgn_neuro.workflows.equivalence import EquivalenceCheck
from mksgn_neuro.workflows.recognise import Recognised
from mksgn_neuro.workflows.simulate import Progress, Simulation

if TYPE_CHECKING:
    from mksgn_neuro.models.store import Model


@dataclass(frozen=True)
class CoreLoad:
    """One neurocore at (x, y): `load` is the share of its fullest limit, `limit`; `synops` per clip."""

    x: int
    y: int
    population: str
    neurons: int
    load: float
    limit: str
    synops: float


@dataclass(frozen=True)
class Misclassified:
    """A clip of `frames` frames that was not recognised, after `right_frames` of which the decision was right.

    `lead`: class spikes by which the decided class beats the true one at its last frame.
    """

    name: str
    label: int
    decided: int
    lead: int
    right_frames: int
    frames: int


@dataclass(frozen=True)
class Information:
    """Mutual information of the modalities' spikes on the clips shown, float (M, M) nats.

    `weights` (M,): those that it had in the fusion at the end of training, None where it had none; `of_model` is
    False where the file does not say.
    """

    modalities: tuple[str, ...]
    matrix: np.ndarray
    weights: np.ndarray | None
    of_model: bool


@dataclass(frozen=True)
class Training:
    """`history`: epochs of all stages as metrics.json has them, empty where it is absent; `summary` of the model."""

    history: tuple[dict, ...]
    summary: dict


@dataclass(frozen=True)
class Report:
    """`simulation` is the document of `simulate --json`; pictures are of its headline protocol, as `shown` says.

    `checks` are None where nothing was verified here.
    """

    simulation: dict
    task: Task
    shown: Shown
    confusion: np.ndarray
    online: Online
    observed: Observed
    information: Information | None
    training: Training | None
    energy: tuple[EnergyRow, ...]
    mesh: tuple[int, int]
    cores: tuple[CoreLoad, ...]
    checks: tuple[EquivalenceCheck, ...] | None
    wrong: tuple[Misclassified, ...]
    player: PlayerData


def collect(
    runs: dict[str, Recognised],
    document: dict,
    *,
    model: Model | None,
    folder: Path,
    checks: tuple[EquivalenceCheck, ...] | None,
    progress: Progress | None = None,
) -> Report:
    """A report of simulated clips by protocol; `document` is what `simulate --json` prints of them.

    `model` adds what only a model.pt knows, metrics.json in `folder` the curves of its training. `progress` is told of
    the clips that were run once more with all their spikes recorded.
    """
    headline = runs[document["protocol"]]
    run, shown = headline.simulation, shown_of(headline)
    labels, classes = shown.clips.labels, len(run.network.task.class_names)
    observed = observe(run.network, shown.inputs, labels, classes, progress)
    training = training_of(model, folder) if model else None
    return Report(
        simulation=document,
        task=run.network.task,
        shown=shown,
        confusion=confusion(shown.decided, labels, classes),
        online=online(observed.decisions, labels, shown.clips.leaked, shown.ends),
        observed=observed,
        information=information_of(observed, run.network.task, model),
        training=training,
        energy=energy_rows(headline, runs.get("continuous"), training.summary.get("teacher") if training else None),
        mesh=_mesh(run),
        cores=core_loads(run, headline.samples),
        checks=checks,
        wrong=wrong_clips(shown),
        player=player_data(headline, shown),
    )


def report_of(
    path: Path, runs: dict[str, Recognised], document: dict, checks: tuple[EquivalenceCheck, ...] | None,
    progress: Progress | None = None,
) -> Report:  # fmt: skip
    """Everything to show of the simulated file `path`."""
    model = None
    if path.suffix == ".pt":
        from mksgn_neuro.models.store import load_model

        model = load_model(path)
    return collect(runs, document, model=model, folder=path.parent, checks=checks, progress=progress)


def training_of(model: Model, folder: Path) -> Training:
    """The model's own summary, and the history beside it if metrics.json tells of the same training."""
    try:
        metrics = read_json(folder / "metrics.json", "train again")
        history = [record for record in metrics.pop("history") if _is_epoch(record)]
    except (BadInput, KeyError, TypeError, AttributeError):
        return Training((), model.training)
    same = metrics == json.loads(json.dumps(model.training))
    return Training(tuple(history) if same else (), model.training)


def _is_epoch(record: object) -> bool:
    """Whether a record has what the curves show."""
    numbers = [record.get(name) for name in ("accuracy", "validation_accuracy")] if isinstance(record, dict) else [None]
    finite = all(isinstance(number, (int, float)) and abs(number) <= 1 for number in numbers)
    return finite and isinstance(record.get("stage"), str)


def information_of(observed: Observed, task: Task, model: Model | None) -> Information | None:
    """Of the encoder's spikes; None where the network has no encoder, or its neurons are not told apart by modality."""
    if observed.both_fire is None or len(observed.both_fire) != len(task.modalities):
        return None
    matrix = mutual_information(observed.both_fire)
    return Information(task.modalities, matrix, model and fusion_weights(model), model is not None)


def mutual_information(both_fire: np.ndarray) -> np.ndarray:
    """(M, M) nats, as `models.fusion` has it, without PyTorch."""
    fires = both_fire.diagonal()
    row, column = fires[:, None], fires[None, :]
    either = np.maximum(row - both_fire, 0), np.maximum(column - both_fire, 0)
    cells = (both_fire, row * column), (either[0], row * (1 - column)), (either[1], (1 - row) * column)
    neither = np.maximum(1 - row - column + both_fire, 0), (1 - row) * (1 - column)
    return sum(rel_entr(*cell) for cell in (*cells, neither))


def fusion_weights(model: Model) -> np.ndarray | None:
    """(M,), what training made of the modalities' information; None where nothing is weighted by it."""
    from mksgn_neuro.models.student import MKSGN

    weights = model.student.fusion_weights if isinstance(model.student, MKSGN) else None
    return None if weights is None else weights.numpy()


def core_loads(run: Simulation, samples: int) -> tuple[CoreLoad, ...]:
    """Every used core with where it lies; synaptic operations scaled up from the pieces whose traffic was measured."""
    mapping, chip = run.placement.mapping, run.placement.mapping.chip
    x, y = coordinates(chip, run.placement.site)
    steps_per_clip = run.measurement.steps / samples
    synops = (run.traffic.acs + run.traffic.macs).mean(axis=0) * steps_per_clip
    return tuple(
        CoreLoad(
            int(x[i]), int(y[i]), core.population, len(core.neurons), core.usage.load(chip),
            nearest_limit(core, chip).replace("_", " "), float(synops[i]),
        )
        for i, core in enumerate(mapping.cores)
    )  # fmt: skip


def _mesh(run: Simulation) -> tuple[int, int]:
    mapping = run.placement.mapping
    return mapping.chips * mapping.chip["mesh_width"], mapping.chip["mesh_height"]


def wrong_clips(shown: Shown) -> tuple[Misclassified, ...]:
    """Clips that were not recognised, the surest mistake first."""
    names, labels, scores, decided = shown.clips.names, shown.clips.labels, shown.scores, shown.decided
    found = [
        Misclassified(
            names[i], int(labels[i]), int(decided[i]), int(scores[i, decided[i]] - scores[i, labels[i]]),
            int(shown.right[i]), int(shown.ends[i]),
        )
        for i in np.flatnonzero(decided != labels)
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda wrong: (-wrong.lead, wrong.name)))
