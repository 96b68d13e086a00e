# ruff: noqa: ANN001, ANN201 (numba finds the types of kernels and intrinsics itself)
"""Vector instructions for numba kernels, written as LLVM IR.

numba computes on scalars and leaves vectors to the optimiser, which keeps accumulators in memory, widens every
int16 to 64 bits and has no bit masks. These few intrinsics say exactly what is meant; LLVM maps them to AVX-512,
AVX2 or NEON. `LANES` neurons make a chunk; WIDTHS are the chunk counts of a tile that accumulators exist for.
Arrays are C-contiguous; offsets are in elements of the array; nothing is checked. `BUILT_OF` in kernels says why.
"""

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

LANES = 32
WIDTHS = (1, 2, 3, 4)
UNROLL = 4

I1, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 16, 32, 64))


def vector_at(context, builder, array_type, array, offset, lane: ir.Type, lanes: int):
    """A pointer to `lanes` consecutive elements from `offset` on, read as `lane`."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), ir.VectorType(lane, lanes).as_pointer())


def splat(value: int, lanes: int, lane: ir.Type = I32) -> ir.Constant:
    """A vector of one value."""
    return ir.Constant(ir.VectorType(lane, lanes), [value] * lanes)


def broadcast(builder, scalar, lanes: int):
    vector = ir.VectorType(scalar.type, lanes)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(I32, 0))
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), splat(0, lanes))


def as_mask(builder, word):
    """The bits of a uint32 as a vector of i1."""
    return builder.bitcast(word, ir.VectorType(I1, LANES))


def _for_width(chunks: int):
    """The intrinsics of a tile `chunks` wide; `at` is where the tile's sums of one time step begin."""
    lanes = chunks * LANES

    @intrinsic
    def add_rows(typing, sums, at, weights, base, word, last, shift):
        """sums[at:][:lanes] += weights[base + i·lanes:][:lanes] for each set bit i of a non-zero word, modulo 2^16.

        Bits are taken UNROLL at a time, which the branch predictor likes; row `last`, zeros, stands for bits that are
        not there. Weights of 8 bits stand for their multiples by 2^shift.
        """
        lane = ir.IntType(weights.dtype.bitwidth)

        def codegen(context, builder, signature, args):
            def parts(which, start, lane):
                at = [builder.add(start, ir.Constant(I64, chunk * LANES)) for chunk in range(chunks)]
                return [vector_at(context, builder, signature.args[which], args[which], i, lane, LANES) for i in at]

            def widened(part):
                row = builder.load(part, align=lane.width // 8)
                return row if lane == I16 else builder.sext(row, ir.VectorType(I16, LANES))

            targets = parts(0, args[1], I16)
            held, before = [builder.load(target, align=2) for target in targets], builder.block
            starts = held if lane == I16 else [splat(0, LANES, I16)] * chunks
            loop, done = builder.append_basic_block("rows"), builder.append_basic_block("rows.done")
            builder.branch(loop)
            builder.position_at_end(loop)
            word, totals = builder.phi(I64), [builder.phi(start.type) for start in starts]
            rest, more = word, totals
            for _ in range(UNROLL):
                bit = builder.cttz(rest, ir.Constant(I1, 0))
                bit = builder.select(builder.icmp_unsigned("<", bit, args[5]), bit, args[5])
                row = parts(2, builder.add(args[3], builder.mul(bit, ir.Constant(I64, lanes))), lane)
                more = [builder.add(total, widened(part)) for total, part in zip(more, row)]
                rest = builder.and_(rest, builder.sub(rest, ir.Constant(I64, 1)))
            for phi, first, then in ((word, args[4], rest), *zip(totals, starts, more)):
                phi.add_incoming(first, before)
                phi.add_incoming(then, loop)
            builder.cbranch(builder.icmp_unsigned("==", rest, ir.Constant(I64, 0)), done, loop)
            builder.position_at_end(done)
            if lane != I16:
                shift = broadcast(builder, builder.trunc(args[6], I16), LANES)
                more = [builder.add(start, builder.shl(total, shift)) for start, total in zip(held, more)]
            for total, target in zip(more, targets):
                builder.store(total, target, align=2)
            return context.get_dummy_value()

        index = types.int64
        return types.void(sums, index, weights, index, types.uint64, index, index), codegen

    return add_rows


_rows1, _rows2, _rows3, _rows4 = (_for_width(chunks) for chunks in WIDTHS)


@njit(inline="always")
def add_rows(chunks, sums, at, weights, base, word, last, shift):
    """Event-driven: add the weight row of every set bit of a non-zero `word` to the int16 `sums`."""
    if chunks == 4:
        _rows4(sums, at, weights, base, word, last, shift)
    elif chunks == 3:
        _rows3(sums, at, weights, base, word, last, shift)
    elif chunks == 2:
        _rows2(sums, at, weights, base, word, last, shift)
    else:
        _rows1(sums, at, weights, base, word, last, shift)


@intrinsic
def add_masked(typing, sums, at, weights, base, mask):
    """sums[at + i] += weights[base + i] for each set bit i of the uint32 `mask`, modulo 2^16."""

    def codegen(context, builder, signature, args):
        target = vector_at(context, builder, signature.args[0], args[0], args[1], I16, LANES)
        row = builder.load(vector_at(context, builder, signature.args[2], args[2], args[3], I16, LANES), align=2)
        row = builder.select(as_mask(builder, args[4]), row, splat(0, LANES, I16))
        builder.store(builder.add(builder.load(target, align=2), row), target, align=2)
        return context.get_dummy_value()

    return types.void(sums, types.int64, weights, types.int64, types.uint32), codegen


@intrinsic
def add_scaled(typing, totals, at, weights, base, factor):
    """totals[at:][:LANES] += factor · weights[base:][:LANES], in 32 bits."""

    def codegen(context, builder, signature, args):
        target = vector_at(context, builder, signature.args[0], args[0], args[1], I32, LANES)
        row = builder.load(vector_at(context, builder, signature.args[2], args[2], args[3], I16, LANES), align=2)
        factor = broadcast(builder, args[4], LANES)
        product = builder.mul(builder.sext(row, factor.type), factor)
        builder.store(builder.add(builder.load(target, align=4), product), target, align=4)
        return context.get_dummy_value()

    return types.void(totals, types.int64, weights, types.int64, types.int32), codegen
