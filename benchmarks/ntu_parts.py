"""What `benchmarks.ntu_scale` measures: each part takes a folder of generated files and the number of classes."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.ntu_files import name_of

NTU_120 = 114_480  # clips
STEPS, NTU_STEPS = 6, 3  # training steps that are timed, of `tiny` and of `ntu`
FEW = 100  # clips that the input's scaling is fitted to, where what grows with all clips is measured
TEACHER_CHANNELS, TEACHER_FRAMES = (8, 8, 8, 8, 16, 16, 16, 16, 16, 16), 16


def load(folder: Path, classes: int) -> object:
    """The clips, from the text or from the cache."""
    from mksgn_neuro.data import registry

    return registry.load(f"ntu{classes}-xsub", folder)


def cache(folder: Path, classes: int) -> dict:
    """Parse the text and store it."""
    return {"clips": len(load(folder, classes))}


def names(folder: Path, classes: int) -> dict:
    """What a second start does for every file, of as many empty ones as NTU RGB+D 120 has: start-up hides it above."""
    from mksgn_neuro.data import cache as data_cache
    from mksgn_neuro.data.readers import ntu

    with tempfile.TemporaryDirectory(dir=folder.parent) as there:
        made = [name_of(i, 120) for i in range(NTU_120)]
        for name in made:
            os.close(os.open(f"{there}/{name}.skeleton", os.O_CREAT | os.O_WRONLY))
        begun = time.process_time()
        data_cache.key(Path(there), ntu.SUFFIXES)
        ntu._keys(tuple(made))
        ntu._listed_as_missing(Path(there))
        return {"files": NTU_120, "CPU s for them": time.process_time() - begun}


def inspect(folder: Path, classes: int) -> dict:
    """What `data inspect` does, on the cache."""
    from mksgn_neuro.data.inspection import inspect as look

    return {"clips": look(folder)["datasets"][0]["clips"]}


def train(folder: Path, classes: int) -> dict:
    """A few steps of `tiny`'s float stage without teachers, over batches of all training clips."""
    return stepped(folder, classes, "tiny", STEPS)


def train_ntu(folder: Path, classes: int) -> dict:
    """The same of preset `ntu`."""
    return stepped(folder, classes, "ntu", NTU_STEPS)


def stepped(folder: Path, classes: int, name: str, count: int) -> dict:
    """`count` training steps of a preset, after a first one."""
    import torch

    from mksgn_neuro.data.frames import fit_scaling
    from mksgn_neuro.models.store import build_student
    from mksgn_neuro.training.allocator import keep_freed_memory
    from mksgn_neuro.training.batches import batches_per_epoch, sequence_batches
    from mksgn_neuro.training.presets import preset

    torch.set_num_threads(1)
    keep_freed_memory()
    clips = load(folder, classes)
    fit, chosen = clips.subset(clips.train), preset(name, soft_label_weight=0.0, feature_weight=0.0)
    scaling = fit_scaling(fit, chosen.rate)
    student = build_student(chosen.student(classes), clips.skeleton, chosen.graph_radius)
    shape = replace(chosen.sequences, least=count + 1)
    batches = sequence_batches(fit, scaling, shape, chosen.augmentation, seed=0, stage="float", epoch=0)
    for drawn, batch in enumerate(batches):
        if drawn == 1:  # the first one draws the epoch's plan and compiles kernels
            begun, busy = time.perf_counter(), time.process_time()
        activity = student(batch.frames)
        spikes = activity.class_spikes.sum(-1).transpose(0, 1)
        torch.nn.functional.cross_entropy(spikes.flatten(0, 1), batch.labels.flatten()).backward()
        if drawn == count:
            break
    step, cpu = (time.perf_counter() - begun) / count, (time.process_time() - busy) / count
    return {"s per step": step, "CPU s per step": cpu, "steps": batches_per_epoch(fit, chosen.sequences)}


def teachers(folder: Path, classes: int) -> dict:
    """What untrained teachers say of every training clip, written and read back for an epoch's batches."""
    import torch

    from mksgn_neuro.data.frames import fit_scaling
    from mksgn_neuro.training.presets import preset
    from mksgn_neuro.training.run import Run
    from mksgn_neuro.training.teacher_outputs import prepare_teacher_outputs
    from mksgn_neuro.training.teachers import HOPS, Ensemble, Teacher, TeacherConfig, partitions

    torch.set_num_threads(1)
    clips = load(folder, classes)
    fit = clips.subset(clips.train)
    chosen = replace(preset("tiny"), teacher_channels=TEACHER_CHANNELS, frames=TEACHER_FRAMES)
    hops = torch.from_numpy(partitions(clips.skeleton, HOPS))
    made = [Teacher(TeacherConfig(classes, TEACHER_CHANNELS), hops, 3) for _ in chosen.modalities]
    (folder.parent / "run").mkdir(exist_ok=True)
    scaling, silent = fit_scaling(fit, chosen.rate, at_most=FEW), lambda *_: None
    run = Run(chosen, fit, fit, scaling, folder.parent / "run", 0, resume=False, report=silent)
    outputs, kept = prepare_teacher_outputs(Ensemble(made), run), {"batches": 0}
    for batch in run.sequence_stage("float", chosen.float_schedule, None, None).batches(0):
        outputs.of(batch, with_features=True)
        kept["batches"] += 1
    size = sum(path.stat().st_size for path in (folder.parent / "run" / "teachers").iterdir())
    return kept | {"MB on disk": size / 1e6}


def scaling(folder: Path, classes: int) -> dict:
    """The fit of the input's scaling, which looks at 2,000 training clips at most."""
    from mksgn_neuro.data.frames import fit_scaling

    clips = load(folder, classes)
    fit_scaling(clips, 30.0)
    return {"training clips": int(clips.train.sum())}


def read_all(folder: Path, classes: int) -> dict:
    """Every batch of an epoch, without a network: what the clips alone take."""
    import torch

    from mksgn_neuro.data.frames import fit_scaling
    from mksgn_neuro.training.batches import sequence_batches
    from mksgn_neuro.training.presets import preset

    torch.set_num_threads(1)
    clips, chosen = load(folder, classes), preset("tiny")
    fit = clips.subset(clips.train)
    batches = sequence_batches(
        fit, fit_scaling(fit, chosen.rate, at_most=FEW), chosen.sequences, chosen.augmentation, seed=0, stage="float",
        epoch=0,
    )  # fmt: skip
    return {"batches": sum(1 for _ in batches)}


def simulate(folder: Path, classes: int) -> dict:
    """Preset `tiny`, random weights, in integers on all test clips, each from rest."""
    return simulated(folder, classes, "clip")


def simulate_stream(folder: Path, classes: int) -> dict:
    """The same in one endless stream."""
    return simulated(folder, classes, "continuous")


def simulated(folder: Path, classes: int, protocol: str) -> dict:
    """A run under a protocol, and all that is said of it."""
    import torch

    from mksgn_neuro.data.frames import fit_scaling
    from mksgn_neuro.lowering import lower
    from mksgn_neuro.models.store import Model, build_student, save_model
    from mksgn_neuro.nn.stages import fold, quantize
    from mksgn_neuro.training.presets import preset
    from mksgn_neuro.workflows.load import load_networks
    from mksgn_neuro.workflows.recognise import document_of, recognise

    torch.manual_seed(0)
    clips, chosen = load(folder, classes), preset("tiny")
    student = quantize(fold(build_student(chosen.student(classes), clips.skeleton, chosen.graph_radius).eval()))
    lower(student)
    scaling, path = fit_scaling(clips, chosen.rate), folder.parent / "model.pt"
    names = clips.class_names
    save_model(
        Model(student, clips.skeleton, chosen.graph_radius, scaling, names, chosen.timing, clips.dataset, {}), path
    )
    networks = load_networks(path)
    representation, network = networks.default_representation
    test = clips.subset(~clips.train)
    begun = time.process_time()
    run = recognise(network, test, protocol)
    took = time.process_time() - begun
    document = document_of(path, representation, {protocol: run}, "paper")
    return {"test clips": document["samples"], "CPU s per clip": took / len(test)}


MEASURED: dict[str, Callable[[Path, int], dict]] = {
    "cache": cache,
    "second start": cache,
    "second start, files and names": names,
    "inspect": inspect,
    "the input's scaling": scaling,
    "one epoch's batches": read_all,
    "teachers' outputs": teachers,
    "train": train,
    "train, preset ntu": train_ntu,
    "simulate, clips": simulate,
    "simulate, one stream": simulate_stream,
}
# What takes longest is measured at the first and the last size only; at the last alone what does not depend on it, as a
# step of `ntu`, or no longer, as the scaling above 2,000 training clips.
SELDOM = ("teachers' outputs", "simulate, clips", "simulate, one stream")
AT_THE_END = ("second start, files and names", "the input's scaling", "train, preset ntu")
COMPILING = ("cache", "train", "simulate, clips")  # what numba compiles is then there for all parts
