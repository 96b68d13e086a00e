"""Pass: any balanced network becomes a layered network, which is all that netx can hold.

Level k holds every population at depth k and a relay of each value that must travel on. A value of population p at
frame t is seen at level k at step t + k, plus the group's `delay` for copies.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.ir import Group, Network, Population, Projection
from mksgn_neuro.ir.spec import BIAS_RANGE, MAX_DECAY, MIXED_WEIGHT_RANGE
from mksgn_neuro.lowering.split_delays import relay_group


@dataclass(frozen=True)
class _Slot:
    """A run of neurons of a level: a population itself or the relay of it."""

    of: str
    relay: bool
    start: int
    size: int


def levelize(network: Network) -> Network:
    """Level1 → level2 → … of a balanced network; raises Unsupported where no layered network computes it.

    One that is layered already stays as it is, with its names and its convolutions.
    """
    if _is_layered(network):
        return network.with_(populations=network.order)
    _require_relayable_source(network)
    _require_whole_weights(network)
    depth = max(network.level.values())
    slots = _layout(network, depth)
    levels = [_population(network, k, slots[k]) for k in range(1, depth + 1)]
    projections = [q for k in range(1, depth + 1) for q in _projections(network, k, slots, levels)]
    return network.with_(populations=tuple(levels), projections=tuple(projections), readout=f"level{depth}")


def _is_layered(network: Network) -> bool:
    """Whether each population takes the one before and itself alone, in whole weights, and the last is the readout."""
    before = [network.source.name, *(p.name for p in network.order)]
    inputs = [{q.pre for q in network.incoming[p.name]} - {p.name} for p in network.order]
    plain = all(q.weight_exp == 0 for q in network.projections)
    return plain and network.readout == before[-1] and all(h == {pre} for h, pre in zip(inputs, before))


def _require_whole_weights(network: Network) -> None:
    for q in network.projections:
        if q.weight_exp < 0:
            problem = f"weight exponent {q.weight_exp}: the chip rounds its sums, which no weights of a level do"
            raise Unsupported(problem, location=f"{q.pre} → {q.post}", hint="requantize on the grid of its level")


def _require_relayable_source(network: Network) -> None:
    deep = [q.post for q in network.outgoing[network.source.name] if network.level[q.post] > 1]
    if deep and network.source.message_bits:
        raise Unsupported(
            "graded input enters below the first level, and a relay carries only spikes",
            location=f"{network.source.name} → {deep[0]}",
            hint="feed graded input to populations of level 1 only",
        )
    if network.level[network.readout] != max(network.level.values()):
        raise Unsupported("the readout is not the last level", location=network.readout, hint="prune what follows it")


def _layout(network: Network, depth: int) -> list[dict[str, _Slot]]:
    """Per level, who has a place there: populations of that level, then relays of values used further on."""
    last_use = defaultdict(int)
    for q in network.projections:
        if q.pre != q.post:
            last_use[q.pre] = max(last_use[q.pre], network.level[q.post] - 1)
    own, relays = ([[] for _ in range(depth + 1)] for _ in range(2))
    for name in (network.source.name, *(p.name for p in network.order)):
        own[network.level[name]].append(name)
        for k in range(network.level[name] + 1, last_use[name] + 1):
            relays[k].append(name)
    layout: list[dict[str, _Slot]] = []
    for k in range(depth + 1):
        level, start = {}, 0
        for name in (*own[k], *relays[k]):
            level[name] = _Slot(name, network.level[name] < k, start, network.size_of(name))
            start += level[name].size
        layout.append(level)
    return layout


def _population(network: Network, k: int, slots: dict[str, _Slot]) -> Population:
    own = [network[s.of] for s in slots.values() if not s.relay]
    thresholds = {p.vth for p in own}
    if len(thresholds) > 1:
        names = ", ".join(f"{p.name} {p.vth}" for p in own)
        hint = "give populations of one level one threshold"
        raise Unsupported(f"a netx level has one threshold, here are {names}", location=f"level{k}", hint=hint)
    vth = thresholds.pop()
    if len(own) < len(slots) and _relay_bias(vth) > BIAS_RANGE[1]:
        relays = ", ".join(s.of for s in slots.values() if s.relay)
        hint = f"bring thresholds below {BIAS_RANGE[1] + MIXED_WEIGHT_RANGE[1] - 1}"
        problem = f"threshold {vth} is more than a relayed spike of {relays} can reach with a bias"
        raise Unsupported(problem, location=f"level{k}", hint=hint)
    groups: list[Group] = []
    for slot in slots.values():
        groups += [relay_group(g) for g in _groups(network, slot.of)] if slot.relay else network[slot.of].groups
    fields = {name: _joined(network, slots, name) for name in ("i_decay", "v_decay", "bias")}
    return Population(f"level{k}", tuple(groups), vth, role="layer", **fields)


def _groups(network: Network, name: str) -> tuple[Group, ...]:
    if name == network.source.name:
        return (Group(name, "relay", network.source.shape, network.source.axes),)
    return network[name].groups


def _joined(network: Network, slots: dict[str, _Slot], name: str) -> np.ndarray:
    """One field of a level's neurons: a scalar where all agree. A relay keeps no current. Without a bias it forgets its
    voltage with every spike, so that any v_decay serves it; with one it must forget it at every step.
    """
    own = next(network[s.of] for s in slots.values() if not s.relay)
    bias = _relay_bias(own.vth)
    v_decay = MAX_DECAY if bias else int(own.v_decay.flat[0])
    filler = {"bias": bias, "i_decay": MAX_DECAY, "v_decay": v_decay}[name]
    parts = [
        np.full(s.size, filler) if s.relay else np.broadcast_to(getattr(network[s.of], name), (s.size,))
        for s in slots.values()
    ]
    values = np.concatenate(parts)
    return values[0] if np.all(values == values[0]) else values


def _projections(network: Network, k: int, slots: list[dict], levels: list[Population]) -> list[Projection]:
    """Synapses into level k: each population's own, whose source or relay is one level up, and the relays' own."""
    blocks = defaultdict(list)  # (delay, loop) -> (rows, columns, weights)
    before, here = slots[k - 1], slots[k]
    relay_weight = _relay_weight(levels[k - 1].vth)
    for slot in here.values():
        if slot.relay:
            each = np.arange(slot.size)
            weights = np.full(slot.size, relay_weight, dtype=np.int32)
            blocks[0, False].append((slot.start + each, before[slot.of].start + each, weights))
            continue
        for q in network.incoming[slot.of]:
            loop = q.pre == q.post
            extra = q.delay if loop else 1 + q.delay - (k - network.level[q.pre])
            column = slot.start if loop else before[q.pre].start
            rows = slot.start + np.repeat(np.arange(slot.size), np.diff(q.matrix.indptr))
            blocks[extra, loop].append((rows, column + q.matrix.indices, q.matrix.data << q.weight_exp))
    size = levels[k - 1].size
    pre = network.source.name if k == 1 else f"level{k - 1}"
    width = network.source.size if k == 1 else levels[k - 2].size
    return [
        Projection(f"level{k}" if loop else pre, f"level{k}", _placed(parts, (size, size if loop else width)), delay)
        for (delay, loop), parts in sorted(blocks.items(), key=lambda item: (item[0][1], item[0][0]))
    ]


def _relay_drive(vth: int) -> int:
    """The least even number that fires a relay."""
    return vth + 2 - vth % 2


def _relay_weight(vth: int) -> int:
    """What a spike brings of a relay's drive: all of it, or as much as a synapse holds."""
    return min(_relay_drive(vth), MIXED_WEIGHT_RANGE[1])


def _relay_bias(vth: int) -> int:
    """The rest of it: a bias, which alone stays below the threshold."""
    return _relay_drive(vth) - _relay_weight(vth)


def _placed(parts: list, shape: tuple[int, int]) -> sp.csr_matrix:
    rows, columns, weights = (np.concatenate(arrays) for arrays in zip(*parts))
    return sp.csr_matrix((weights, (rows, columns)), shape=shape, dtype=np.int32)
