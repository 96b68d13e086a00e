"""The whole training: teachers, student in floats, then in integers; what is saved computes in integers."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from mksgn_neuro.data.attention import gate_use
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import Scaling, fit_scaling
from mksgn_neuro.data.mirroring import why_not_mirrored
from mksgn_neuro.data.protocols import PROTOCOLS
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.distill import Distilled
from mksgn_neuro.models.store import Model, build_student, save_model
from mksgn_neuro.models.student import MKSGN
from mksgn_neuro.models.teacher import Ensemble
from mksgn_neuro.nn import SpikingNetwork, quantize
from mksgn_neuro.nn.kernels.graph_conv import products_by_joint
from mksgn_neuro.processes.together import is_first, require_alike
from mksgn_neuro.training.allocator import keep_freed_memory
from mksgn_neuro.training.batches import Batch
from mksgn_neuro.training.collective import device, start
from mksgn_neuro.training.cost import synapse_shares
from mksgn_neuro.training.evaluate import RECALIBRATION_CLIPS, evaluate, recalibrate_batch_norm, spike_rate
from mksgn_neuro.training.loss import student_loss
from mksgn_neuro.training.preset import Preset, Schedule
from mksgn_neuro.training.pretrained import begin_with, scaling_of
from mksgn_neuro.training.record import Recorder, only_one_in, write_json
from mksgn_neuro.training.run import Run
from mksgn_neuro.training.stage import CHECKPOINT, Report, read_checkpoint, require_same_run, train_stage
from mksgn_neuro.training.teacher_outputs import TeacherOutputs, prepare_teacher_outputs
from mksgn_neuro.training.teachers import load_teachers, teacher_summary, train_teachers

WATCH_EVERY = 16
WATCHED_RECALIBRATION_CLIPS = 64  # as SETTLED_CLIPS, after an epoch where nothing is selected by the result


def train(
    clips: Clips, preset: Preset, directory: Path, *, seed: int = 0, resume: bool = False,
    teacher: Path | None = None, pretrained: Model | None = None, config: dict | None = None, report: Report,
) -> Model:  # fmt: skip
    """Train on the training clips of `clips`; writes model.pt, metrics.json and `config` into `directory`.

    Teachers are trained first, or read from the folder `teacher`; not at all where the preset distils nothing. The
    student begins with the weights of the network `pretrained`, as far as both have the same parts, and with its input
    scaling. Raises BadInput for one that does not fit; Busy where another training writes into `directory`.
    """
    options = {"seed": seed, "resume": resume, "report": report, "teacher_id": str(teacher or ""), "config": config}
    if pretrained is not None:
        options["scaling"] = scaling_of(pretrained, clips.skeleton, preset.graph_radius, preset.modalities)
        options["teacher_id"] += pretrained.hash()
    with started_run(clips, preset, directory, teacher=teacher, **options) as (run, recorder, teachers):
        teacher_outputs, summary = learn_from(teachers, run, clips) if preset.distils else (None, {})
        torch.manual_seed(seed)
        student = build_student(preset.student(run.classes), clips.skeleton, preset.graph_radius, run.scaling.bits)
        if pretrained is not None:
            summary = summary | {"pretrained": _begun_with(pretrained, student, run, recorder)}
        representations = _train_representations(student, run, teacher_outputs)
        return finish_run(representations, clips, run, recorder, graph_radius=preset.graph_radius, notes=summary)


def _begun_with(pretrained: Model, student: MKSGN, run: Run, recorder: Recorder) -> dict:
    """Take the network's weights, say what was taken; notes on it."""
    begun, rate = begin_with(student, pretrained, run), pretrained.timing.rate
    said = [str(begun)]
    if rate != run.preset.rate:
        said.append(f"its delays mean another time: it was trained at {rate} Hz, not at {run.preset.rate:g} Hz")
    for finding in said:
        recorder.report("finding", {"stage": "", "finding": finding})
    return {"model_hash": pretrained.hash(), **asdict(begun)}


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
    options = {"seed": seed, "resume": resume, "report": report, "teacher_id": f"{network.kind} {network.config!r}"}
    needed = (len(preset.modalities), clips.skeleton.joints, clips.skeleton.coordinates, len(clips.class_names))
    given = (*network.source.shape, network.classes)
    if given != needed:
        problem = "the network has {} modalities, {} joints, {} coordinates and {} classes".format(*given)
        raise BadInput(problem, location=clips.dataset, hint="build it for {}, {}, {} and {}".format(*needed))
    options |= {"bits": network.source.message_bits, "config": config}
    with started_run(clips, preset, directory, **options) as (run, recorder, _):
        representations = _train_representations(network, run, None)
        return finish_run(representations, clips, run, recorder, graph_radius=preset.graph_radius, notes={})


def _train_representations(
    network: SpikingNetwork, run: Run, teacher_outputs: TeacherOutputs | None
) -> dict[str, SpikingNetwork]:
    """The network trained in floats, the same quantized, and that trained on in integers."""
    train_float(network.to(device()), run, teacher_outputs)
    quantized = quantize(network.cpu()).to(device())
    integer = copy.deepcopy(quantized)
    train_integer(integer, run, teacher_outputs)
    return {"float": network.to(device()), "post_training_quantization": quantized, "integer": integer}


@contextmanager
def started_run(
    clips: Clips, preset: Preset, directory: Path, *, seed: int, resume: bool, report: Report,
    teacher_id: str = "", scaling: Scaling | None = None, bits: int = 8, config: dict | None = None,
    teacher: Path | None = None,
) -> Iterator[tuple[Run, Recorder, Ensemble | None]]:  # fmt: skip
    """Split the clips and have the folder for this run alone; the input's scaling is fitted, to `bits`, unless given.

    Teachers are read from the folder `teacher`. What a former run left is removed, and `config` goes into config.json,
    once nothing can be refused any more. Raises BadInput for more processes than a batch has clips, for teachers that
    do not fit or that the preset would not use, and for checkpoints of another run that it should resume; Busy.
    """
    if teacher is not None and not preset.distils:
        hint = "choose a preset that does, such as base or nw-ucla-mixed, or leave --teacher out"
        raise BadInput("the preset learns nothing from teachers", location=str(teacher), hint=hint)
    rank, world = start()
    keep_freed_memory()
    if world > preset.rows:
        raise BadInput(f"{world} processes for batches of {preset.rows} sequences", hint="start fewer processes")
    if clips.train.sum() < 2:
        problem = f"{int(clips.train.sum())} training clips"
        raise BadInput(problem, location=clips.dataset, hint="give at least two, one to select on")
    directory, findings, preset = Path(directory), (), preset.for_clips(clips)
    why = why_not_mirrored(clips, sided=preset.mirror_sided) if preset.mirrors else None
    if why is not None:
        preset, findings = preset.mirroring(0.0), (why,)
    with only_one_in(directory):
        fit_clips, held_out = _split(clips, preset.held_out, seed)
        scaling = scaling or fit_scaling(fit_clips, preset.rate, bits=bits, modalities=preset.modalities)
        recorder = Recorder(directory, report)
        ranks = (rank, world)
        run = Run(
            preset, fit_clips, held_out, scaling, directory, seed, resume, recorder.report, teacher_id, *ranks, findings
        )
        teachers = None if teacher is None else load_teachers(teacher, run)
        same = zlib.crc32(run.fingerprint().encode())
        require_alike(same, "clips or options", "give all of them the same data and options", device())
        for finding in findings:
            recorder.report("finding", {"stage": "", "finding": finding})
        if is_first():
            _make_ready(run, config)
        yield run, recorder, teachers


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
    representations: dict[str, SpikingNetwork], clips: Clips, run: Run, recorder: Recorder, *, graph_radius: int,
    notes: dict
) -> Model:  # fmt: skip
    """Measure the student's representations; the one called "integer" is written to DIR/model.pt, with the notes."""
    test = clips.subset(~clips.train)
    held_out = {
        name: evaluate(representation, run.held_out, run.scaling, run.preset.timing)
        for name, representation in representations.items()
    }
    use = gate_use(held_out["integer"].gates)
    summary = {
        **notes,
        "held_out": {},
        run.watched_on: {name: found.recognition for name, found in held_out.items()},
        "test": {name: _recognised(representation, test, run) for name, representation in representations.items()}
        if len(test)
        else {},
        **({"attention": use.as_json() | {"finding": use.finding}} if use else {}),
        "held_out_clips": len(run.held_out) if run.preset.held_out else 0,
        "held_out_key": run.held_out_key(),
        "seed": run.seed,
        "kept": recorder.kept,
        **({"findings": list(run.findings)} if run.findings else {}),
        **({"assumed": list(clips.assumed)} if clips.assumed else {}),
    }
    integer, skeleton, names = representations["integer"].cpu().eval(), clips.skeleton, clips.class_names
    model = Model(integer, skeleton, graph_radius, run.scaling, names, run.preset.timing, clips.dataset, summary)
    if is_first():
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


def learn_from(teachers: Ensemble | None, run: Run, clips: Clips) -> tuple[TeacherOutputs, dict]:
    """What teachers say of the training clips, and notes on them; without any, they are trained first."""
    ensemble = teachers or train_teachers(run)
    return prepare_teacher_outputs(ensemble, run), {"teacher": teacher_summary(ensemble, clips, run)}


def train_float(student: SpikingNetwork, run: Run, teacher_outputs: TeacherOutputs | None) -> None:
    """Float stage; ends with the statistics of SETTLED_CLIPS clips, whatever an epoch's validation looked at."""
    widths = teacher_outputs.widths if teacher_outputs and run.preset.feature_weight else []
    torch.manual_seed(run.seed)
    _fit_student(Distilled(student, widths).to(device()), "float", run.preset.float_schedule, run, teacher_outputs)
    with products_by_joint():  # so that the number of threads changes no weight
        recalibrate_batch_norm(student, run.fit_clips, run.scaling, run.preset.sequences)


def train_integer(student: SpikingNetwork, run: Run, teacher_outputs: TeacherOutputs | None) -> None:
    """Integer-exact fine-tuning: normalisation folded and frozen, forward in integers, straight-through gradients.

    Soft labels go on; inner features have done their work.
    """
    for population in student.populations().values():
        population.gamma.requires_grad_(False)
    _fit_student(Distilled(student, []), "integer", run.preset.integer_schedule, run, teacher_outputs)


def _fit_student(
    module: Distilled, name: str, schedule: Schedule, run: Run, teacher_outputs: TeacherOutputs | None
) -> None:
    shares = synapse_shares(module.student) if run.preset.synop_regularisation else None
    loss = partial(student_loss, preset=run.preset, shares=shares)
    recalibrate_on = RECALIBRATION_CLIPS if run.preset.held_out else WATCHED_RECALIBRATION_CLIPS

    def validate(distilled: Distilled) -> dict:
        return _validate(distilled.student, run, recalibrate_on)

    def teach(batch: Batch) -> Batch:
        targets = teacher_outputs.of(batch, with_features=len(module.translations) > 0)
        return replace(batch, targets=targets, played=None)

    begun = module.student.folded  # a float stage begins with random weights
    stage = run.sequence_stage(name, schedule, loss, validate, teach if teacher_outputs else None, start_counts=begun)
    with products_by_joint():
        train_stage(module, stage, run.directory, resume=run.resume, report=run.report)


def _validate(student: SpikingNetwork, run: Run, recalibrate_on: int = RECALIBRATION_CLIPS) -> dict:
    """Accuracies and spike rates on the held-out subjects, with the statistics of un-augmented clips."""
    if not student.folded:
        recalibrate_batch_norm(student, run.fit_clips, run.scaling, run.preset.sequences, recalibrate_on)
    result = evaluate(student, run.held_out, run.scaling, run.preset.timing, PROTOCOLS[1:])
    each = {name: found["accuracy"]["standard"] for name, found in result.recognition.items()}
    spiking = {"rates": result.rates, "spike_rate": spike_rate(student, result.rates)}
    return {"accuracy": result.accuracy, "on": run.watched_on, **each, **spiking}
