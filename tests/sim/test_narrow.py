import numpy as np
import pytest

from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.sim import reference
from mksgn_neuro.sim.narrow import narrowed
from mksgn_neuro.sim.plan import build
from mksgn_neuro.sim.stepwise import StepEmulator, run_stepwise


def dense(weights):
    """One population that takes 64 binary inputs through these weights (posts, 64): a span for each tile."""
    population = Population.of("out", "readout", (len(weights),), vth=300, v_decay=1024)
    return Network(Source("input", (64,), 0), (population,), (Projection("input", "out", weights),), "out")


def weights_of(low, high, step, posts=32):
    weights = np.random.default_rng(high).integers(low, high + 1, (posts, 64))
    weights[0, :2] = low, high
    return step * weights


@pytest.mark.parametrize(
    ("low", "high", "step", "shift"),
    [(-128, 127, 1, 0), (-128, 127, 2, 1), (-60, 60, 4, 2), (0, 200, 1, -1), (-129, 127, 2, -1)],
)
def test_spans_that_fit_8_bits_after_a_shift_are_kept_exactly(low, high, step, shift):
    tables = narrowed(build(dense(weights_of(low, high, step))).tables)
    assert tables.span_shift.tolist() == [shift]
    if shift >= 0:
        assert np.array_equal(tables.narrow.astype(int) << shift, tables.weights)


def test_a_network_without_spans_stays_as_it_is():
    tables = build(dense(np.zeros((32, 64), int))).tables
    assert narrowed(tables) is tables


def test_spans_of_both_kinds_in_one_network_give_the_reference_spikes():
    mixed = np.concatenate([weights_of(-128, 127, 2, 200), weights_of(0, 255, 1, 200), weights_of(-100, 100, 4, 200)])
    parts = [Population.of(f"p{i}", "layer", (200,), vth=900, v_decay=4096 * (i % 2)) for i in range(3)]
    projections = [Projection("input", p.name, mixed[200 * i :][:200]) for i, p in enumerate(parts)]
    network = Network(Source("input", (64,), 0), tuple(parts), tuple(projections), "p2")
    assert set(narrowed(build(network).tables).span_shift) == {1, -1, 2}
    clip = (np.random.default_rng(0).random((30, 64)) < 0.3).astype(np.int32)
    found = run_stepwise(network, clip)
    for name, trace in reference.run(network, clip).items():
        assert trace.spikes.any() and np.array_equal(found[name], trace.spikes), name


def test_a_batchs_tables_stay_as_they_are():
    network = dense(weights_of(-128, 127, 2))
    StepEmulator(network)
    tables = build(network).tables
    assert not len(tables.narrow) and (tables.span_shift == -1).all()
