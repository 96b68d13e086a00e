"""The data that a model was trained on, to see what further training makes it forget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.registry import READ, load
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.text import read_json
from mksgn_neuro.ir import Task
from mksgn_neuro.workflows.inputs import dataset_of, fitted

Data = tuple[str, Path | None]  # a data set by name, and where it lies


def former_data(
    model: Path, task: Task, new: Data, replay: Path | None, read: Callable[..., Clips] = load
) -> tuple[Clips | None, str]:
    """The clips that the model knew, and a line on them: those at `replay`, else where config.json beside it has them.

    None where that says nothing, where nothing lies there, and where they are the `new` data themselves.
    """
    if replay is not None:
        dataset = dataset_of(task)
        dataset = dataset if dataset in READ else "npz"
        return fitted(read(dataset, replay), task, str(replay)), f"former data, {replay}: learned from too"
    found = _said_beside(model)
    if found is None:
        return None, "former data are not at hand: what is forgotten is not measured (--replay FILE learns from them)"
    if _same(found, new):
        return None, "the data are those that the model was trained on: nothing to forget"
    try:
        clips = fitted(read(*found), task, str(found[1] or found[0]))
    except BadInput as error:
        return None, f"former data cannot be used, what is forgotten is not measured: {error}"
    return clips, f"former data, {found[1] or found[0]}: measured, not learned from (--replay does)"


def _said_beside(model: Path) -> Data | None:
    """What config.json says, where the data still lie there."""
    try:
        config = read_json(model.parent / "config.json", "train again")
        dataset, path = str(config["dataset"]), str(config["data"])
    except (BadInput, KeyError, TypeError):
        return None
    data = None if path == "None" else Path(path)
    at_hand = dataset == "synthetic" if data is None else dataset in READ and data.exists()
    return (dataset, data) if at_hand else None


def _same(a: Data, b: Data) -> bool:
    paths = [path and path.resolve() for _, path in (a, b)]
    return a[0] == b[0] and paths[0] == paths[1]
