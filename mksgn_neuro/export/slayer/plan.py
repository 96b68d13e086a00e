"""What each SLAYER block of a layered network must hold; refuses, by name, what SLAYER cannot compute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.export.netx.loader_model import distinct
from mksgn_neuro.ir import ConvKernel, Network, Population, Projection
from mksgn_neuro.ir.spec import MAX_UNSIGNED_WEIGHT, MIXED_WEIGHT_RANGE, require_legal, synaptic_sum_bound

LOWEST_VOLTAGE = 1 - 2**23


@dataclass(frozen=True)
class Level:
    """One block: `weights` and `delays` (out, in), or a `kernel` alone; `loop` (out, out) if recurrent.

    `may_saturate`: some input could drive a voltage below 24 bits, which SLAYER does not model. `no_export`: why the
    stock netx reader would change this level's numbers, empty if it does not.
    """

    population: Population
    kernel: ConvKernel | None
    weights: sp.csr_matrix | None
    delays: sp.csr_matrix | None
    loop: sp.csr_matrix | None
    may_saturate: bool
    no_export: str

    @property
    def name(self) -> str:
        """The population's name."""
        return self.population.name

    @property
    def bias(self) -> np.ndarray:
        """One per channel of a convolution, else (N,)."""
        bias = np.broadcast_to(self.population.bias, (self.population.size,))
        return bias.reshape(len(self.kernel.kernel), -1)[:, 0] if self.kernel else bias

    @property
    def i_decay(self) -> np.ndarray:
        """(1,) if shared, else (N,)."""
        return np.atleast_1d(self.population.i_decay)

    @property
    def v_decay(self) -> np.ndarray:
        """(1,) if shared, else (N,)."""
        return np.atleast_1d(self.population.v_decay)


def plan(network: Network) -> list[Level]:
    """The levels of a layered network in order.

    Raises Unsupported for a network that is no layered network or has a level that SLAYER has no block for;
    IllegalNetwork.
    """
    require_legal(network)
    if network.transmission_delay != 1:
        raise Unsupported("a SLAYER block takes one time step, this network counts frames", hint="levelize it first")
    levels: list[Level] = []
    before, shape = network.source.name, None
    for p in network.order:
        _require_layered(network, p, before)
        level = _level(network, p, shape)
        levels.append(level)
        before, shape = p.name, level.kernel.output_shape if level.kernel else ()
    if before != network.readout:
        raise Unsupported("the readout is not the last level", location=network.readout, hint="prune what follows it")
    return levels


def _require_layered(network: Network, p: Population, before: str) -> None:
    pres = {q.pre for q in network.incoming[p.name]} - {p.name}
    if pres != {before}:
        found = ", ".join(sorted(pres)) or "nothing"
        hint = "levelize the network first (export does)"
        raise Unsupported(f"takes {found}; SLAYER's network gives it only {before}", location=p.name, hint=hint)


def _level(network: Network, p: Population, shape: tuple[int, ...] | None) -> Level:
    """`shape` is the previous block's (C, H, W), () if it is flat, None before the first block."""
    feeding = [q for q in network.incoming[p.name] if q.pre != p.name]
    loop = _loop(network, p)
    kernel = _kernel(feeding, p, shape) if loop is None else None
    weights = None if kernel else sum(_scaled(q, p) for q in feeding)
    delays = None if kernel else _delays(feeding, p)
    if loop is not None and delays.nnz:
        raise Unsupported("a recurrent SLAYER block has no synaptic delays", location=p.name, hint="relay the delays")
    values = np.unique(kernel.kernel) if kernel else distinct(weights if loop is None else sp.hstack([weights, loop]))
    return Level(p, kernel, weights, delays, loop, _may_saturate(network, p), _no_export(values))


def _kernel(feeding: list[Projection], p: Population, shape: tuple[int, ...] | None) -> ConvKernel | None:
    """A convolution stays one if it is alone, without delay, and its input comes as an image."""
    q = feeding[0]
    plain = len(feeding) == 1 and isinstance(q.weights, ConvKernel) and not q.delay and not q.weight_exp
    if not plain or (shape is not None and shape != q.weights.input_shape):
        return None
    channels = q.weights.output_shape[0]
    bias = np.broadcast_to(p.bias, (p.size,)).reshape(channels, -1)
    shared = p.i_decay.size == p.v_decay.size == 1 and np.all(bias == bias[:, :1])
    return q.weights if shared else None


def _scaled(q: Projection, p: Population) -> sp.csr_matrix:
    if q.weight_exp < 0:
        raise Unsupported("a negative weight exponent rounds sums, SLAYER cannot", location=p.name, hint="requantize")
    return q.matrix * (1 << q.weight_exp)


def _delays(feeding: list[Projection], p: Population) -> sp.csr_matrix:
    """Delay of each synapse; those without are not stored."""
    patterns = [_pattern(q) for q in feeding]
    if (twice := sum(patterns) > 1).nnz:
        post, pre = (int(i[0]) for i in twice.nonzero())
        name = next(q.pre for q, pattern in zip(feeding[::-1], patterns[::-1]) if pattern[post, pre])
        problem = f"synapse {pre} → {post} from {name} has two delays; a SLAYER weight has one"
        raise Unsupported(problem, location=p.name, hint="levelize the network first (it copies the source)")
    delays = sum(pattern * np.int8(q.delay) for q, pattern in zip(feeding, patterns))
    delays.eliminate_zeros()
    return delays


def _pattern(q: Projection) -> sp.csr_matrix:
    """1 where a synapse has a weight."""
    return (q.matrix != 0).astype(np.int8)


def _loop(network: Network, p: Population) -> sp.csr_matrix | None:
    loops = [q for q in network.incoming[p.name] if q.pre == p.name]
    if not loops:
        return None
    if len(loops) > 1 or loops[0].delay:
        hint = "relay the longer loops"
        raise Unsupported("a recurrent SLAYER block has one loop of one step", location=p.name, hint=hint)
    if np.any(p.bias) and np.any(p.i_decay != 4096):
        # SLAYER keeps the biased current between steps, so that the bias leaks into the current.
        hint = "set i_decay to 4096 or drop the bias"
        raise Unsupported(
            "a recurrent SLAYER block with bias and current memory is inexact", location=p.name, hint=hint
        )
    return _scaled(loops[0], p)


def _may_saturate(network: Network, p: Population) -> bool:
    """Upward a neuron fires first (vth·64 < 2^23); downward its voltage could fall out of 24 bits."""
    current = 64.0 * synaptic_sum_bound(network, p) * 4096 / np.maximum(p.i_decay, 1)
    drive = current + 64.0 * np.maximum(-p.bias, 0)
    return bool(np.any(drive * 4096 / np.maximum(p.v_decay, 1) > -LOWEST_VOLTAGE) or np.any(p.v_decay == 0))


def _no_export(values: np.ndarray) -> str:
    """A netx layer has one grid for all weights, and lava-dl 0.6.0 loses or refuses those without a positive one."""
    low, high = int(values.min()), int(values.max())
    if high <= 0:
        return "no weight of this level is positive, which the stock netx reader corrupts"
    unsigned = low >= 0 and high <= MAX_UNSIGNED_WEIGHT
    signed = low >= MIXED_WEIGHT_RANGE[0] and high <= MIXED_WEIGHT_RANGE[1] and not np.any(values & 1)
    if unsigned or signed:
        return ""
    return f"weights in [{low}, {high}] do not share one 8-bit grid (0..255, or even if signs are mixed)"
