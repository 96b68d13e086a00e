import re
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from mksgn_neuro.chip.catalog import LOIHI1, LOIHI2
from mksgn_neuro.chip.mapping import map_network
from mksgn_neuro.chip.rules import RULES, bits_of, deployable, require_deployable
from mksgn_neuro.errors import WorkFailed
from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.lowering import as_layered
from tests.chip.sample_networks import mnist_mlp, student


def chip_with(**limits):
    changed = {name: replace(LOIHI2.limits[name], value=value) for name, value in limits.items()}
    return replace(LOIHI2, limits={**LOIHI2.limits, **changed})


def test_base_is_deployable_on_one_chip():
    assert deployable(map_network(student())) == []


def test_a_network_that_is_too_large_names_the_layer_the_limit_and_a_remedy():
    mapping = map_network(student((64,) * 4))
    limit = len(mapping.cores) - 8
    (violation,) = deployable(map_network(mapping.network, chip_with(cores=limit)))
    assert (violation.rule, violation.value, violation.limit) == ("cores", len(mapping.cores), limit)
    assert violation.layer.endswith("graph")
    assert violation.hint == "reduce channels of blocks 1, 2, 3, 4 from 64 to about 48, or allow 2 chips (--chips 2)"
    assert deployable(map_network(mapping.network, chip_with(cores=limit)), chips=2) == []


@pytest.mark.parametrize(
    ("channels", "excess", "hint"),
    [
        ((64, 64, 128, 128), 6, "reduce channels of blocks 3, 4 from 128 to about 112, or"),
        ((64, 64, 64, 96), 3, "reduce channels of block 4 from 96 to about 72, or"),
        ((64, 64, 64, 96), 12, "reduce channels of blocks 1, 2, 3, 4 from 64 to about 48, from 96 to about 72, or"),
    ],
)
def test_who_follows_the_remedies_fits_in_two_rounds(channels, excess, hint):
    chip = chip_with(cores=len(map_network(student(channels)).cores) - excess)
    said = [v.hint for v in deployable(map_network(student(channels), chip))]
    assert len(said) == 1 and said[0].startswith(hint)
    for _ in range(2):
        for violation in deployable(map_network(student(channels), chip)):
            steps = dict(re.findall(r"from (\d+) to about (\d+)", violation.hint))
            channels = tuple(int(steps.get(str(width), width)) for width in channels)
    assert deployable(map_network(student(channels), chip)) == []


def test_where_no_width_helps_only_chips_are_named():
    (violation,) = deployable(map_network(student((64, 64)), chip_with(cores=3)))
    assert violation.hint.startswith("allow ")


def test_a_network_without_blocks_is_only_told_how_many_chips():
    (violation,) = deployable(map_network(mnist_mlp(), chip_with(cores=4)))
    assert violation.hint == "allow 2 chips (--chips 2)"


@pytest.mark.parametrize(
    ("limit", "value", "layer"),
    [("memory_words", 100, "dense0"), ("input_axons", 500, "dense0"), ("max_delay", 3, "dense0 → dense1")],
)
def test_what_no_cut_can_mend_is_reported(limit, value, layer):
    network = mnist_mlp()
    delayed = tuple(replace(q, delay=4) if q.pre == "dense0" else q for q in network.projections)
    violations = deployable(map_network(network.with_(projections=delayed), chip_with(cores=1000, **{limit: value})))
    assert {v.rule for v in violations} == {limit}
    assert (violations[0].layer, violations[0].limit) == (layer, value)
    assert violations[0].value > value and violations[0].hint


def test_more_decays_than_groups_split_the_population():
    decays = np.arange(10) * 100
    post = Population.of("post", "layer", (10,), vth=9, v_decay=decays)
    q = Projection("input", "post", sp.csr_matrix(np.full((10, 2), 2)))
    mapping = map_network(Network(Source("input", (2,)), (post,), (q,), "post"))
    assert deployable(mapping) == []
    assert [core.usage.groups for core in mapping.cores] == [5, 5]


def test_loihi1_takes_no_graded_input():
    (violation,) = deployable(map_network(student((16, 16)), LOIHI1))
    assert (violation.rule, violation.layer, violation.value, violation.limit) == ("payload_bits", "input", 8, 0)


@pytest.mark.parametrize(
    ("weights", "bits"),
    [([0], 0), ([255], 8), ([256], 9), ([254, -256], 8), ([2, -2], 2), ([1, -1], 2), ([255, -1], 9), ([-255], 8)],
)
def test_weight_bits(weights, bits):
    assert bits_of(Projection("a", "b", sp.csr_matrix([weights]))) == bits


def test_wide_weights_are_reported():
    network = mnist_mlp()
    wide = tuple(replace(q, weights=q.weights * 2) if q.post == "dense2" else q for q in network.projections)
    (violation,) = deployable(map_network(network.with_(projections=wide)))
    assert (violation.rule, violation.layer, violation.value) == ("weight_bits", "dense1 → dense2", 9)


def test_require_deployable_raises_with_every_violation():
    with pytest.raises(WorkFailed) as caught:
        require_deployable(map_network(mnist_mlp(), chip_with(cores=4, max_delay=0, weight_bits=1)))
    assert caught.value.exit_code == 1
    assert "cores is 5, limit 4" in str(caught.value) and "weight bits is 8, limit 1" in str(caught.value)
    assert require_deployable(map_network(mnist_mlp())).chips == 1


def test_rules_are_named_after_limits_of_a_chip():
    assert {rule.__name__ for rule in RULES} <= set(LOIHI2.limits)


def test_a_level_of_a_chain_says_what_lies_in_it():
    layered = as_layered(student((32, 32), transmission_delay=1))
    mapping = map_network(layered, chip_with(cores=5))
    violation = deployable(mapping)[0]
    assert re.fullmatch(r"level\d+ \(b\d\.\w+(, b\d\.\w+)*\)", violation.layer)
