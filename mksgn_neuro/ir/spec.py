"""What a legal network is: a table of small rules, all violations reported at once.

Limits: docs/design.md#the-neuron, read off lava-nc 0.10.0 (`PyLifModelBitAcc`, `optimize_weight_bits`, `DelaySparse`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.errors import BadInput, UserError
from mksgn_neuro.gates.regular import shown
from mksgn_neuro.ir.network import Network, Population, Projection
from mksgn_neuro.ir.weights import ConvKernel
from mksgn_neuro.names import MAX_MESSAGE_BITS

MAX_VTH = 2**17 - 1
MAX_DECAY = 4096
BIAS_RANGE = (-4096, 4095)
MIXED_WEIGHT_RANGE = (-256, 254)
MAX_UNSIGNED_WEIGHT = 255
MAX_DELAY = 62
MAX_NEURONS = 2**22  # eight chips of Loihi 2's size hold fewer
MAX_KERNEL_SYNAPSES = 2**24  # of one convolution, unrolled
# An AND gate fires on coincidence only, whatever came before, iff vth/2 < w ≤ vth·v_decay/4096
# (docs/design.md#gates-and-relays).
AND_VTH, AND_WEIGHT = 128, 70
EXPONENT_RANGE = (-32, 31)
SYNAPTIC_SUM_LIMIT = 2**17  # times 64 it leaves the signed 24 bits of the compartment current


@dataclass(frozen=True)
class Violation:
    """One broken rule: where, which field, the value found, the limit and what to do."""

    rule: str
    location: str
    field: str
    value: str
    limit: str
    hint: str

    def __str__(self) -> str:
        return f"{self.location}: {self.field} is {self.value}, limit {self.limit}; {self.hint} [{self.rule}]"


class IllegalNetwork(UserError):
    """A network breaks rules of the specification; `violations` has them all."""

    exit_code = 1

    def __init__(self, violations: list[Violation]) -> None:
        self.violations = violations
        super().__init__("\n".join(str(v) for v in violations))


Rule = Callable[[Network], Iterator[Violation]]


def unique_names(network: Network) -> Iterator[Violation]:
    names = Counter([network.source.name, *(p.name for p in network.populations)])
    for name, count in names.items():
        if count > 1:
            yield Violation("unique_names", name, "name", f"used {count} times", "once", "rename one of them")


def endpoints_exist(network: Network) -> Iterator[Violation]:
    populations = {p.name for p in network.populations}
    for q in network.projections:
        if q.pre not in populations | {network.source.name}:
            yield Violation("endpoints_exist", _pair(q), "pre", q.pre, "a population or the source", "add it")
        if q.post not in populations:
            yield Violation("endpoints_exist", _pair(q), "post", q.post, "a population", "add it")
    if network.readout not in populations:
        yield Violation("endpoints_exist", "network", "readout", network.readout, "a population", "name one")


def shapes_match(network: Network) -> Iterator[Violation]:
    for p in network.populations:
        for name in ("i_decay", "v_decay", "bias"):
            shape = getattr(p, name).shape
            if shape not in ((), (p.size,)):
                yield Violation("shapes_match", p.name, name, f"shape {shape}", f"() or ({p.size},)", "reshape")
    for q in network.projections:
        expected = (network[q.post].size, network.size_of(q.pre))
        if tuple(q.weights.shape) != expected:
            yield Violation("shapes_match", _pair(q), "weights", str(q.weights.shape), str(expected), "reshape")


def acyclic(network: Network) -> Iterator[Violation]:
    if cycle := network.cycle:
        yield Violation("acyclic", " → ".join(cycle), "projections", "a cycle", "loops to itself only", "cut the cycle")


def decays_in_range(network: Network) -> Iterator[Violation]:
    for p in network.populations:
        for name in ("i_decay", "v_decay"):
            yield from _in_range("decays_in_range", p, name, 0, MAX_DECAY)


def biases_in_range(network: Network) -> Iterator[Violation]:
    for p in network.populations:
        yield from _in_range("biases_in_range", p, "bias", *BIAS_RANGE)


def thresholds_in_range(network: Network) -> Iterator[Violation]:
    for p in network.populations:
        if not 0 <= p.vth <= MAX_VTH:
            yield Violation("thresholds_in_range", p.name, "vth", str(p.vth), f"0..{MAX_VTH}", "scale weights down")


def weights_on_grid(network: Network) -> Iterator[Violation]:
    """8-bit weights: even in [−256, 254] if signs are mixed, 0..255 if none is negative (docs/design.md#the-neuron)."""
    for q in network.projections:
        values = q.weights.kernel if isinstance(q.weights, ConvKernel) else q.weights.data
        if values.size == 0:
            continue
        low, high = int(values.min()), int(values.max())
        if low >= 0:
            if high > MAX_UNSIGNED_WEIGHT:
                limit = f"0..{MAX_UNSIGNED_WEIGHT} where none is negative"
                yield Violation("weights_on_grid", _pair(q), "weight", str(high), limit, "requantize")
        elif low < MIXED_WEIGHT_RANGE[0] or high > MIXED_WEIGHT_RANGE[1] or np.any(values & 1):
            limit = f"even in {list(MIXED_WEIGHT_RANGE)}"
            yield Violation("weights_on_grid", _pair(q), "weight", f"in [{low}, {high}]", limit, "requantize")


def delays_in_range(network: Network) -> Iterator[Violation]:
    for q in network.projections:
        if not 0 <= q.delay <= MAX_DELAY:
            hint = "insert a relay population or shorten the dilation"
            yield Violation("delays_in_range", _pair(q), "delay", str(q.delay), f"0..{MAX_DELAY}", hint)


def transmission_delay_is_known(network: Network) -> Iterator[Violation]:
    if network.transmission_delay not in (0, 1):
        yield Violation(
            "transmission_delay_is_known",
            "network",
            "transmission_delay",
            str(network.transmission_delay),
            "0 (frames) or 1 (steps)",
            "balance its delays",
        )
    for q in network.projections:
        if q.pre == q.post and q.delay + network.transmission_delay < 1:
            yield Violation(
                "transmission_delay_is_known", _pair(q), "delay", "0", "1 for a loop in frames", "delay the loop"
            )


def source_is_legal(network: Network) -> Iterator[Violation]:
    bits = network.source.message_bits
    if not 0 <= bits <= MAX_MESSAGE_BITS:
        limit = f"0..{MAX_MESSAGE_BITS}"
        yield Violation("source_is_legal", network.source.name, "message_bits", str(bits), limit, "use fewer bits")


def current_cannot_wrap(network: Network) -> Iterator[Violation]:
    """|Σ W·s| < 131072 whatever the input, current kept by i_decay included."""
    for p in network.populations:
        worst = synaptic_sum_bound(network, p)
        kept = MAX_DECAY / np.maximum(np.broadcast_to(p.i_decay, (p.size,)), 1)
        bound = worst * kept
        over = np.flatnonzero(bound >= SYNAPTIC_SUM_LIMIT)
        if over.size:
            n = int(over[np.argmax(bound[over])])
            location = f"{p.name}: {network.describe(p.name, n)}"
            hint = f"{over.size} neurons can wrap: lower input bits, fan-in or weights"
            yield Violation("current_cannot_wrap", location, "|Σ W·s|", f"{bound[n]:.0f}", "131071", hint)


def synaptic_sum_bound(network: Network, population: Population) -> np.ndarray:
    """Largest |Σ W·s| that any input can cause in one step, int64 (N,)."""
    return np.maximum(*synaptic_sum_range(network, population))


def synaptic_sum_range(
    network: Network, population: Population, *, silent: Collection[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Largest Σ W·s and largest −Σ W·s that any input can cause in one step, int64 (N,) each.

    Populations named in `silent` never fire.
    """
    up = np.zeros(population.size, dtype=np.int64)
    down = np.zeros(population.size, dtype=np.int64)
    for q in network.incoming[population.name]:
        if q.pre in silent:
            continue
        scale = 2.0**q.weight_exp
        positive, negative = q.sums[0], -q.sums[1]
        if q.pre == network.source.name and network.source.message_bits:
            both = (positive + negative) * network.source.max_payload
            positive, negative = both, both
        up += np.ceil(positive * scale).astype(np.int64)
        down += np.ceil(negative * scale).astype(np.int64)
    return up, down


def sizes_are_bearable(network: Network) -> Iterator[Violation]:
    """A few words of a file can name a network that no machine holds."""
    neurons = network.source.size + sum(p.size for p in network.populations)
    if min(network.source.shape, default=1) < 1 or any(p.size < 1 for p in network.populations):
        yield Violation("sizes_are_bearable", "network", "size", "0 or less", "1 or more", "leave out what is empty")
    elif neurons > MAX_NEURONS:
        limit, hint = str(MAX_NEURONS), "split the network"
        yield Violation("sizes_are_bearable", "network", "neurons", str(neurons), limit, hint)
    for q in network.projections:
        if isinstance(q.weights, ConvKernel):
            yield from _bearable_kernel(q, q.weights)


def _bearable_kernel(q: Projection, conv: ConvKernel) -> Iterator[Violation]:
    rule, location, hint = "sizes_are_bearable", _pair(q), "write the convolution as PyTorch has it"
    pairs = (conv.stride, conv.padding, conv.dilation)
    if conv.kernel.ndim != 4 or len(conv.input_shape) != 3 or any(len(pair) != 2 for pair in pairs):
        yield Violation(rule, location, "kernel", f"{conv.kernel.shape} on {conv.input_shape}", "two axes", hint)
        return
    lowest = min(*conv.stride, *conv.dilation, conv.groups, *conv.kernel.shape, *conv.input_shape)
    if lowest < 1 or min(conv.padding) < 0 or min(conv.output_shape) < 1:
        found = f"stride {conv.stride}, padding {conv.padding}, dilation {conv.dilation}, groups {conv.groups}"
        yield Violation(rule, location, "geometry", found, "outputs of 1 or more", hint)
    elif conv.kernel.shape[0] % conv.groups or conv.kernel.shape[1] * conv.groups != conv.input_shape[0]:
        what = f"{conv.kernel.shape} in {conv.groups} groups"
        yield Violation(rule, location, "kernel", what, f"{conv.input_shape[0]} channels", hint)
    elif conv.kernel.size * math.prod(conv.output_shape[1:]) > MAX_KERNEL_SYNAPSES:
        synapses = str(conv.kernel.size * math.prod(conv.output_shape[1:]))
        yield Violation(rule, location, "synapses", synapses, str(MAX_KERNEL_SYNAPSES), "split the layer")


def exponents_in_range(network: Network) -> Iterator[Violation]:
    for q in network.projections:
        if not EXPONENT_RANGE[0] <= q.weight_exp <= EXPONENT_RANGE[1]:
            limit = f"{EXPONENT_RANGE[0]}..{EXPONENT_RANGE[1]}"
            yield Violation("exponents_in_range", _pair(q), "weight_exp", str(q.weight_exp), limit, "scale weights")


STRUCTURE: tuple[Rule, ...] = (
    sizes_are_bearable,
    exponents_in_range,
    unique_names,
    endpoints_exist,
    shapes_match,
    acyclic,
    transmission_delay_is_known,
)
VALUES: tuple[Rule, ...] = (
    decays_in_range,
    biases_in_range,
    thresholds_in_range,
    weights_on_grid,
    delays_in_range,
    source_is_legal,
    current_cannot_wrap,
)


def check(network: Network, *, but: Collection[Rule] = ()) -> list[Violation]:
    """All violations of rules, `but` some; those on values run only on a network whose structure is sound."""
    first, then = STRUCTURE[:4], STRUCTURE[4:]
    broken = [v for rule in first for v in rule(network)]
    broken = broken or [v for rule in then for v in rule(network)]
    return broken or [v for rule in VALUES if rule not in but for v in rule(network)]


def require_legal(network: Network) -> Network:
    """The network itself; raises IllegalNetwork with every violation."""
    violations = check(network)
    if violations:
        raise IllegalNetwork(violations)
    return network


def legal_from_file(network: Network, location: str, *, but: Collection[Rule] = ()) -> Network:
    """The network itself; raises BadInput, one line, where it breaks a rule, `but` some of those on values."""
    broken = check(network, but=but)
    if broken:
        more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        first = broken[0]
        problem = f"{shown(first.location)}: {first.field} is {shown(first.value)}, limit {first.limit}{more}"
        raise BadInput(problem, location=location, hint=first.hint)
    return network


def _pair(q: Projection) -> str:
    return f"{q.pre} → {q.post}" + (f" (delay {q.delay})" if q.delay else "")


def _in_range(rule: str, p: Population, name: str, low: int, high: int) -> Iterator[Violation]:
    values = getattr(p, name)
    if values.size and (values.min() < low or values.max() > high):
        worst = values.min() if values.min() < low else values.max()
        yield Violation(rule, p.name, name, str(worst), f"{low}..{high}", "bring it into the field's range")
