import numpy as np
import pytest

from benchmarks.peers import events, network, run, sizes
from benchmarks.peers.adapters import numpy_loop, ours_clip, ours_step
from mksgn_neuro.sim.engine import Emulator


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    file = tmp_path_factory.mktemp("peers") / "network.npz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "SIZES", (20, 40, 40, 10))
        patch.setattr(network, "STEPS", 60)
        patch.setattr(network, "CLIPS", 8)
        network.make(file)
    with np.load(file) as opened:
        return dict(opened)


def test_a_loop_that_knows_nothing_of_us_gives_our_spikes(given):
    expected = ours_clip.build(given)()[0]
    assert 0.02 < expected.mean() < 0.1
    assert run.compared(ours_step.build(given)()[0], expected) == "equal"
    assert run.compared(numpy_loop.build(given)()[0], expected) == "equal, 1 step earlier"


def test_spikes_that_differ_are_said_to_differ():
    expected = (np.random.default_rng(0).random((60, 8)) < 0.2).astype(np.uint8)
    other = expected.copy()
    other[30, 1] ^= 1
    assert run.compared(expected, expected) == "equal"
    assert run.compared(other, expected).startswith("differ")
    assert run.compared(np.zeros_like(expected), np.zeros_like(expected)).startswith("differ")


def test_a_peer_without_its_environment_is_named_and_not_run(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "ENVIRONMENTS", tmp_path)
    peer = run.Peer("somebody", "numpy_loop", "nobody")
    assert run.start(peer, tmp_path / "n.npz", tmp_path).startswith("not run: no environment")


def test_a_peer_without_its_environment_counts_nothing_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(events, "ENVIRONMENTS", tmp_path)
    for _, environment, adapter, _ in events.PEERS:
        assert events.theirs(environment, adapter, tmp_path / "n.npz").startswith("not run: no environment")


def test_what_is_counted_is_every_spike_times_its_weights_that_are_not_0(given, monkeypatch):
    """As NeuroBench counts; dense are all weights at every step."""
    monkeypatch.setattr(events, "STEPS", 60)
    counted, weights = events.ours(given), [given[f"w{k}"] for k in range(3)]
    mlp = network.as_network(given)
    found = Emulator(mlp, threads=1).run(given["inputs"][:1], record="all").spikes
    sent = [given["inputs"][0], *(found[p.name][0] for p in mlp.order)]
    acs = sum(int(x.sum(axis=0) @ (w != 0).sum(axis=0)) for x, w in zip(sent, weights))
    assert counted["acs"] == acs > 0 and counted["macs"] == 0
    assert counted["dense with zeros"] == 61 * sum(w.size for w in weights)


def test_a_peer_that_fails_is_named_with_its_reason(tmp_path):
    said = run.start(run.Peer("somebody", "no_such_adapter"), tmp_path / "n.npz", tmp_path)
    assert said.startswith("failed: FileNotFoundError")


def test_networks_of_every_size_have_so_many_neurons_and_synapses_and_fire(tmp_path):
    assert [sum(sizes.sizes_of(n)[1:-1]) for n in sizes.NEURONS] == list(sizes.NEURONS)
    network.make(tmp_path / "n.npz", sizes.sizes_of(1000), 40, 10)
    with np.load(tmp_path / "n.npz") as opened:
        given = dict(opened)
    assert max((given[f"w{k}"] != 0).sum(axis=1).max() for k in range(len(given["vth"]))) == 10
    expected = ours_step.build(given)()[0]
    assert 0.01 < expected.mean() < 0.1
    assert run.compared(numpy_loop.build(given)()[0], expected) == "equal, 1 step earlier"


def test_a_size_without_a_peers_environment_is_still_a_row(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(sizes, "ROUNDS", 1)
    cells = sizes.row(100, tmp_path).split(" | ")
    assert "spikes equal" in cells[3] and "not run: no environment" in cells[4]
