"""model.pt: a student with all that is needed to feed it; tensors and plain values only."""

from __future__ import annotations

import hashlib
import pickle
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

FORMAT = "mksgn-neuro-model"
VERSION = 3


@dataclass(frozen=True)
class Model:
    """A student and its surroundings: `hops` of its graph, `timing` it was trained for, notes on its training."""

    student: MKSGN
    skeleton: Skeleton
    hops: int
    scaling: Scaling
    class_names: tuple[str, ...]
    timing: Timing
    dataset: str
    training: dict = field(default_factory=dict)

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


def build_student(config: StudentConfig, skeleton: Skeleton, hops: int) -> MKSGN:
    """An untrained student on a skeleton."""
    return MKSGN(config, torch.from_numpy(partitions(skeleton, hops)))


def save_model(model: Model, path: Path) -> None:
    """Write `path` in one piece."""
    write_atomically(
        {
            "format": FORMAT,
            "version": VERSION,
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


def load_model(path: Path) -> Model:
    """Read a model in eval mode, also of version 2 (no frame rate); raises BadInput for anything that is not one."""
    content = read_checked(path, FORMAT, VERSION, older=(2,))
    try:
        if content["version"] == 2:
            content = _from_version_2(content)
        config = StudentConfig(**content["config"])
        skeleton = Skeleton(**content["skeleton"])
        student = build_student(config, skeleton, content["hops"])
        student.load_state_dict(content["state"])
        rest = {name: content[name] for name in ("class_names", "dataset", "training")}
        timing = Timing(**content["timing"])
        scaling = Scaling(**content["scaling"])
    except (KeyError, TypeError, ValueError, RuntimeError, BadInput) as error:
        summary = str(error).splitlines()[0]
        raise BadInput(f"damaged model ({summary})", place=str(path), remedy="train it again") from error
    return Model(student.eval(), skeleton, content["hops"], scaling, timing=timing, **rest)


def _from_version_2(content: dict) -> dict:
    """Version 2 knew no time: networks of clips that are stretched to `frames`, whose first frame sets the origin."""
    timing = {"rate": None, "window": None, "frames": content["frames"]}
    return {**content, "scaling": {**content["scaling"], "origin": "first frame"}, "timing": timing}


def write_atomically(content: dict, path: Path) -> None:
    """torch.save to a temporary file, then a rename."""
    with in_one_piece(Path(path)) as temporary:
        torch.save(content, temporary)


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
