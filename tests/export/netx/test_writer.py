import hashlib
import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import assume, given, settings

from mksgn_neuro.errors import BadInput, Unsupported
from mksgn_neuro.export.netx.metadata import metadata_in
from mksgn_neuro.export.netx.reader import read_netx
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.ir import ConvKernel, Network, Population, Projection, Source
from mksgn_neuro.ir.compare import first_difference
from mksgn_neuro.ir.spec import IllegalNetwork, check
from mksgn_neuro.lowering.pad_for_netx import pad_for_netx
from mksgn_neuro.sim.reference import run
from tests.export.layered import TASK, random_layered
from tests.networks import conv_network, random_inputs, random_network, seeds


def two_levels(first, second, *, delay=0, **changes):
    """A layered network of two dense levels with the given weights."""
    first, second = np.array(first), np.array(second)
    populations = (
        Population.of("level1", "layer", (len(first),), vth=60, v_decay=2458),
        Population.of("level2", "layer", (len(second),), vth=60, v_decay=2458),
    )
    projections = (Projection("input", "level1", first), Projection("level1", "level2", second, delay))
    network = Network(Source("input", (first.shape[1],), 4), populations, projections, "level2")
    return network.with_(**changes)


@settings(max_examples=200, deadline=None)
@given(seeds)
def test_random_chains_come_back_unchanged(tmp_path_factory, seed):
    network = random_layered(seed, message_bits=int(seed % 9))
    assume(not check(network) and any(q.matrix.max() > 0 for q in network.projections))
    try:
        network = pad_for_netx(network)
    except Unsupported as refusal:
        assume("silent neuron" not in str(refusal) and "prune" not in str(refusal))
        raise
    files = write_netx(network, tmp_path_factory.mktemp("netx") / "n.net", reset_interval=16)
    again, findings = read_netx(files.net)
    assert first_difference(network, again) is None
    assert findings == []


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_fit_changes_no_spike(seed):
    network = random_layered(seed, convs=False)
    assume(not check(network))
    try:
        fitted = pad_for_netx(network)
    except Unsupported:
        assume(False)
    inputs = random_inputs(seed, network, 25)
    before, after = run(network, inputs, reset_interval=9), run(fitted, inputs, reset_interval=9)
    for population in network.populations:
        spikes = after[population.name].spikes
        assert np.array_equal(before[population.name].spikes, spikes[:, : population.size])
        assert not spikes[:, population.size :].any()


@pytest.mark.parametrize("bad", [[[0, 0]], [[-64, -2]], [[-256, 0]]])
def test_level_that_the_loader_changes_is_refused_and_fit_mends_it(tmp_path, bad):
    for network in (two_levels([[20, -20], [40, 2]], bad), two_levels(bad, [[80]])):
        with pytest.raises(Unsupported, match=r"pad_for_netx\.fit"):
            write_netx(network, tmp_path / "n.net", reset_interval=8)
        assert list(tmp_path.iterdir()) == []
        write_netx(pad_for_netx(network), tmp_path / "n.net", reset_interval=8)
        for file in tmp_path.iterdir():
            file.unlink()


def test_a_healthy_network_is_left_alone():
    network = two_levels([[20, -20]], [[80]])
    assert pad_for_netx(network) is network


GOOD = two_levels([[20, -20], [2, 4]], [[80, 60]])
REFUSED = {
    "does not come from the level before": GOOD.with_(
        projections=(*GOOD.projections, Projection("input", "level2", [[2, 2]]))
    ),
    "zero-delay": GOOD.with_(transmission_delay=0),
    "two delays": GOOD.with_(projections=(*GOOD.projections, Projection("level1", "level2", [[2, 0]], 3))),
    "a loop with a delay": GOOD.with_(projections=(*GOOD.projections, Projection("level2", "level2", [[2]], 1))),
    "delays beside a loop": two_levels([[2]], [[4]], delay=2).with_(
        projections=(
            Projection("input", "level1", [[2]]),
            Projection("level1", "level2", [[4]], 2),
            Projection("level2", "level2", [[2]]),
        )
    ),
    "weight exponent 2": GOOD.with_(
        projections=(GOOD.projections[0], Projection("level1", "level2", [[8, 2]], weight_exp=2))
    ),
    "is the readout": GOOD.with_(readout="level1"),
    "requantize": GOOD.with_(
        projections=(
            GOOD.projections[0],
            Projection("level1", "level2", [[255, 0]]),
            Projection("level1", "level2", [[0, -20]], 1),
        )
    ),
    "gets nothing": GOOD.with_(projections=GOOD.projections[:1]),
}


@pytest.mark.parametrize("problem", REFUSED)
def test_what_netx_cannot_hold_is_refused_with_place_and_remedy(tmp_path, problem):
    with pytest.raises(Unsupported, match=problem) as caught:
        write_netx(REFUSED[problem], tmp_path / "n.net", reset_interval=8)
    assert caught.value.location and caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_dag_is_told_to_levelize(tmp_path):
    dag = next(
        n
        for n in (random_network(s, populations=6, subthreshold_bias=True, message_bits=2) for s in range(99))
        if skips(n)
    )
    with pytest.raises(Unsupported, match="levelize it first"):
        write_netx(dag, tmp_path / "n.net", reset_interval=8)


def skips(network):
    return not check(network) and any(network.level[q.post] - network.level[q.pre] > 1 for q in network.projections)


def test_illegal_network_and_period_are_refused(tmp_path):
    with pytest.raises(IllegalNetwork):
        write_netx(two_levels([[-3, 4]], [[2]]), tmp_path / "n.net", reset_interval=8)
    with pytest.raises(BadInput, match="n.net: reset interval is 0.*None for no resets"):
        write_netx(GOOD, tmp_path / "n.net", reset_interval=0)


def test_convolution_that_netx_cannot_place_is_refused(tmp_path):
    kernel = ConvKernel(np.full((1, 1, 1, 1), 2), (1, 1, 2))
    with pytest.raises(Unsupported, match="not shaped by the level before"):
        write_netx(GOOD.with_(projections=(GOOD.projections[0], conv_to(kernel))), tmp_path / "n.net", reset_interval=8)
    delayed = conv_network(0)
    delayed = delayed.with_(
        projections=(
            Projection("input", "c0", delayed.projections[0].weights, 1),
            *delayed.projections[1:],
        )
    )
    with pytest.raises(Unsupported, match="loader ignores"):
        write_netx(delayed, tmp_path / "n.net", reset_interval=8)
    far = ConvKernel(np.full((1, 1, 1, 1), 2), (1, 1, 2), padding=(0, 128))
    wide = Population.of("level1", "layer", far.output_shape, vth=9, v_decay=0)
    alone = Network(Source("input", (1, 1, 2), 0), (wide,), (Projection("input", "level1", far),), "level1")
    with pytest.raises(Unsupported, match="over 127"):
        write_netx(alone, tmp_path / "n.net", reset_interval=8)


def conv_to(kernel):
    return Projection("level1", "level2", ConvKernel(np.full((1, 1, 1, 2), 2), kernel.input_shape))


def test_sidecar_says_what_netx_cannot(tmp_path):
    network = GOOD.with_(task=TASK)
    files = write_netx(network, tmp_path / "model.net", reset_interval=12)
    about = json.loads(files.sidecar.read_text())
    assert files.sidecar.name == "model.net.json"
    assert about["file"] == {"name": "model.net", "sha256": hashlib.sha256(files.net.read_bytes()).hexdigest()}
    assert about["task"]["class_names"] == ["sit", "stand"] and about["task"]["counts_per_metre"] == [100.0]
    assert about["loader"] == {
        "input_message_bits": 16,
        "reset_interval": 12,
        "reset_offset": 1,
        "sparse_fc_layer": True,
    }
    assert [level["neurons"] for level in about["levels"]] == [2, 1]
    assert about["hardware_notes"] == ["reset_interval 12 is not a power of two, as the chip's reset wants"]
    inside = json.loads(h5py.File(files.net)["mksgn_neuro/about"].asstr()[()])
    assert inside == {key: value for key, value in about.items() if key != "file"}


def test_without_a_period_the_sidecar_asks_for_no_reset_and_says_how_to_read_the_stream(tmp_path):
    task = replace(TASK, rate=30.0, window=52)
    files = write_netx(GOOD.with_(task=task), tmp_path / "model.net", reset_interval=None)
    about = json.loads(files.sidecar.read_text())
    assert about["loader"] == {"input_message_bits": 16, "sparse_fc_layer": True}
    assert about["hardware_notes"] == []
    said = {key: about[key] for key in ("reset", "steps_per_sample", "latency_steps", "rate", "window")}
    assert said == {"reset": False, "steps_per_sample": None, "latency_steps": 2, "rate": 30.0, "window": 52}
    network, findings = read_netx(files.net)
    assert first_difference(GOOD.with_(task=task), network) is None and findings == []
    assert metadata_in(files.net).reset_interval is None


def test_a_file_says_whether_it_is_reset_unless_somebody_else_wrote_it(tmp_path):
    path = write_netx(GOOD, tmp_path / "n.net", reset_interval=12).net
    assert metadata_in(path).reset_interval == 12
    with h5py.File(path, "a") as file:
        del file["mksgn_neuro"]
    assert metadata_in(path) is None
    (tmp_path / "cut.net").write_bytes(path.read_bytes()[:100])
    with pytest.raises(BadInput, match="cut.net: not a readable"):
        metadata_in(tmp_path / "cut.net")


def test_arrays_of_decays_are_noted(tmp_path):
    level1 = Population.of("level1", "layer", (2,), vth=60, v_decay=[100, 200])
    files = write_netx(GOOD.with_(populations=(level1, GOOD["level2"])), tmp_path / "n.net", reset_interval=8)
    (note,) = json.loads(files.sidecar.read_text())["hardware_notes"]
    assert note.startswith("/layer/0/neuron/vDecay: one decay per neuron")


def test_file_is_compressed_and_the_same_every_time(tmp_path):
    rng = np.random.default_rng(0)
    sparse = 2 * rng.integers(-100, 100, (600, 800)) * (rng.random((600, 800)) < 0.01)
    network = two_levels(sparse, 2 * rng.integers(-10, 20, (3, 600)))
    first = write_netx(network, tmp_path / "a.net", reset_interval=8).net.read_bytes()
    second = write_netx(network, tmp_path / "b.net", reset_interval=8).net.read_bytes()
    assert first == second
    assert len(first) < 600 * 800 // 8


def test_a_flipped_weight_is_read_as_it_stands(tmp_path):
    """What /layer says is what the chip runs, whatever /mksgn_neuro says."""
    path = write_netx(GOOD, tmp_path / "n.net", reset_interval=8).net
    with h5py.File(path, "a") as file:
        file["layer/1/weight"][0, 1] = -60
    network, _ = read_netx(path)
    assert "level1 → level2" in first_difference(GOOD, network)
    assert network.projections[1].matrix.toarray().tolist() == [[80, -60]]


def test_a_level_of_many_chunks_comes_back_unchanged(tmp_path):
    """Most of its chunks hold no synapse: neither writer nor reader packs or unpacks those."""
    rng = np.random.default_rng(0)
    first, second = np.zeros((700, 1100), int), np.zeros((700, 700), int)
    first[rng.integers(0, 700, 90), rng.integers(0, 40, 90)] = 2 * rng.integers(1, 100, 90)
    first[0, 0] = first[699, 1099] = first[300, 511] = -8
    second[np.arange(700), np.arange(700)[::-1]] = 64
    network = pad_for_netx(two_levels(first, second, delay=3))
    files = write_netx(network, tmp_path / "n.net", reset_interval=None)
    again, _ = read_netx(files.net)
    assert first_difference(network, again) is None
    with h5py.File(files.net) as file:
        assert np.array_equal(file["layer/0/weight"][()], network.projections[0].matrix.toarray())
        chunks = file["layer/0/weight"].id
        assert chunks.get_num_chunks() == 9 and len({chunks.get_chunk_info(i).size for i in range(9)}) < 6
        assert np.array_equal(file["layer/1/delay"][()], 3 * (network.projections[1].matrix.toarray() != 0))
