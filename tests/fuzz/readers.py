"""Every reader of files: a sound file for it, how to change one within its container, and how it is read and used."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache as cache_of_one
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from mksgn_neuro.chip.catalog import load_chip
from mksgn_neuro.commands.stream import stream
from mksgn_neuro.data import cache
from mksgn_neuro.data.cache import Record
from mksgn_neuro.data.frames import Scaling
from mksgn_neuro.data.readers import npz, nw_ucla, one_clip
from mksgn_neuro.data.readers.ntu import text as ntu_text
from mksgn_neuro.data.readers.ntu.derived import ctr_gcn_records, pyskl_records
from mksgn_neuro.data.skeleton import from_parents
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.export.nir.reader import read_nir
from mksgn_neuro.export.nir.writer import write_nir
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.store import save
from mksgn_neuro.lowering import lower
from mksgn_neuro.models.store import Model, load_model, save_model
from mksgn_neuro.models.teacher import TeacherConfig
from mksgn_neuro.report.collect import training_of
from mksgn_neuro.report.curves import training_section
from mksgn_neuro.training import stage as stages
from mksgn_neuro.training import teachers
from mksgn_neuro.training.step import make_optimizer
from mksgn_neuro.workflows.answers import Options
from mksgn_neuro.workflows.arrays import read_input, simulate_array
from mksgn_neuro.workflows.load import load_networks
from tests.data.make import clips
from tests.data.readers.ntu.skeleton_files import skeleton_text, walk
from tests.data.readers.ntu.test_derived import content, ctr_gcn, dump
from tests.data.readers.test_nw_ucla import document, write_zip
from tests.export.layered import random_layered
from tests.fuzz import mutate
from tests.models.test_store import model
from tests.networks import conv_network, random_network

Bend = Callable[[bytes, np.random.Generator], bytes]


@dataclass(frozen=True)
class Reader:
    """`make(folder)` writes sound files and names them; `read(path)` reads one and does what a command does with it."""

    name: str
    make: Callable[[Path], list[Path]]
    bend: Bend
    read: Callable[[Path], object]


def _run(network: Network) -> None:
    simulate_array(network, np.zeros((3, network.source.size), dtype=np.int32))


def _nets(folder: Path) -> list[Path]:
    paths = [folder / "a.net", folder / "b.net"]
    write_netx(random_layered(1, convs=False), paths[0], reset_interval=9)
    write_netx(conv_network(0), paths[1], reset_interval=9)
    return paths


def _sidecars(folder: Path) -> list[Path]:
    return [write_netx(random_layered(1, convs=False), folder / "c.net", reset_interval=9).sidecar]


def _read_sidecar(path: Path) -> None:
    net = path.with_suffix("")
    mutate.write(net, (Path(os.environ["MKSGN_NEURO_FUZZ_CACHE"]) / net.name).read_bytes())
    load_networks(net)


def _irs(folder: Path) -> list[Path]:
    save(random_network(3, loops=True), folder / "a.ir.h5")
    save(conv_network(0), folder / "b.ir.h5")
    return [folder / "a.ir.h5", folder / "b.ir.h5"]


def _nirs(folder: Path) -> list[Path]:
    write_nir(random_network(5, shared_parameters=True, subthreshold_bias=True), folder / "a.nir")
    write_nir(conv_network(0), folder / "b.nir")
    return [folder / "a.nir", folder / "b.nir"]


def _npys(folder: Path) -> list[Path]:
    np.save(folder / "a.npy", np.ones((random_network(1).source.size, 9), dtype=np.int16))
    return [folder / "a.npy"]


def _read_npy(path: Path) -> None:
    read_input(random_network(1), path)


def _models(folder: Path) -> list[Path]:
    save_model(model(), folder / "a.pt")
    return [folder / "a.pt"]


def _read_model(path: Path) -> None:
    found = load_model(path)
    lower(found.student, found.task())
    found.hash()


def _streams(folder: Path) -> list[Path]:
    frames = np.random.default_rng(0).normal(size=(4, 5, 3)).round(2).tolist()
    lines = [json.dumps({"t": i / 25, "joints": frame}) for i, frame in enumerate(frames)]
    mutate.write(folder / "a.jsonl", "\n".join(lines).encode())
    _streamed()  # made once, before the processes of the cases
    return [folder / "a.jsonl"]


def _read_stream(path: Path) -> None:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    stream(_streamed(), lines, io.StringIO(), path, Options())


@cache_of_one
def _streamed() -> Network:
    found = _known_model()
    return lower(found.student, found.task())


@cache_of_one
def _known_model() -> Model:
    return model()


def _caches(folder: Path) -> list[Path]:
    os.environ["MKSGN_NEURO_CACHE"] = str(folder)
    records = [Record(f"c{i}", np.zeros((3, 2, 3), np.float32), i, bool(i % 2)) for i in range(3)]
    cache.store("key", 2, lambda done: records[done:])
    return [folder / "key" / "index.npz"]


def _read_cache(path: Path) -> None:
    os.environ["MKSGN_NEURO_CACHE"] = str(path.parent)
    positions = Path(os.environ["MKSGN_NEURO_FUZZ_CACHE"]) / "key" / "positions.f32"
    mutate.write(path.parent / "key" / "index.npz", path.read_bytes())
    mutate.write(path.parent / "key" / "positions.f32", positions.read_bytes())
    found = cache.load_stored("key", 2)
    if found is not None:
        found.positions[: int(found.lengths.sum())].sum()


def _stage(module: torch.nn.Module) -> tuple:
    stage = stages.Stage("float", 3, 0.1, 0.0, lambda _: iter(()), 1, None, None, fingerprint="f")
    return stage, module, make_optimizer(module, 0.0)


def _checkpoints(folder: Path) -> list[Path]:
    module = torch.nn.Linear(3, 2)
    stage, module, optimizer = _stage(module)
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    record = dict.fromkeys(stages.RECORDED, 0.5) | {"epoch": 0, "stage": "float"}
    best = {"accuracy": 0.5, "state": module.state_dict()}
    stages._save(folder / "a.pt", stage, module, optimizer, [record], best)
    return [folder / "a.pt"]


def _read_checkpoint(path: Path) -> None:
    stage, module, optimizer = _stage(torch.nn.Linear(3, 2))
    _, best = stages._restore(path, stage, module, optimizer)
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    module.load_state_dict(best["state"])


def _metrics(folder: Path) -> list[Path]:
    history = [{"stage": "float", "accuracy": 0.5, "validation_accuracy": 0.25, "epoch": e} for e in range(2)]
    mutate.write(folder / "a.json", json.dumps({"history": history, **_known_model().training}).encode())
    return [folder / "a.json"]


def _read_metrics(path: Path) -> None:
    folder = path.parent / "beside"
    mutate.write(folder / "metrics.json", path.read_bytes())
    training_section(SimpleNamespace(training=training_of(_known_model(), folder)))


def _clip_csv(folder: Path) -> list[Path]:
    rows = ["a_x,a_y,a_z,b_x,b_y,b_z"] + [f"{i},0.5,1,2,3,4e{i}" for i in range(4)]
    mutate.write(folder / "a.csv", "\n".join(rows).encode())
    return [folder / "a.csv"]


def _clip_json(folder: Path) -> list[Path]:
    lines = [json.dumps({"joints": {"a": [i, 0, 1], "b": [2, 3, 4]}}) for i in range(4)]
    mutate.write(folder / "a.jsonl", "\n".join(lines).encode())
    return [folder / "a.jsonl"]


def _chips(folder: Path) -> list[Path]:
    text = 'name = "mine"\nbase = "loihi1"\n[limits]\ncores = 4\nneurons = {value = 10, source = "me"}\n'
    mutate.write(folder / "a.toml", text.encode())
    return [folder / "a.toml"]


CHANNELS, TREE = (8, 8, 8), from_parents([-1, 0, 1])


def _teaching() -> SimpleNamespace:
    run = SimpleNamespace(scaling=Scaling((50.0,), 0, ("joint",)), preset=SimpleNamespace(frames=8))
    run.fit_clips = SimpleNamespace(class_names=("a", "b"), skeleton=TREE)
    run.held_out = SimpleNamespace(subjects=np.array([1]))
    return run


def _teachers(folder: Path) -> list[Path]:
    run = _teaching()
    teachers._save(teachers._build(TeacherConfig(2, CHANNELS), TREE), "joint", run, folder)
    return [folder / "joint.pt"]


def _read_teacher(path: Path) -> None:
    mutate.write(path.parent / "teachers" / "joint.pt", path.read_bytes())
    found = teachers.load_teachers(path.parent / "teachers", _teaching())
    with torch.no_grad():
        found(torch.zeros(1, 8, 1, 3, 3))


def _npzs(folder: Path) -> list[Path]:
    npz.save(clips(), folder / "a.npz")
    return [folder / "a.npz"]


def _read_npz(path: Path) -> None:
    found = npz.load(path, skip_bad=True)
    _ = found.leaked, found.held_out_split()


def _pyskl(folder: Path) -> list[Path]:
    return [dump(folder / "a.pkl", content(), 4), dump(folder / "b.pkl", content(), 2)]


def _ctr_gcn(folder: Path) -> list[Path]:
    ctr_gcn(folder / "a.npz")
    return [folder / "a.npz"]


def _ntu_text(folder: Path) -> list[Path]:
    mutate.write(folder / "S001C001P001R001A001.skeleton", skeleton_text(walk(3), 3))
    return [folder / "S001C001P001R001A001.skeleton"]


def _nw_ucla(folder: Path) -> list[Path]:
    write_zip(folder / "a.zip", {"a01_s01_e01_v01.json": document(), "a01_s01_e01_v03.json": document(seed=1)})
    return [folder / "a.zip"]


def _all(records: Callable) -> Callable[[Path], None]:
    return lambda path: list(records(path, "ntu60-xsub", 60, None)) and None


READERS = (
    Reader(".net", _nets, mutate.bent_hdf5, lambda path: _run(load_networks(path).default_representation[1])),
    Reader("sidecar", _sidecars, mutate.bent_json, _read_sidecar),
    Reader(".ir.h5", _irs, mutate.bent_hdf5, lambda path: _run(load_networks(path).default_representation[1])),
    Reader(".nir", _nirs, mutate.bent_hdf5, lambda path: _run(read_nir(path)[0])),
    Reader("--input .npy", _npys, mutate.bent_npy, _read_npy),
    Reader("stream stdin", _streams, mutate.bent_lines, _read_stream),
    Reader("cache index", _caches, mutate.bent_npz, _read_cache),
    Reader("checkpoint", _checkpoints, mutate.bent_torch, _read_checkpoint),
    Reader("metrics.json", _metrics, mutate.bent_json, _read_metrics),
    Reader("model.pt", _models, mutate.bent_torch, _read_model),
    Reader("clip CSV", _clip_csv, mutate.bent_lines, lambda path: one_clip.read(path)),
    Reader("clip JSON lines", _clip_json, mutate.bent_lines, lambda path: one_clip.read(path)),
    Reader("chip TOML", _chips, mutate.bent_lines, lambda path: load_chip(str(path))),
    Reader("teacher", _teachers, mutate.bent_torch, _read_teacher),
    Reader("generic .npz", _npzs, mutate.bent_npz, _read_npz),
    Reader("pyskl .pkl", _pyskl, mutate.bent_pickle, _all(pyskl_records)),
    Reader("CTR-GCN .npz", _ctr_gcn, mutate.bent_npz, _all(ctr_gcn_records)),
    Reader("NTU text", _ntu_text, mutate.bent_lines, lambda path: ntu_text.parse(path.read_bytes(), str(path))),
    Reader("NW-UCLA .zip", _nw_ucla, mutate.bent_zip, lambda path: nw_ucla.load(path, skip_bad=True)),
)
