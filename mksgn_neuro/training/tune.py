"""Go on training a finished model in the integers of the chip: on new clips of its classes, or to fewer spikes."""

from __future__ import annotations

import copy
from dataclasses import asdict, replace
from pathlib import Path

import torch

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import fit_scaling
from mksgn_neuro.data.mixing import mixed
from mksgn_neuro.models.store import Model, build_student
from mksgn_neuro.nn import SpikingNetwork
from mksgn_neuro.training.collective import device
from mksgn_neuro.training.evaluate import evaluate
from mksgn_neuro.training.preset import Preset
from mksgn_neuro.training.run import Run
from mksgn_neuro.training.stage import Report
from mksgn_neuro.training.train import finish_run, learn_from, started_run, train_integer


def tune(
    model: Model, clips: Clips, preset: Preset, directory: Path, *, seed: int = 0, resume: bool = False,
    teacher: Path | None = None, former: Clips | None = None, replay: bool = False, config: dict | None = None,
    report: Report,
) -> Model:  # fmt: skip
    """The integer stage of `preset` on a model that has been through one; writes what `train` writes.

    It learns from the labels and, where a former run's teachers are given, from their soft labels.

    `former`: clips that it knew before; what it still makes of those that test is in the notes, under "former". With
    `replay` it learns from them too, else it may forget them. Where the clips held out may be some that the given model
    had learned from, notes say so under "held_out_known_before".

    Shape, timing and input scaling stay the model's; only its weights, biases and with them its spikes change. A model
    of version 2, which knows no frame rate, is brought to the preset's first (`at_rate`).
    """
    teacher_id = model.hash() if teacher is None else f"{model.hash()} {teacher}"
    if model.timing.rate is None:
        model = at_rate(model, clips, preset)
    preset = replace(preset, **asdict(model.timing), modalities=model.scaling.modalities)
    options = {"seed": seed, "resume": resume, "report": report, "teacher_id": teacher_id, "teacher": teacher}
    learned = mixed(clips, former) if replay and former is not None else clips
    with started_run(learned, preset, directory, scaling=model.scaling, config=config, **options) as started:
        run, recorder, teachers = started
        given = model.student.to(device())
        tuned = copy.deepcopy(given)
        teacher_outputs, notes = (None, {}) if teacher is None else learn_from(teachers, run, clips)
        train_integer(tuned, run, teacher_outputs)
        representations = {"given": given, "integer": tuned}
        notes |= _on_former(representations, former, run) | {"replayed": len(learned) - len(clips)}
        known = learned is not clips or clips.dataset == model.dataset
        notes["held_out_known_before"] = known and model.training.get("held_out_key") != run.held_out_key()
        return finish_run(representations, clips, run, recorder, graph_radius=model.graph_radius, notes=notes)


def _on_former(representations: dict[str, SpikingNetwork], former: Clips | None, run: Run) -> dict:
    """What both networks make of the former data's test clips; of its training clips where none test."""
    if former is None:
        return {}
    asked = former.subset(~former.train if (~former.train).any() else former.train)
    found = {
        name: evaluate(representation, asked, run.scaling, run.preset.timing).recognition
        for name, representation in representations.items()
    }
    return {"former": found, "former_clips": f"{len(asked)} {'training' if asked.train.any() else 'test'} clips"}


def at_rate(model: Model, clips: Clips, preset: Preset) -> Model:
    """A network of stretched clips as one of a camera's frames, to be trained further: it will not do well before.

    Its input is scaled anew, for motion in real time and an origin in every frame, and the encoder's weights by as much
    less; its neurons get the preset's decay.
    """
    scaling = fit_scaling(clips.subset(clips.train), preset.rate, modalities=model.scaling.modalities)
    student = build_student(replace(model.student.config, v_decay=preset.v_decay), model.skeleton, model.graph_radius)
    student.load_state_dict(model.student.state_dict())
    factors = zip(model.scaling.counts_per_metre, scaling.counts_per_metre)
    share = torch.tensor([before / after for before, after in factors])
    with torch.no_grad():
        student.encode.synapses["input"].weight.mul_(share[:, None, None])
    timing = replace(preset.timing, frames=model.timing.frames)
    return replace(model, student=student.eval(), scaling=scaling, timing=timing)
