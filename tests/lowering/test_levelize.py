"""Relays on levels with any threshold."""

import numpy as np
import pytest
import scipy.sparse as sp

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.ir import Network, Population, Projection
from mksgn_neuro.ir.network import Source
from mksgn_neuro.lowering import as_layered
from mksgn_neuro.sim.reference import run


def with_skips(threshold: int) -> Network:
    """input → a → b → c, and skips input → b, a → c; b has the threshold, and relays beside it."""
    rng = np.random.default_rng(threshold)

    def of(name, vth, **fields):
        return Population.of(name, "layer", (6,), vth=vth, v_decay=400, **fields)

    def joined(pre, post, size):
        return Projection(pre, post, sp.csr_matrix(2 * rng.integers(-20, 100, (6, size)).astype(np.int32)))

    bias = rng.integers(0, min(threshold // 8, 500), 6)  # so that b fires whatever its threshold
    populations = (of("a", 100), of("b", threshold, i_decay=3000, bias=bias), of("c", 90))
    edges = [("input", "a", 4), ("a", "b", 6), ("input", "b", 4), ("b", "c", 6), ("a", "c", 6), ("input", "c", 4)]
    return Network(
        Source("input", (4,), 0), populations, tuple(joined(*e) for e in edges), readout="c", transmission_delay=0
    )


@pytest.mark.parametrize("threshold", [100, 252, 253, 254, 880, 1245, 4346, 4347])
def test_a_relay_repeats_its_spikes_beside_neurons_of_any_threshold(threshold):
    network = with_skips(threshold)
    inputs = (np.random.default_rng(0).random((200, 4)) < 0.4).astype(np.int64)
    expected, layered = run(network, inputs), as_layered(network)
    found = run(layered, inputs, reset_interval=256)
    compared = [(level, group, start) for level in layered.populations for group, start in _starts(level)]
    assert sum(group.role == "relay" for _, group, _ in compared) == 3  # input twice, and a beside b
    for level, group, start in compared:
        spikes = inputs if group.name == "input" else expected[group.name].spikes
        late = layered.level[level.name]
        assert spikes.any()
        np.testing.assert_array_equal(
            found[level.name].spikes[late : len(inputs), start : start + group.size], spikes[: len(inputs) - late]
        )


def _starts(level: Population):
    ends = np.cumsum([group.size for group in level.groups])
    return [(group, int(end) - group.size) for group, end in zip(level.groups, ends)]


def test_a_threshold_that_no_relay_reaches_is_refused_with_what_is_relayed_and_the_limit():
    with pytest.raises(Unsupported, match=r"threshold 4348 .* spike of input, a .*; bring thresholds below 4348"):
        as_layered(with_skips(4348))
