# ruff: noqa: ANN001, ANN201 (numba finds the types of intrinsics itself)
"""Neurons in vector instructions, for numba kernels: LANES of them at a time, as LLVM IR (see `sim.vector`)."""

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from mksgn_neuro.sim.vector import I16, I32, I64, LANES, WIDTHS, broadcast, splat, vector_at


def _decayed(builder, state, decay_factor):
    """state·keep / 4096 rounded toward zero, in 32 bits: |state| ≤ 2^23 is split at bit 12 so no product overflows."""
    negative = builder.icmp_signed("<", state, splat(0, LANES))
    size = builder.select(negative, builder.neg(state), state)
    high = builder.mul(builder.lshr(size, splat(12, LANES)), decay_factor)
    low = builder.lshr(builder.mul(builder.and_(size, splat(4095, LANES)), decay_factor), splat(12, LANES))
    kept = builder.add(high, low)
    return builder.select(negative, builder.neg(kept), kept)


def _wrapped(builder, u):
    """u modulo 2^24 into (−2^23, 2^23]; exact for any u known modulo 2^32."""
    top = splat(2**23, LANES)
    return builder.sub(top, builder.and_(builder.sub(top, u), splat(2**24 - 1, LANES)))


def _clamped(builder, v):
    for limit, beyond in ((2**23 - 1, ">"), (1 - 2**23, "<")):
        limits = splat(limit, LANES)
        v = builder.select(builder.icmp_signed(beyond, v, limits), limits, v)
    return v


def _integrate(lane: ir.Type):
    """The neuron with synaptic sums of one type and a current that may outlast its step."""

    @intrinsic
    def integrate(typing, sums, at, u, v, u_decay_factor, v_decay_factor, bias, n, threshold):
        """One time step of the LANES neurons from `n` on; their spikes as a bit mask (uint32).

        `sums` holds synaptic sums from `at` on; u, v, u_keep, v_keep and bias are int32 arrays with the neurons from
        `n` on; bias and threshold are in units of v (64 × mantissa), keeps are 4096 − decay. u is used and stored
        only with memory.
        """

        def codegen(context, builder, signature, args):
            def vector(which: int):
                return vector_at(context, builder, signature.args[which], args[which], args[7], I32, LANES)

            def load(which: int):
                return builder.load(vector(which), align=4)

            sums = vector_at(context, builder, signature.args[0], args[0], args[1], lane, LANES)
            sums = builder.load(sums, align=lane.width // 8)
            sums = builder.sext(sums, ir.VectorType(I32, LANES)) if lane.width < 32 else sums
            u = builder.add(_decayed(builder, load(2), load(4)), builder.shl(sums, splat(6, LANES)))
            u = _wrapped(builder, u)
            v = builder.add(_decayed(builder, load(3), load(5)), builder.add(u, load(6)))
            v = _clamped(builder, v)
            fired = builder.icmp_signed(">", v, broadcast(builder, args[8], LANES))
            builder.store(u, vector(2), align=4)
            builder.store(builder.select(fired, splat(0, LANES), v), vector(3), align=4)
            return builder.bitcast(fired, I32)

        index = types.int64
        return types.uint32(sums, index, u, v, u_decay_factor, v_decay_factor, bias, index, types.int32), codegen

    return integrate


integrate_wide = _integrate(I32)
integrate_sums = _integrate(I16)


def _kept(builder, v, decay_factor):
    """trunc0(v·keep / 4096) + 2048·keep for |v| < 2^23 in products of 15-bit factors, which one instruction makes.

    v = 4096·h + low with low ≥ 0, so v·keep / 4096 = h·keep + low·keep / 4096, rounded up where v is negative.
    """
    twelve, low_bits = splat(12, LANES), splat(4095, LANES)
    high = builder.and_(builder.lshr(builder.add(v, splat(2**23, LANES)), twelve), low_bits)  # h + 2048
    up = builder.and_(builder.ashr(v, splat(31, LANES)), low_bits)
    low = builder.lshr(builder.add(builder.mul(builder.and_(v, low_bits), decay_factor), up), twelve)
    return builder.add(builder.mul(high, decay_factor), low)


def _fire_for_width(chunks: int, leaks: bool):
    """The neurons of a tile `chunks` wide without memory in u, over many time steps: v stays in registers.

    Neurons that keep all of their voltage need half of the instructions: none for the leak.
    """
    width = chunks * LANES

    @intrinsic
    def fire(typing, sums, at, steps, v, v_decay_factor, bias, n, threshold, bits, bit_at, bit_stride):
        """Advance the neurons from `n` on over `steps` > 0 time steps whose synaptic sums begin at sums[at].

        Sums of a step follow those of the step before. bits[bit_at + chunk·bit_stride + step] gets the spikes. Units
        are those of `integrate`.
        """
        lane = ir.IntType(sums.dtype.bitwidth)

        def codegen(context, builder, signature, args):
            def vector(which, offset, lane, lanes):
                return vector_at(context, builder, signature.args[which], args[which], offset, lane, lanes)

            def parameters(which):
                at = (builder.add(args[6], ir.Constant(I64, chunk * LANES)) for chunk in range(chunks))
                return [vector(which, offset, I32, LANES) for offset in at]

            states = parameters(3)
            first = [builder.load(state, align=4) for state in states]
            decay_factors = [builder.and_(builder.load(k, align=4), splat(8191, LANES)) for k in parameters(4)]
            biases = [builder.load(b, align=4) for b in parameters(5)]
            if leaks:  # what `_kept` gives too much is taken off the bias, once
                excess = [builder.mul(decay_factor, splat(2048, LANES)) for decay_factor in decay_factors]
                biases = [builder.sub(bias, e) for bias, e in zip(biases, excess)]
            threshold, before = broadcast(builder, args[7], LANES), builder.block
            loop, done = builder.append_basic_block("fire"), builder.append_basic_block("fire.done")
            builder.branch(loop)
            builder.position_at_end(loop)
            step, states_now = builder.phi(I64), [builder.phi(state.type) for state in first]
            row, after = builder.add(args[1], builder.mul(step, ir.Constant(I64, width))), []
            for chunk, (v, decay_factor, bias) in enumerate(zip(states_now, decay_factors, biases)):
                u = vector(0, builder.add(row, ir.Constant(I64, chunk * LANES)), lane, LANES)
                u = builder.load(u, align=lane.width // 8)
                if lane.width < 32:  # 64 times 16 bits cannot leave 24
                    u = builder.shl(builder.sext(u, ir.VectorType(I32, LANES)), splat(6, LANES))
                else:
                    u = _wrapped(builder, builder.shl(u, splat(6, LANES)))
                kept = _kept(builder, v, decay_factor) if leaks else v
                v = _clamped(builder, builder.add(kept, builder.add(u, bias)))
                fired = builder.icmp_signed(">", v, threshold)
                out = builder.add(builder.add(args[9], step), builder.mul(args[10], ir.Constant(I64, chunk)))
                mask = vector(8, out, I32, 1)
                builder.store(builder.bitcast(builder.bitcast(fired, I32), ir.VectorType(I32, 1)), mask, align=4)
                after.append(builder.select(fired, splat(0, LANES), v))
            following = builder.add(step, ir.Constant(I64, 1))
            for phi, begin, then in ((step, ir.Constant(I64, 0), following), *zip(states_now, first, after)):
                phi.add_incoming(begin, before)
                phi.add_incoming(then, loop)
            builder.cbranch(builder.icmp_signed("<", following, args[2]), loop, done)
            builder.position_at_end(done)
            for state, v in zip(states, after):
                builder.store(v, state, align=4)
            return context.get_dummy_value()

        index = types.int64
        return types.void(sums, index, index, v, v_decay_factor, bias, index, types.int32, bits, index, index), codegen

    return fire


_fire1, _fire2, _fire3, _fire4 = (_fire_for_width(chunks, leaks=True) for chunks in WIDTHS)
_sum1, _sum2, _sum3, _sum4 = (_fire_for_width(chunks, leaks=False) for chunks in WIDTHS)


@njit(inline="always")
def fire(chunks, leaks, sums, at, steps, v, v_decay_factor, bias, n, threshold, bits, bit_at, bit_stride):
    """Neurons without memory in u, of a tile whose sums are int16 or int32; some `leaks`, or all keep their v."""
    if chunks == 4 and leaks:
        _fire4(sums, at, steps, v, v_decay_factor, bias, n, threshold, bits, bit_at, bit_stride)
    elif chunks == 4:
        _sum4(sums, at, steps, v, v_decay_factor, bias, n, threshold, bits, bit_at, bit_stride)
    elif chunks == 3 and leaks:
        _fire3(sums, at, steps, v, v_decay_factor, bias, n, threshold, bits, bit_at, bit_stride)
    elif chunks == 3:
        _sum3(sums, at, steps, v, v_decay_factor, bias, n, threshold, bits, bit_at, bit_stride)
    elif chunks == 2 and leaks:
        _fire2(sums, at, steps, v, v_decay_factor, bias, n, threshold, bits, bit_at, bit_stride)
    elif chunks == 2:
        _sum2(sums, at, steps, v, v_decay_factor, bias, n, threshold, bits, bit_at, bit_stride)
    elif leaks:
        _fire1(sums, at, steps, v, v_decay_factor, bias, n, threshold, bits, bit_at, bit_stride)
    else:
        _sum1(sums, at, steps, v, v_decay_factor, bias, n, threshold, bits, bit_at, bit_stride)


@intrinsic
def above(typing, sums, at, limit, n):
    """Which of the LANES int16 `sums` from `at` on are above their neurons' `limit` (int16, from `n` on): uint32."""

    def codegen(context, builder, signature, args):
        def load(which):
            target = vector_at(context, builder, signature.args[which], args[which], args[which + 1], I16, LANES)
            return builder.load(target, align=2)

        return builder.bitcast(builder.icmp_signed(">", load(0), load(2)), I32)

    return types.uint32(sums, types.int64, limit, types.int64), codegen
