"""Exact comparison of two networks."""

from __future__ import annotations

import numpy as np

from mksgn_neuro.ir.network import Network, Projection
from mksgn_neuro.ir.weights import ConvKernel


def first_difference(a: Network, b: Network) -> str | None:
    """What differs first, in words; None if the networks are equal in every field and weight."""
    for name in ("source", "readout", "transmission_delay", "task"):
        if getattr(a, name) != getattr(b, name):
            return f"{name}: {getattr(a, name)} ≠ {getattr(b, name)}"
    if [p.name for p in a.populations] != [p.name for p in b.populations]:
        return "population names"
    for p, q in zip(a.populations, b.populations):
        if (p.groups, p.vth, p.role) != (q.groups, q.vth, q.role):
            return f"{p.name}: groups, vth or role"
        for name in ("i_decay", "v_decay", "bias"):
            if not np.array_equal(getattr(p, name), getattr(q, name)):
                return f"{p.name}: {name}"
        for g, h in zip(p.groups, q.groups):
            if not _equal_or_none(g.index, h.index):
                return f"{p.name}: index of {g.name}"
    if len(a.projections) != len(b.projections):
        return f"{len(a.projections)} ≠ {len(b.projections)} projections"
    for p, q in zip(a.projections, b.projections):
        if not _same_projection(p, q):
            return f"{p.pre} → {p.post}, delay {p.delay}"
    return None


def _same_projection(p: Projection, q: Projection) -> bool:
    if (p.pre, p.post, p.delay, p.weight_exp) != (q.pre, q.post, q.delay, q.weight_exp):
        return False
    if isinstance(p.weights, ConvKernel) != isinstance(q.weights, ConvKernel):
        return False
    if isinstance(p.weights, ConvKernel):
        geometry = ("input_shape", "stride", "padding", "dilation", "groups")
        same = all(getattr(p.weights, name) == getattr(q.weights, name) for name in geometry)
        return same and np.array_equal(p.weights.kernel, q.weights.kernel)
    return p.weights.shape == q.weights.shape and all(
        np.array_equal(getattr(p.weights, name), getattr(q.weights, name)) for name in ("indptr", "indices", "data")
    )


def _equal_or_none(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return (a is None) == (b is None) and (a is None or np.array_equal(a, b))
