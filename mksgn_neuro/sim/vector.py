# ruff: noqa: ANN001, ANN201 (numba finds the types of kernels and intrinsics itself)
"""Vector instructions for numba kernels, written as LLVM IR.

numba computes on scalars and leaves vectors to the optimiser, which keeps accumulators in memory, widens every
int16 to 64 bits and has no bit masks. These few intrinsics say exactly what is meant; LLVM maps them to AVX-512,
AVX2 or NEON. `LANES` neurons make a chunk; WIDTHS are the chunk counts of a tile that accumulators exist for.
Arrays are C-contiguous; offsets are in elements of the array; nothing is checked.
"""

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

LANES = 32
WIDTHS = (1, 2, 4)

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))


def _vector_at(context, builder, array_type, array, offset, lane: ir.Type, lanes: int):
    """A pointer to `lanes` consecutive elements from `offset` on, read as `lane`."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), ir.VectorType(lane, lanes).as_pointer())


def _splat(value: int, lanes: int, lane: ir.Type = I32) -> ir.Constant:
    return ir.Constant(ir.VectorType(lane, lanes), [value] * lanes)


def _broadcast(builder, scalar, lanes: int):
    vector = ir.VectorType(scalar.type, lanes)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(I32, 0))
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), _splat(0, lanes))


def _mask_at(context, builder, array_type, array, offset, lanes: int):
    """`lanes` bits from byte `offset` of a uint8 array, as a vector of i1."""
    data = context.make_array(array_type)(context, builder, array).data
    word = builder.load(builder.bitcast(builder.gep(data, [offset]), ir.IntType(lanes).as_pointer()), align=1)
    return builder.bitcast(word, ir.VectorType(I1, lanes))


def _for_width(chunks: int):
    """The intrinsics of a tile `chunks` wide."""
    lanes = chunks * LANES

    @intrinsic
    def add_rows(typing, sums, weights, base, word):
        """sums[:] += weights[base + i·lanes:][:lanes] for each set bit i of a non-zero word, modulo 2^16."""

        def codegen(context, builder, signature, args):
            sums_type, weights_type = signature.args[:2]
            zero = ir.Constant(I64, 0)
            target = _vector_at(context, builder, sums_type, args[0], zero, I16, lanes)
            start, before = builder.load(target, align=2), builder.block
            loop, done = builder.append_basic_block("rows"), builder.append_basic_block("rows.done")
            builder.branch(loop)
            builder.position_at_end(loop)
            word, total = builder.phi(I64), builder.phi(start.type)
            bit = builder.cttz(word, ir.Constant(I1, 1))
            offset = builder.add(args[2], builder.mul(bit, ir.Constant(I64, lanes)))
            row = builder.load(_vector_at(context, builder, weights_type, args[1], offset, I16, lanes), align=2)
            more = builder.add(total, row)
            rest = builder.and_(word, builder.sub(word, ir.Constant(I64, 1)))
            for phi, first, then in ((word, args[3], rest), (total, start, more)):
                phi.add_incoming(first, before)
                phi.add_incoming(then, loop)
            builder.cbranch(builder.icmp_unsigned("==", rest, zero), done, loop)
            builder.position_at_end(done)
            builder.store(more, target, align=2)
            return context.get_dummy_value()

        return types.void(sums, weights, types.int64, types.uint64), codegen

    @intrinsic
    def add_masked(typing, sums, weights, base, bits, byte):
        """sums[i] += weights[base + i] where bit i of `bits` from `byte` on is set, modulo 2^16."""

        def codegen(context, builder, signature, args):
            sums_type, weights_type, _, bits_type, _ = signature.args
            target = _vector_at(context, builder, sums_type, args[0], ir.Constant(I64, 0), I16, lanes)
            row = builder.load(_vector_at(context, builder, weights_type, args[1], args[2], I16, lanes), align=2)
            mask = _mask_at(context, builder, bits_type, args[3], args[4], lanes)
            row = builder.select(mask, row, _splat(0, lanes, I16))
            builder.store(builder.add(builder.load(target, align=2), row), target, align=2)
            return context.get_dummy_value()

        return types.void(sums, weights, types.int64, bits, types.int64), codegen

    @intrinsic
    def add_scaled(typing, totals, weights, base, factor):
        """totals[:] += factor · weights[base:][:lanes], in 32 bits."""

        def codegen(context, builder, signature, args):
            totals_type, weights_type = signature.args[:2]
            target = _vector_at(context, builder, totals_type, args[0], ir.Constant(I64, 0), I32, lanes)
            row = builder.load(_vector_at(context, builder, weights_type, args[1], args[2], I16, lanes), align=2)
            product = builder.mul(builder.sext(row, ir.VectorType(I32, lanes)), _broadcast(builder, args[3], lanes))
            builder.store(builder.add(builder.load(target, align=4), product), target, align=4)
            return context.get_dummy_value()

        return types.void(totals, weights, types.int64, types.int32), codegen

    @intrinsic
    def widen(typing, sums, totals):
        """totals[:] += sums[:]; sums[:] = 0."""

        def codegen(context, builder, signature, args):
            zero = ir.Constant(I64, 0)
            source = _vector_at(context, builder, signature.args[0], args[0], zero, I16, lanes)
            target = _vector_at(context, builder, signature.args[1], args[1], zero, I32, lanes)
            wide = builder.sext(builder.load(source, align=2), ir.VectorType(I32, lanes))
            builder.store(builder.add(builder.load(target, align=4), wide), target, align=4)
            builder.store(_splat(0, lanes, I16), source, align=2)
            return context.get_dummy_value()

        return types.void(sums, totals), codegen

    return add_rows, add_masked, add_scaled, widen


_rows1, _masked1, _scaled1, _widen1 = _for_width(1)
_rows2, _masked2, _scaled2, _widen2 = _for_width(2)
_rows4, _masked4, _scaled4, _widen4 = _for_width(4)


@njit(inline="always")
def add_rows(chunks, sums, weights, base, word):
    """Event-driven: add the weight row of every set bit of a non-zero `word` to the int16 `sums`."""
    if chunks == 4:
        _rows4(sums, weights, base, word)
    elif chunks == 2:
        _rows2(sums, weights, base, word)
    else:
        _rows1(sums, weights, base, word)


@njit(inline="always")
def add_masked(chunks, sums, weights, base, bits, byte):
    """One synapse per neuron: add the weights whose spike bit is set to the int16 `sums`."""
    if chunks == 4:
        _masked4(sums, weights, base, bits, byte)
    elif chunks == 2:
        _masked2(sums, weights, base, bits, byte)
    else:
        _masked1(sums, weights, base, bits, byte)


@njit(inline="always")
def add_scaled(chunks, totals, weights, base, factor):
    """Graded input: add a weight row times a payload to the int32 `totals`."""
    if chunks == 4:
        _scaled4(totals, weights, base, factor)
    elif chunks == 2:
        _scaled2(totals, weights, base, factor)
    else:
        _scaled1(totals, weights, base, factor)


@njit(inline="always")
def widen(chunks, sums, totals):
    """Move the int16 `sums` into the int32 `totals`."""
    if chunks == 4:
        _widen4(sums, totals)
    elif chunks == 2:
        _widen2(sums, totals)
    else:
        _widen1(sums, totals)


def _decayed(builder, state, keep):
    """state·keep / 4096 rounded toward zero, in 32 bits: |state| ≤ 2^23 is split at bit 12 so no product overflows."""
    negative = builder.icmp_signed("<", state, _splat(0, LANES))
    size = builder.select(negative, builder.neg(state), state)
    high = builder.mul(builder.lshr(size, _splat(12, LANES)), keep)
    low = builder.lshr(builder.mul(builder.and_(size, _splat(4095, LANES)), keep), _splat(12, LANES))
    kept = builder.add(high, low)
    return builder.select(negative, builder.neg(kept), kept)


def _wrapped(builder, u):
    """u modulo 2^24 into (−2^23, 2^23]; exact for any u known modulo 2^32."""
    top = _splat(2**23, LANES)
    return builder.sub(top, builder.and_(builder.sub(top, u), _splat(2**24 - 1, LANES)))


def _clamped(builder, v):
    for limit, beyond in ((2**23 - 1, ">"), (1 - 2**23, "<")):
        limits = _splat(limit, LANES)
        v = builder.select(builder.icmp_signed(beyond, v, limits), limits, v)
    return v


@intrinsic
def integrate(typing, totals, at, u, v, u_keep, v_keep, bias, n, threshold):
    """One time step of the LANES neurons from `n` on; their spikes as a bit mask (uint32).

    `totals` (int32, from `at`) holds synaptic sums; u, v, u_keep, v_keep and bias are int32 arrays with the neurons
    from `n` on; bias and threshold are in units of v (64 × mantissa), keeps are 4096 − decay.
    """

    def codegen(context, builder, signature, args):
        def vector(which: int, offset):
            return _vector_at(context, builder, signature.args[which], args[which], offset, I32, LANES)

        def load(which: int, offset):
            return builder.load(vector(which, offset), align=4)

        n = args[7]
        drive = builder.shl(load(0, args[1]), _splat(6, LANES))
        u = _wrapped(builder, builder.add(_decayed(builder, load(2, n), load(4, n)), drive))
        v = builder.add(_decayed(builder, load(3, n), load(5, n)), builder.add(u, load(6, n)))
        v = _clamped(builder, v)
        fired = builder.icmp_signed(">", v, _broadcast(builder, args[8], LANES))
        builder.store(u, vector(2, n), align=4)
        builder.store(builder.select(fired, _splat(0, LANES), v), vector(3, n), align=4)
        return builder.bitcast(fired, I32)

    index = types.int64
    return types.uint32(totals, index, u, v, u_keep, v_keep, bias, index, types.int32), codegen


@intrinsic
def add_where(typing, totals, at, values, n, mask):
    """totals[at + i] += values[n + i] for each set bit i of the uint32 `mask`, int32."""

    def codegen(context, builder, signature, args):
        target = _vector_at(context, builder, signature.args[0], args[0], args[1], I32, LANES)
        addend = builder.load(_vector_at(context, builder, signature.args[2], args[2], args[3], I32, LANES), align=4)
        chosen = builder.select(builder.bitcast(args[4], ir.VectorType(I1, LANES)), addend, _splat(0, LANES))
        builder.store(builder.add(builder.load(target, align=4), chosen), target, align=4)
        return context.get_dummy_value()

    return types.void(totals, types.int64, values, types.int64, types.uint32), codegen


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
