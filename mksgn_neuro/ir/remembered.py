"""What was last made of a network is kept as long as the network lives: one command asks for the same thing often."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from mksgn_neuro.ir.network import Network

Rest = ParamSpec("Rest")
Made = TypeVar("Made")


def remembered(make: Callable[Concatenate[Network, Rest], Made]) -> Callable[Concatenate[Network, Rest], Made]:
    """`make` for the network and the other arguments of the call before gives the same object again, made once."""
    last: dict[str, tuple[weakref.ref, tuple, Made]] = {}

    @wraps(make)
    def made(network: Network, *rest: Rest.args, **named: Rest.kwargs) -> Made:
        known, said = last.get("made"), (rest, named)
        if known is not None and known[0]() is network and known[1] == said:
            return known[2]
        found = make(network, *rest, **named)
        last["made"] = (weakref.ref(network, lambda _: last.clear()), said, found)
        return found

    return made
