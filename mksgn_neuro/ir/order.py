"""In which order the parts of a network can be computed: what feeds what, self-loops left out."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

Edges = Iterable[tuple[str, str]]  # from, to


def ordered(names: Iterable[str], edges: Edges) -> list[str]:
    """Each name after all that feed it, ties broken by name so that every run agrees; raises CycleError."""
    sorter, found, ready = _sorter(names, edges), [], []
    sorter.prepare()
    while sorter:
        ready = sorted([*ready, *sorter.get_ready()])
        found.append(ready.pop(0))
        sorter.done(found[-1])
    return found


def cycle(names: Iterable[str], edges: Edges) -> tuple[str, ...]:
    """Names that feed each other in a circle, each the next, the last the first; none where none does."""
    try:
        _sorter(names, edges).prepare()
    except CycleError as error:
        return tuple(error.args[1][:-1])
    return ()


def _sorter(names: Iterable[str], edges: Edges) -> TopologicalSorter:
    sorter = TopologicalSorter(dict.fromkeys(names, ()))
    for pre, post in edges:
        if pre != post:
            sorter.add(post, pre)
    return sorter
