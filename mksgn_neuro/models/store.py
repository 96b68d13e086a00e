"""model.pt: a network with all that is needed to feed it; tensors and plain values only.

A file names the kind of its network and holds plain values, never code: the name is looked up in KINDS, or in the table
that the program gives to `load_model`.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from mksgn_neuro.data.frames import Scaling
from mksgn_neuro.data.protocols import Timing
from mksgn_neuro.data.skeleton import Skeleton, partitions
from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import in_one_piece
from mksgn_neuro.ir import Task
from mksgn_neuro.models.student import MKSGN, StudentConfig
from mksgn_neuro.nn import SpikingNetwork

FORMAT = "mksgn-neuro-model"
VERSION = 3


@dataclass(frozen=True)
class Model:
    """A network and its surroundings: `hops` of its graph, `timing` it was trained for, notes on its training."""

    student: SpikingNetwork
    skeleton: Skeleton
    hops: int
    scaling: Scaling
    class_names: tuple[str, ...]
    timing: Timing
    dataset: str
    training: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        modalities, joints, _ = self.student.source.shape
        hears = (modalities, joints, self.student.source.message_bits, self.student.classes)
        given = (len(self.scaling.modalities), self.skeleton.joints, self.scaling.bits, len(self.class_names))
        if hears != given:
            raise ValueError(f"a network of {hears} modalities, joints, input bits and classes for {given}")

    def task(self) -> Task:
        """What the host of the deployed network must know."""
        return Task(
            class_names=self.class_names,
            joint_names=self.skeleton.joint_names,
            parents=self.skeleton.parents,
            frames=self.timing.frames,
            modalities=self.scaling.modalities,
            counts_per_metre=self.scaling.counts_per_metre,
            centre_joint=self.scaling.centre_joint,
            dataset=self.dataset,
            model_hash=self.hash(),
            origin=self.scaling.origin,
            rate=self.timing.rate,
            window=self.timing.window,
        )

    def hash(self) -> str:
        """Hash of weights and configuration, 16 hex digits."""
        digest = hashlib.blake2b(repr(self.student.config).encode(), digest_size=8)
        for name, tensor in sorted(self.student.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


Builder = Callable[[Mapping, Skeleton, int, int], SpikingNetwork]
"""An untrained network from the fields of its `config`, the skeleton, the hops of its graph and its input bits."""


def build_student(config: StudentConfig, skeleton: Skeleton, hops: int, input_bits: int = 8) -> MKSGN:
    """An untrained student on a skeleton."""
    return MKSGN(config, torch.from_numpy(partitions(skeleton, hops)), input_bits=input_bits)


def _mk_sgn(config: Mapping, skeleton: Skeleton, hops: int, input_bits: int) -> MKSGN:
    return build_student(StudentConfig(**config), skeleton, hops, input_bits)


KINDS: Mapping[str, Builder] = {MKSGN.kind: _mk_sgn}


def save_model(model: Model, path: Path) -> None:
    """Write `path` in one piece; raises ValueError for a network whose class has no `kind`."""
    if not model.student.kind:
        raise ValueError(f"give class {type(model.student).__name__} a `kind`, the name by which files call it")
    write_atomically(
        {
            "format": FORMAT,
            "version": VERSION,
            "kind": model.student.kind,
            "config": asdict(model.student.config),
            "skeleton": asdict(model.skeleton),
            "hops": model.hops,
            "scaling": asdict(model.scaling),
            "class_names": model.class_names,
            "timing": asdict(model.timing),
            "dataset": model.dataset,
            "training": model.training,
            "state": model.student.state_dict(),
        },
        path,
    )


def load_model(path: Path, kinds: Mapping[str, Builder] = KINDS) -> Model:
    """Read a model in eval mode, also of version 2 (no frame rate); raises BadInput for anything that is not one.

    `kinds` has builders of the networks that are expected; a file cannot bring its own.
    """
    content = read_checked(path, FORMAT, VERSION, older=(2,))
    build = _builder(str(content.get("kind", MKSGN.kind)), kinds, path)
    try:
        if content["version"] == 2:
            content = _from_version_2(content)
        skeleton, scaling = Skeleton(**content["skeleton"]), Scaling(**content["scaling"])
        student = build(content["config"], skeleton, content["hops"], scaling.bits)
        student.load_state_dict(content["state"])
        rest = {name: content[name] for name in ("class_names", "dataset", "training")}
        timing = Timing(**content["timing"])
        return Model(student.eval(), skeleton, content["hops"], scaling, timing=timing, **rest)
    except (KeyError, TypeError, ValueError, RuntimeError, BadInput) as error:
        summary = str(error).splitlines()[0]
        raise BadInput(f"damaged model ({summary})", place=str(path), remedy="train it again") from error


def _builder(kind: str, kinds: Mapping[str, Builder], path: Path) -> Builder:
    if kind not in kinds:
        problem = f"holds a network of kind {kind!r}, known are {', '.join(kinds)}"
        remedy = f"load it where its class is known: load_model(path, {{{kind!r}: builder}})"
        raise BadInput(problem, place=str(path), remedy=remedy)
    return kinds[kind]


def _from_version_2(content: dict) -> dict:
    """Version 2 knew no time: networks of clips that are stretched to `frames`, whose first frame sets the origin."""
    timing = {"rate": None, "window": None, "frames": content["frames"]}
    return {**content, "scaling": {**content["scaling"], "origin": "first frame"}, "timing": timing}


def write_atomically(content: dict, path: Path) -> None:
    """torch.save to a temporary file, then a rename."""
    with in_one_piece(Path(path)) as temporary, temporary.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            # torch stumbles over its own clean-up and hides why: a full disk
            raise (error.__context__ if isinstance(error.__context__, OSError) else error) from None


def read_checked(path: Path, format_name: str, version: int, *, older: tuple[int, ...] = ()) -> dict:
    """torch.load of tensors and plain values only; raises BadInput unless format and version agree."""
    remedy = "give a file that mksgn-neuro train wrote"
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError as error:
        raise BadInput("no such file", place=str(path), remedy=remedy) from error
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError, ValueError) as error:
        raise BadInput("not a torch file of plain tensors", place=str(path), remedy=remedy) from error
    if not isinstance(content, dict) or content.get("format") != format_name:
        raise BadInput(f"not a {format_name} file", place=str(path), remedy=remedy)
    if content.get("version") not in (version, *older):
        raise BadInput(
            f"version {content.get('version')}, this program reads {version}", place=str(path), remedy=remedy
        )
    return content
