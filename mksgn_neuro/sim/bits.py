# ruff: noqa: ANN001, ANN201 (numba finds the types of intrinsics itself)
"""Spikes as bits, for numba kernels: found, and counted a chunk of LANES neurons at a time (see `sim.vector`)."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from mksgn_neuro.sim.vector import I1, I32, I64, LANES, as_mask, splat, vector_at

HALF_LANES = LANES // 2


@intrinsic
def count_chunk(typing, masks, at, steps, degree, n, counts, reached):
    """Count the spikes of the LANES neurons from `n` on over `steps` > 0 rows, whose uint32 masks begin at `at`.

    For each set bit i of a row, counts[n + i] += 1 and degree[n + i] is added to one of the HALF_LANES elements of
    `reached` that belong to the row; int32 arrays.
    """

    def codegen(context, builder, signature, args):
        def vector(which, offset, lane, lanes):
            return vector_at(context, builder, signature.args[which], args[which], offset, lane, lanes)

        counted = ir.VectorType(I32, LANES)
        degree = builder.load(vector(3, args[4], I32, LANES), align=4)
        target = vector(5, args[4], I32, LANES)
        start, before = builder.load(target, align=4), builder.block
        loop, done = builder.append_basic_block("count"), builder.append_basic_block("count.done")
        builder.branch(loop)
        builder.position_at_end(loop)
        row, total = builder.phi(I64), builder.phi(counted)
        mask = builder.load(vector(0, builder.add(args[1], row), I32, 1), align=4)
        mask = as_mask(builder, builder.bitcast(mask, I32))
        more = builder.add(total, builder.zext(mask, counted))
        sent = builder.select(mask, degree, splat(0, LANES))
        halves = [ir.Constant(ir.VectorType(I32, HALF_LANES), list(range(i, i + HALF_LANES))) for i in (0, HALF_LANES)]
        low, high = (builder.shuffle_vector(sent, sent, half) for half in halves)
        sums = vector(6, builder.mul(row, ir.Constant(I64, HALF_LANES)), I32, HALF_LANES)
        builder.store(builder.add(builder.load(sums, align=4), builder.add(low, high)), sums, align=4)
        following = builder.add(row, ir.Constant(I64, 1))
        for phi, first, then in ((row, ir.Constant(I64, 0), following), (total, start, more)):
            phi.add_incoming(first, before)
            phi.add_incoming(then, loop)
        builder.cbranch(builder.icmp_signed("<", following, args[2]), loop, done)
        builder.position_at_end(done)
        builder.store(more, target, align=4)
        return context.get_dummy_value()

    index = types.int64
    return types.void(masks, index, index, degree, index, counts, reached), codegen


@intrinsic
def lowest_bit(typing, word):
    """Index of the lowest set bit of a non-zero uint64."""

    def codegen(context, builder, signature, args):
        return builder.cttz(args[0], ir.Constant(I1, 1))

    return types.int64(types.uint64), codegen


@intrinsic
def count_bits(typing, word):
    """Number of set bits of a uint64."""

    def codegen(context, builder, signature, args):
        return builder.ctpop(args[0])

    return types.int64(types.uint64), codegen


@njit(inline="always")
def word_at(bits, half, row):
    """64 spike bits of one row, from the 32 of `half` on."""
    return np.uint64(bits[half, row]) | (np.uint64(bits[half + 1, row]) << np.uint64(LANES))
