"""The whole training: teachers, student in floats, then in integers; what is saved computes in integers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from mksgn_neuro.data.attention import gate_use
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import Scaling, fit_scaling
from mksgn_neuro.data.protocols import PROTOCOLS
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.distill import Distilled
from mksgn_neuro.models.store import Model, build_student, save_model
from mksgn_neuro.nn import SpikingNetwork, quantize
from mksgn_neuro.nn.kernels.graph_conv import products_by_joint
from mksgn_neuro.training.allocator import keep_freed_memory
from mksgn_neuro.training.batches import Batch
from mksgn_neuro.training.collective import device, is_first_rank, start
from mksgn_neuro.training.cost import synapse_shares
from mksgn_neuro.training.evaluate import SETTLED_CLIPS, evaluate, settle_statistics, spike_rate
from mksgn_neuro.training.lessons import Lessons, prepare_lessons
from mksgn_neuro.training.loss import student_loss
from mksgn_neuro.training.presets import Preset, Schedule
from mksgn_neuro.training.record import Recorder, only_one_in, write_json
from mksgn_neuro.training.run import Run
from mksgn_neuro.training.stage import CHECKPOINT, Report, fit, read_checkpoint, require_same_run
from mksgn_neuro.training.teachers import describe, load_teachers, train_teachers

WATCH_EVERY = 16
WATCHED_SETTLED_CLIPS = 64  # as SETTLED_CLIPS, after an epoch where nothing is selected by the result


def train(
    clips: Clips, preset: Preset, directory: Path, *, seed: int = 0, resume: bool = False,
    teacher: Path | None = None, config: dict | None = None, report: Report,
) -> Model:  # fmt: skip
    """Train on the training clips of `clips`; writes model.pt, metrics.json and `config` into `directory`.

    Teachers are trained first, or read from the folder `teacher`; not at all where the preset distils nothing. Raises
    Busy where another training writes into `directory`.
    """
    options = {"seed": seed, "resume": resume, "report": report, "taught_by": str(teacher or ""), "config": config}
    with started_run(clips, preset, directory, **options) as (run, recorder):
        lessons, summary = _lessons(run, clips, teacher)
        torch.manual_seed(seed)
        student = build_student(preset.student(run.classes), clips.skeleton, preset.hops, run.scaling.bits)
        forms = _train_forms(student, run, lessons)
        return finish_run(forms, clips, run, recorder, hops=preset.hops, notes=summary)


def say_nothing(kind: str, record: dict) -> None:
    """A report for programs that read metrics.json."""


def train_network(
    network: SpikingNetwork, clips: Clips, preset: Preset, directory: Path, *, seed: int = 0, resume: bool = False,
    config: dict | None = None, report: Report = say_nothing,
) -> Model:  # fmt: skip
    """Train any declared network, from the labels alone, and write what `train` writes; it is changed in place.

    Of the preset only what is said of time, stages and losses counts; its shape is that of an MK-SGN. Raises BadInput
    for a network that does not fit the clips.
    """
    options = {"seed": seed, "resume": resume, "report": report, "taught_by": f"{network.kind} {network.config!r}"}
    needed = (len(preset.modalities), clips.skeleton.joints, clips.skeleton.coordinates, len(clips.class_names))
    given = (*network.source.shape, network.classes)
    if given != needed:
        problem = "the network has {} modalities, {} joints, {} coordinates and {} classes".format(*given)
        raise BadInput(problem, place=clips.dataset, remedy="build it for {}, {}, {} and {}".format(*needed))
    options |= {"bits": network.source.message_bits, "config": config}
    with started_run(clips, preset, directory, **options) as (run, recorder):
        forms = _train_forms(network, run, None)
        return finish_run(forms, clips, run, recorder, hops=preset.hops, notes={})


def _train_forms(network: SpikingNetwork, run: Run, lessons: Lessons | None) -> dict[str, SpikingNetwork]:
    """The network trained in floats, the same quantized, and that trained on in integers."""
    train_float(network.to(device()), run, lessons)
    quantized = quantize(network.cpu()).to(device())
    integer = copy.deepcopy(quantized)
    train_integer(integer, run, lessons)
    return {"float": network.to(device()), "post_training_quantization": quantized, "integer": integer}


@contextmanager
def started_run(
    clips: Clips, preset: Preset, directory: Path, *, seed: int, resume: bool, report: Report,
    taught_by: str = "", scaling: Scaling | None = None, bits: int = 8, config: dict | None = None,
) -> Iterator[tuple[Run, Recorder]]:  # fmt: skip
    """Split the clips and have the folder for this run alone; the input's scaling is fitted, to `bits`, unless given.

    `config` goes into config.json, once it is sure that the run goes on with what is there. Raises BadInput for more
    processes than a batch has clips, and for checkpoints of another run that it should resume; Busy.
    """
    rank, world = start()
    keep_freed_memory()
    if world > preset.rows:
        raise BadInput(f"{world} processes for batches of {preset.rows} sequences", remedy="start fewer processes")
    if clips.train.sum() < 2:
        problem = f"{int(clips.train.sum())} training clips"
        raise BadInput(problem, place=clips.dataset, remedy="give at least two, one to select on")
    directory = Path(directory)
    with only_one_in(directory):
        fit_clips, held_out = _split(clips, preset.held_out, seed)
        scaling = scaling or fit_scaling(fit_clips, preset.rate, bits=bits, modalities=preset.modalities)
        recorder = Recorder(directory, report)
        ranks = (rank, world)
        run = Run(preset, fit_clips, held_out, scaling, directory, seed, resume, recorder.report, taught_by, *ranks)
        if is_first_rank():
            _make_ready(run, config)
        yield run, recorder


def _make_ready(run: Run, config: dict | None) -> None:
    """Refuse or remove what a former run left, then keep the options of this one."""
    for checkpoint in (*run.directory.glob(f"*{CHECKPOINT}"), *run.directory.glob(f"teachers/*{CHECKPOINT}")):
        if run.resume:
            require_same_run(read_checkpoint(checkpoint), run.fingerprint(), checkpoint)
        else:
            checkpoint.unlink()
    if config is not None:
        write_json(run.directory / "config.json", config)


def finish_run(
    forms: dict[str, SpikingNetwork], clips: Clips, run: Run, recorder: Recorder, *, hops: int, notes: dict
) -> Model:  # fmt: skip
    """Measure every form of the student; the one called "integer" is written to DIR/model.pt, with the notes."""
    test = clips.subset(~clips.train)
    held_out = {name: evaluate(form, run.held_out, run.scaling, run.preset.timing) for name, form in forms.items()}
    use = gate_use(held_out["integer"].gates)
    summary = {
        **notes,
        "held_out": {name: found.recognition for name, found in held_out.items()},
        "test": {name: _recognised(form, test, run) for name, form in forms.items()} if len(test) else {},
        **({"attention": use.as_json() | {"finding": use.finding}} if use else {}),
        "held_out_clips": len(run.held_out) if run.preset.held_out else 0,
        "seed": run.seed,
        **({"assumed": list(clips.assumed)} if clips.assumed else {}),
    }
    integer, skeleton, names = forms["integer"].cpu().eval(), clips.skeleton, clips.class_names
    model = Model(integer, skeleton, hops, run.scaling, names, run.preset.timing, clips.dataset, summary)
    if is_first_rank():
        save_model(model, run.directory / "model.pt")
        recorder.finish(summary)
    return model


def _recognised(student: SpikingNetwork, clips: Clips, run: Run) -> dict[str, dict]:
    """The student's figures on clips, by protocol."""
    return evaluate(student, clips, run.scaling, run.preset.timing).recognition


def _split(clips: Clips, share: float, seed: int) -> tuple[Clips, Clips]:
    """Clips to train on and clips to select on; where nothing is held out, some training clips to watch instead."""
    if share > 0:
        return clips.held_out_split(share, seed=seed)
    training = clips.subset(clips.train)
    return training, training.subset(np.arange(0, len(training), WATCH_EVERY))


def _lessons(run: Run, clips: Clips, directory: Path | None) -> tuple[Lessons | None, dict]:
    if not run.preset.distils and directory is None:
        return None, {}
    return learn_from(directory, run, clips)


def learn_from(directory: Path | None, run: Run, clips: Clips) -> tuple[Lessons, dict]:
    """What teachers say of the training clips, and notes on them; they are trained where no folder is given.

    Raises BadInput for teachers that a preset would not listen to.
    """
    if not run.preset.distils:
        remedy = "choose a preset that does, such as base or nw-ucla-mixed, or leave --teacher out"
        raise BadInput("the preset learns nothing from teachers", place=str(directory), remedy=remedy)
    ensemble = train_teachers(run) if directory is None else load_teachers(directory, run)
    return prepare_lessons(ensemble, run), {"teacher": describe(ensemble, clips, run)}


def train_float(student: SpikingNetwork, run: Run, lessons: Lessons | None) -> None:
    """Float stage; ends with the statistics of SETTLED_CLIPS clips, whatever an epoch's validation looked at."""
    widths = lessons.widths if lessons and run.preset.feature_weight else []
    torch.manual_seed(run.seed)
    _fit_student(Distilled(student, widths).to(device()), "float", run.preset.float_schedule, run, lessons)
    with products_by_joint():  # so that the number of threads changes no weight
        settle_statistics(student, run.fit_clips, run.scaling, run.preset.sequences)


def train_integer(student: SpikingNetwork, run: Run, lessons: Lessons | None) -> None:
    """Integer-exact fine-tuning: normalisation folded and frozen, forward in integers, straight-through gradients.

    Soft labels go on; inner features have done their work.
    """
    for population in student.populations().values():
        population.gamma.requires_grad_(False)
    _fit_student(Distilled(student, []), "integer", run.preset.integer_schedule, run, lessons)


def _fit_student(module: Distilled, name: str, schedule: Schedule, run: Run, lessons: Lessons | None) -> None:
    shares = synapse_shares(module.student) if run.preset.rate_penalty else None
    loss = partial(student_loss, preset=run.preset, shares=shares)
    settle_on = SETTLED_CLIPS if run.preset.held_out else WATCHED_SETTLED_CLIPS

    def validate(distilled: Distilled) -> dict:
        return _validate(distilled.student, run, settle_on)

    def teach(batch: Batch) -> Batch:
        targets = lessons.of(batch, with_features=len(module.translations) > 0)
        return replace(batch, targets=targets, played=None)

    stage = run.sequence_stage(name, schedule, loss, validate, teach if lessons else None)
    with products_by_joint():
        fit(module, stage, run.directory, resume=run.resume, report=run.report)


def _validate(student: SpikingNetwork, run: Run, settle_on: int = SETTLED_CLIPS) -> dict:
    """Accuracies and spike rates on the held-out subjects, with the statistics of un-augmented clips."""
    if not student.folded:
        settle_statistics(student, run.fit_clips, run.scaling, run.preset.sequences, settle_on)
    result = evaluate(student, run.held_out, run.scaling, run.preset.timing, PROTOCOLS[1:])
    each = {name: found["accuracy"]["standard"] for name, found in result.recognition.items()}
    return {"accuracy": result.accuracy, **each, "rates": result.rates, "spike_rate": spike_rate(student, result.rates)}
