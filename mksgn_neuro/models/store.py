"""model.pt: a network with all that is needed to feed it; tensors and plain values only.

A file names the kind of its network and holds plain values, never code: the name is looked up in KINDS, or in the table
that the program gives to `load_model`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from pathlib import Path

import torch

from mksgn_neuro.data.frames import Scaling
from mksgn_neuro.data.protocols import Timing
from mksgn_neuro.data.skeleton import Skeleton, partitions
from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import atomic_write
from mksgn_neuro.gates.fields import made_of
from mksgn_neuro.gates.regular import shown
from mksgn_neuro.gates.torch_file import read_torch
from mksgn_neuro.ir import Task
from mksgn_neuro.models.student import MKSGN, StudentConfig
from mksgn_neuro.nn import SpikingNetwork

FORMAT = "mksgn-neuro-model"
VERSION = 3
LEAST_WIDTH = 4096  # up to which a number in a configuration needs no tensor that wide: decays, dilations
MOST_JOINTS = 1000


@dataclass(frozen=True)
class Model:
    """A network and its surroundings: `graph_radius`, `timing` it was trained for, notes on its training."""

    student: SpikingNetwork
    skeleton: Skeleton
    graph_radius: int
    scaling: Scaling
    class_names: tuple[str, ...]
    timing: Timing
    dataset: str
    training: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        takes = (*self.student.source.shape, self.student.source.message_bits, self.student.classes)
        body = (self.skeleton.joints, self.skeleton.coordinates)
        given = (len(self.scaling.modalities), *body, self.scaling.bits, len(self.class_names))
        if takes != given:
            parts = "modalities, joints, coordinates, input bits and classes"
            raise ValueError(f"a network of {takes} {parts} for {given}")

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
            coordinates=self.skeleton.coordinates,
            bodies=self.skeleton.bodies,
        )

    def hash(self) -> str:
        """Hash of weights and configuration, 16 hex digits."""
        digest = hashlib.blake2b(_hashed(self.student.config).encode(), digest_size=8)
        for name, tensor in sorted(self.student.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class _About:
    """What a file holds of a model beside its parts that have a class of their own."""

    graph_radius: int
    class_names: tuple[str, ...]
    dataset: str
    training: dict


IN_FILES = {"graph_radius": "hops", "branch_modalities": "hearing"}  # fields, by the names they have in files

DAMAGE = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RuntimeError, MemoryError, BadInput)
"""What plain values that are not those of a network raise where one is built of them."""

Builder = Callable[[Mapping, Skeleton, int, int], SpikingNetwork]
"""An untrained network from the fields of its `config`, the skeleton, the hops of its graph and its input bits."""


def build_student(config: StudentConfig, skeleton: Skeleton, graph_radius: int, input_bits: int = 8) -> MKSGN:
    """An untrained student on a skeleton."""
    graph = torch.from_numpy(partitions(skeleton, graph_radius))
    return MKSGN(config, graph, input_bits=input_bits, coordinates=skeleton.coordinates)


def _from_file(config: Mapping) -> dict:
    """A configuration with today's names, of a file that may have former ones."""
    own = {in_file: name for name, in_file in IN_FILES.items()}
    return {own.get(name, name): value for name, value in config.items()}


def _hashed(config: object) -> str:
    """What stands for a configuration in a model's hash, which fields that were renamed or added must not change."""
    return repr(config).replace("branch_modalities=", "hearing=").replace(", attention_blocks=()", "")


def _mk_sgn(config: Mapping, skeleton: Skeleton, graph_radius: int, input_bits: int) -> MKSGN:
    return build_student(made_of(StudentConfig, _from_file(config)), skeleton, graph_radius, input_bits)


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
            "hops": model.graph_radius,
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
    build = _builder(shown(content.get("kind", MKSGN.kind)), kinds, path)
    try:
        if content["version"] == 2:
            content = _from_version_2(content)
        skeleton, scaling = made_of(Skeleton, content["skeleton"]), made_of(Scaling, content["scaling"])
        about = made_of(_About, {field.name: content[IN_FILES.get(field.name, field.name)] for field in fields(_About)})
        require_accounted(content["config"], content["state"])
        if skeleton.joints > MOST_JOINTS:
            raise ValueError(f"{skeleton.joints} joints, limit {MOST_JOINTS}")
        student = build(content["config"], skeleton, about.graph_radius, scaling.bits)
        student.load_state_dict(content["state"])
        rest = {name: getattr(about, name) for name in ("class_names", "dataset", "training")}
        timing = made_of(Timing, content["timing"])
        return Model(student.eval(), skeleton, about.graph_radius, scaling, timing=timing, **rest)
    except DAMAGE as error:
        raise BadInput(f"damaged model ({shown(error)})", location=str(path), hint="train it again") from error


def _builder(kind: str, kinds: Mapping[str, Builder], path: Path) -> Builder:
    if kind not in kinds:
        problem = f"holds a network of kind {kind!r}, known are {', '.join(kinds)}"
        hint = f"load it where its class is known: load_model(path, {{{kind!r}: builder}})"
        raise BadInput(problem, location=str(path), hint=hint)
    return kinds[kind]


def _from_version_2(content: dict) -> dict:
    """Version 2 knew no time: networks of clips that are stretched to `frames`, whose first frame sets the origin."""
    timing = {"rate": None, "window": None, "frames": content["frames"]}
    return {**content, "scaling": {**content["scaling"], "origin": "first frame"}, "timing": timing}


def write_atomically(content: dict, path: Path) -> None:
    """torch.save to a temporary file, then a rename."""
    with atomic_write(Path(path)) as temporary, temporary.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            # torch stumbles over its own clean-up and hides why: a full disk
            raise (error.__context__ if isinstance(error.__context__, OSError) else error) from None


def read_checked(path: Path, format_name: str, version: int, *, older: tuple[int, ...] = ()) -> dict:
    """Tensors and plain values of a file of ours, never code; raises BadInput unless format and version agree."""
    hint = "give a file that mksgn-neuro train wrote"
    content = read_torch(Path(path), hint)
    if not isinstance(content, dict) or not same_value(content.get("format"), format_name):
        raise BadInput(f"not a {format_name} file", location=str(path), hint=hint)
    found = content.get("version")
    if not any(same_value(found, known) for known in (version, *older)):
        raise BadInput(f"version {shown(found)}, this program reads {version}", location=str(path), hint=hint)
    return content


def same_value(found: object, expected: object) -> bool:
    """Whether a value from a file is the plain one that is expected; a tensor in its place is not."""
    try:
        return type(found) is type(expected) and bool(found == expected)
    except (RuntimeError, ValueError):  # a tensor somewhere inside
        return False


def require_accounted(config: Mapping, state: object) -> None:
    """Raise ValueError unless `state` is named finite tensors that can be a network of that width.

    A network is built before its tensors are compared with it: a few words of a file must not make gigabytes.
    """
    if not isinstance(state, dict) or not all(isinstance(t, torch.Tensor) for t in state.values()):
        raise ValueError("its state is no table of tensors")
    for name, tensor in state.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise ValueError(f"{name} has values that are not finite")
    widest = max((max(tensor.shape, default=1) for tensor in state.values()), default=1)
    for name, value in config.items():
        for n in _integers(value):
            if abs(n) > max(widest, LEAST_WIDTH):
                raise ValueError(f"{name} {n}, its widest tensor has {widest}")
    channels = list(_integers(config.get("channels", ())))
    weights, held = sum(a * b for a, b in pairwise(channels)), sum(t.numel() for t in state.values())
    if weights > held * max(1, len(_from_file(config).get("branch_modalities", ()))):
        raise ValueError(f"{weights} weights at least, its tensors hold {held} numbers")


def _integers(value: object) -> Iterator[int]:
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from _integers(item)
    elif isinstance(value, int):
        yield value
