"""Whether a mapped network can be deployed: one rule, one function; every violation with a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.chip.mapping import Mapping
from mksgn_neuro.errors import WorkFailed
from mksgn_neuro.ir import ConvKernel, Projection, role_of

CHANNEL_STEP = 8  # suggested widths are multiples of this


@dataclass(frozen=True)
class RuleViolation:
    """A broken rule: the population (layer), the fullest of its cores that break it, value, limit and what to do."""

    rule: str
    layer: str
    core: int | None
    value: int
    limit: int
    hint: str

    def __str__(self) -> str:
        where = self.layer if self.core is None else f"{self.layer} (core {self.core})"
        return f"{where}: {self.rule.replace('_', ' ')} is {self.value}, limit {self.limit}; {self.hint}"


Rule = Callable[[Mapping, int], Iterator[RuleViolation]]


def cores(mapping: Mapping, chips: int) -> Iterator[RuleViolation]:
    limit = chips * mapping.chip["cores"]
    if len(mapping.cores) > limit:
        layer = layer_name(
            mapping, max(mapping.cores_by_population, key=lambda name: len(mapping.cores_by_population[name]))
        )
        allow = f"allow {mapping.chips} chips (--chips {mapping.chips})"
        narrower = _narrower(mapping, len(mapping.cores) - limit)
        hint = f"{narrower}, or {allow}" if narrower else allow
        yield RuleViolation("cores", layer, None, len(mapping.cores), limit, hint)


def neurons(mapping: Mapping, chips: int) -> Iterator[RuleViolation]:
    yield from _per_core(mapping, "neurons", lambda usage: usage.neurons, "split the population")


def groups(mapping: Mapping, chips: int) -> Iterator[RuleViolation]:
    yield from _per_core(mapping, "groups", lambda usage: usage.groups, "use fewer distinct decays per population")


def input_axons(mapping: Mapping, chips: int) -> Iterator[RuleViolation]:
    hint = "one neuron has more inputs than a core has axons: reduce its fan-in"
    yield from _per_core(mapping, "input_axons", lambda usage: usage.axons, hint)


def memory_words(mapping: Mapping, chips: int) -> Iterator[RuleViolation]:
    hint = "one neuron's synapses fill more than a core: reduce its fan-in or prune it"
    yield from _per_core(mapping, "memory_words", lambda usage: usage.words, hint)


def max_delay(mapping: Mapping, chips: int) -> Iterator[RuleViolation]:
    limit = mapping.chip["max_delay"]
    for q in mapping.network.projections:
        if q.delay > limit:
            hint = f"shorten the dilation or relay {q.pre} through one more population"
            yield RuleViolation("max_delay", _name(q), None, q.delay, limit, hint)


def weight_bits(mapping: Mapping, chips: int) -> Iterator[RuleViolation]:
    limit = mapping.chip["weight_bits"]
    for q in mapping.network.projections:
        needed = bits_of(q)
        if needed > limit:
            hint = "quantize coarser: Loihi drops the last bit of signed weights, keep them even"
            yield RuleViolation("weight_bits", _name(q), None, needed, limit, hint)


def payload_bits(mapping: Mapping, chips: int) -> Iterator[RuleViolation]:
    source, limit = mapping.network.source, mapping.chip["payload_bits"]
    if source.message_bits > limit:
        hint = f"{mapping.chip.name} takes no such payload: encode the input as spikes or choose another chip"
        yield RuleViolation("payload_bits", source.name, None, source.message_bits, limit, hint)


RULES: tuple[Rule, ...] = (cores, neurons, groups, input_axons, memory_words, max_delay, weight_bits, payload_bits)


def deployable(mapping: Mapping, chips: int = 1) -> list[RuleViolation]:
    """All violations of a mapping on `chips` chips; an empty list says that it can be deployed."""
    return [violation for rule in RULES for violation in rule(mapping, chips)]


def require_deployable(mapping: Mapping, chips: int = 1) -> Mapping:
    """The mapping itself; raises WorkFailed (exit 1) with every violation."""
    violations = deployable(mapping, chips)
    if violations:
        lines = "".join(f"\n  {violation}" for violation in violations)
        raise WorkFailed(f"does not fit {chips} x {mapping.chip.name}:{lines}")
    return mapping


def bits_of(q: Projection) -> int:
    """Bits that a chip needs for a projection's weights.

    Mixed signs: two's complement after the last bit, which must be 0, is dropped (lava's `optimize_weight_bits`);
    one sign only: the magnitude's bits.
    """
    values = q.weights.kernel if isinstance(q.weights, ConvKernel) else q.weights.data
    if values.size == 0:
        return 0
    low, high = int(values.min()), int(values.max())
    if low >= 0 or high <= 0:
        return max(high, -low).bit_length()
    odd = bool(np.any(values & 1))
    shifted = (low, high) if odd else (low >> 1, high >> 1)
    return 1 + max(shifted[1].bit_length(), (-1 - shifted[0]).bit_length())


def layer_name(mapping: Mapping, population: str) -> str:
    """A population's name; a layered network's level also says what lies in it: "level9 (b2.graph)"."""
    groups = mapping.network[population].groups
    inside = [group.name for group in groups if not role_of(group.role).repeats and group.name != population]
    return f"{population} ({', '.join(inside)})" if inside else population


def _per_core(mapping: Mapping, name: str, used: Callable, hint: str) -> Iterator[RuleViolation]:
    """The worst core of each population that passes a limit."""
    limit = mapping.chip[name]
    for population, indices in mapping.cores_by_population.items():
        worst = max(indices, key=lambda i: used(mapping.cores[i].usage))
        value = used(mapping.cores[worst].usage)
        if value > limit:
            yield RuleViolation(name, layer_name(mapping, population), worst, value, limit, hint)


def _narrower(mapping: Mapping, excess: int) -> str:
    """Widths that would save about `excess` cores: of the widest blocks if half of it suffices, else of all blocks.

    A graph convolution's cores grow with input times output channels. Blocks of one width are narrowed together: a
    change of width between two blocks turns the second one's shortcut into a full matrix, which costs cores.
    """
    widths, taken = _blocks(mapping)
    if not widths:
        return ""
    widest = sorted(block for block in widths if widths[block] == max(widths.values()))
    for blocks in (widest, sorted(widths)):
        exponent = 1 if len(blocks) == 1 else 0.5  # alone, a block keeps the width of its input
        kept = max(1 - excess / max(sum(taken[b] for b in blocks), 1), 0) ** exponent
        steps = sorted({(widths[b], int(widths[b] * kept) // CHANNEL_STEP * CHANNEL_STEP) for b in blocks})
        if all(2 * new >= old for old, new in steps):
            named = f"block {blocks[0]}" if len(blocks) == 1 else f"blocks {', '.join(map(str, blocks))}"
            return f"reduce channels of {named} " + ", ".join(f"from {old} to about {new}" for old, new in steps)
    return ""


def _blocks(mapping: Mapping) -> tuple[dict[int, int], dict[int, int]]:
    """Channels of each block that has a graph convolution; cores of those of its populations that fill several."""
    widths: dict[int, int] = {}
    taken: dict[int, int] = {}
    for population in mapping.network.populations:
        cores_taken = len(mapping.cores_by_population[population.name])
        for group in population.groups:
            if group.block is not None and role_of(group.role).sets_width and "channel" in group.axes:
                widths[group.block] = group.shape[group.axes.index("channel")]
        if population.block is not None and cores_taken > 1:
            taken[population.block] = taken.get(population.block, 0) + cores_taken
    return widths, {block: taken.get(block, 0) for block in widths}


def _name(q: Projection) -> str:
    return f"{q.pre} → {q.post}"
