"""Go on training a finished model in the integers of the chip: on new clips of its classes, or to fewer spikes."""

from __future__ import annotations

import copy
from dataclasses import asdict, replace
from pathlib import Path

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.store import Model
from mksgn_neuro.training.collective import device
from mksgn_neuro.training.presets import Preset
from mksgn_neuro.training.stage import Report
from mksgn_neuro.training.train import finish_run, start_run, train_integer


def tune(
    model: Model, clips: Clips, preset: Preset, directory: Path, *, seed: int = 0, resume: bool = False, report: Report
) -> Model:  # fmt: skip
    """The integer stage of `preset` on a model that has been through one; writes what `train` writes.

    Shape, timing and input scaling stay the model's; only its weights, biases and with them its spikes change.
    Raises BadInput for a model of version 2, which knows no frame rate.
    """
    if model.timing.rate is None:
        raise BadInput(
            "was trained on clips stretched to a number of frames, not on a camera's",
            place="the model", remedy="train a new one",
        )  # fmt: skip
    preset = replace(preset, **asdict(model.timing), modalities=model.scaling.modalities)
    options = {"seed": seed, "resume": resume, "report": report, "taught_by": model.hash()}
    run, recorder = start_run(clips, preset, directory, scaling=model.scaling, **options)
    given = model.student.to(device())
    tuned = copy.deepcopy(given)
    train_integer(tuned, run, None)
    return finish_run({"given": given, "integer": tuned}, clips, run, recorder, hops=model.hops, notes={})
