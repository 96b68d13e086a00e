"""What a population is for. A role is metadata: a network may use any word; passes, chip and reports ask only this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """Properties of a role.

    `reads_out`: its neurons stand for classes, along the axis "class". `gates`: it lets other spikes through, so its
    rate says how often it is open and not how much it tells; it may fire without input. `selects`: its spikes are
    another population's, some of them left out. `repeats`: it repeats another population, later. `sets_width`: what a
    block's cores grow with are its channels. `foreign`: a layer of a network that somebody else trained, or a level of
    a layered network, whose groups say more.
    """

    reads_out: bool = False
    gates: bool = False
    selects: bool = False
    repeats: bool = False
    sets_width: bool = False
    foreign: bool = False


ROLES: dict[str, Role] = {
    "encode": Role(),
    "fuse": Role(),
    "graph": Role(sets_width=True),
    "query": Role(),
    "key": Role(),
    "coincidence": Role(selects=True),
    "gate": Role(gates=True),
    "and": Role(selects=True),
    "temporal": Role(),
    "readout": Role(reads_out=True),
    "relay": Role(repeats=True),
    "layer": Role(foreign=True),
}


def role_of(name: str) -> Role:
    """The properties of a role; those of a word that is not in the table are the defaults."""
    return ROLES.get(name, Role())
