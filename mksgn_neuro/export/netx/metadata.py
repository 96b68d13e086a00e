"""What a netx file of ours says about itself beside /layer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.netx.layer_file import LayerFile
from mksgn_neuro.export.netx.loader_model import FORMAT, GROUP, VERSION
from mksgn_neuro.gates import hdf5
from mksgn_neuro.gates.fields import made_of
from mksgn_neuro.gates.regular import shown
from mksgn_neuro.gates.text import parsed_json
from mksgn_neuro.ir import Group, Source, Task
from mksgn_neuro.ir.store import group_of


@dataclass(frozen=True)
class AboutLevel:
    """Names for the neurons of one layer, and what HDF5 cannot keep apart."""

    name: str
    role: str
    neurons: int
    shared_bias: bool
    delays: tuple[int, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class About:
    """The whole description; empty for a file that somebody else wrote. No `reset_interval`: nothing is ever reset."""

    source: Source | None = None
    task: Task | None = None
    reset_interval: int | None = None
    levels: dict[int, AboutLevel] = field(default_factory=dict)

    @property
    def pruned(self) -> bool:
        """Whether neurons were left out."""
        return any(group.index is not None for level in self.levels.values() for group in level.groups)

    def level(self, layer: LayerFile, size: int) -> AboutLevel | None:
        """The description of a layer, None if there is none; raises BadInput if it is of another layer."""
        known = self.levels.get(layer.index)
        if self.levels and (known is None or known.neurons != size):
            raise layer.bad("", f"its {size} neurons are not those described in /{GROUP}", "export the model again")
        return known

    def delays(self, layer: LayerFile) -> tuple[int, ...]:
        """The delays that the writer's projections had, in their order."""
        return self.levels[layer.index].delays if self.levels else ()


def read_about(file: hdf5.Group, path: str) -> About | None:
    """The description in an open netx file, None if it is not one of ours."""
    if GROUP not in file:
        return None
    hint = "export the model again with this version"
    try:
        about = parsed_json(file.text(f"{GROUP}/about"))
        if (about["format"], about["version"]) != (FORMAT, VERSION):
            problem = f"is {shown(about['format'])} {shown(about['version'])}, this program reads {FORMAT} {VERSION}"
            raise BadInput(problem, location=f"{path}:/{GROUP}", hint=hint)
        return About(
            source=made_of(Source, about["input"]),
            task=None if about["task"] is None else made_of(Task, about["task"]),
            reset_interval=None if about.get("steps_per_sample") is None else int(about["steps_per_sample"]),
            levels={int(level["layer"]): _level(file.group(GROUP), level) for level in about["levels"]},
        )
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadInput(f"damaged description ({shown(error)})", location=f"{path}:/{GROUP}", hint=hint) from error


def metadata_in(path: Path) -> About | None:
    """What a netx file says of itself, None for one that is not ours; raises BadInput."""
    with hdf5.opened(path, "give a netx file that was written completely") as file:
        return read_about(file, str(path))


def _level(group: hdf5.Group, about: dict) -> AboutLevel:
    fields = {key: value for key, value in about.items() if key not in ("layer", "groups", "delays")}
    groups = tuple(_group(group, about["layer"], i, part) for i, part in enumerate(about["groups"]))
    return replace(made_of(AboutLevel, {**fields, "delays": about["delays"], "groups": ()}), groups=groups)


def _group(group: hdf5.Group, layer: int, i: int, about: dict) -> Group:
    index = None if about["index"] is None else group.array(f"index/{layer}/{i}")
    return group_of(about, index)
