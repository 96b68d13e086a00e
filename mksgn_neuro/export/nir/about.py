"""What a graph of ours says in its metadata, beside its nodes."""

from __future__ import annotations

from dataclasses import dataclass, field

import nir
import numpy as np

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.nir.writer import DT, FORMAT, METADATA, VERSION
from mksgn_neuro.gates.fields import made_of
from mksgn_neuro.gates.regular import shown
from mksgn_neuro.gates.text import parsed_json
from mksgn_neuro.ir import Group, Source, Task
from mksgn_neuro.ir.store import group_of

SHARED = ("i_decay", "v_decay", "bias")


@dataclass(frozen=True)
class Described:
    """What the metadata says of a population; `shared` names the fields that have one value for all neurons."""

    role: str
    shared: tuple[str, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class About:
    """The time step, and names, groups and order; the defaults are for a graph that somebody else wrote."""

    dt: float = DT
    transmission_delay: int = 0
    source: Source | None = None
    task: Task | None = None
    populations: dict[str, Described] = field(default_factory=dict)
    projections: dict[str, int] = field(default_factory=dict)


def read_about(graph: nir.NIRGraph, location: str) -> About | None:
    """None for a graph that is not ours; raises BadInput for damaged metadata."""
    if METADATA not in graph.metadata:
        return None
    hint = "export the model again with this version"
    try:
        about = parsed_json(graph.metadata[METADATA])
        if (about["format"], about["version"]) != (FORMAT, VERSION):
            raise BadInput(
                f"is {shown(about['format'])} {shown(about['version'])}", location=f"{location}:{METADATA}", hint=hint
            )
        return About(
            dt=float(about["dt"]),
            transmission_delay=int(about["hop"]),
            source=made_of(Source, about["source"]),
            task=None if about["task"] is None else made_of(Task, about["task"]),
            populations={p["name"]: _described(p) for p in about["populations"]},
            projections={q["node"]: int(q["weight_exp"]) for q in about["projections"]},
        )
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadInput(f"damaged metadata ({shown(error)})", location=f"{location}:{METADATA}", hint=hint) from error


def _described(table: dict) -> Described:
    role, shared = table["role"], tuple(table["shared"])
    if not isinstance(role, str) or not set(shared) <= set(SHARED):
        raise ValueError("a population's role or what its neurons share")
    return Described(role, shared, tuple(map(_group, table["groups"])))


def _group(table: dict) -> Group:
    index = None if table["index"] is None else np.array(table["index"], dtype=np.int64)
    return group_of(table, index)
