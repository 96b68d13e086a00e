"""Our dataclasses from tables that stand in a file, each field of the type that its class declares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields as fields_of
from typing import TypeVar

import msgspec

T = TypeVar("T")


def made_of(kind: type[T], table: object) -> T:
    """`kind(**table)` with types checked and lists as tuples; raises ValueError naming the field that is wrong."""
    if not isinstance(table, Mapping):
        raise ValueError(f"no table of the fields of {kind.__name__}")
    unknown = set(table) - {field.name for field in fields_of(kind)}
    if unknown:
        raise ValueError(f"{kind.__name__} has no field {sorted(map(str, unknown))[0]!r}")
    require_finite(table)
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{kind.__name__}: {error}") from error


def require_finite(value: object) -> None:
    """Raise ValueError where a table or list holds a number that is not finite, at any depth."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            require_finite(item)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number that is not finite")
