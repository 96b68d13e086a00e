"""Dataclasses from tables: as written, or the field that is wrong."""

from dataclasses import asdict

import pytest

from mksgn_neuro.data.frames import Scaling
from mksgn_neuro.gates.fields import made_of

SCALING = Scaling((1.0, 2.0), 1, ("joint", "bone"))


def test_a_table_comes_back_as_it_was_also_with_lists():
    table = asdict(SCALING)
    assert made_of(Scaling, table) == SCALING
    assert made_of(Scaling, {k: list(v) if isinstance(v, tuple) else v for k, v in table.items()}) == SCALING


@pytest.mark.parametrize(
    "change",
    [
        {"nonsense": 1},
        {"bits": "8"},
        {"bits": 8.5},
        {"bits": True},
        {"counts_per_metre": (1.0, float("nan"))},
        {"counts_per_metre": None},
        {"modalities": "joint"},
    ],
)
def test_a_field_of_another_type_is_named(change):
    with pytest.raises(ValueError, match=r"nonsense|Expected|finite"):
        made_of(Scaling, asdict(SCALING) | change)


def test_what_is_no_table_is_refused():
    for value in (None, [], "x", 3):
        with pytest.raises(ValueError, match="no table"):
            made_of(Scaling, value)
