import json
from dataclasses import replace

import nir
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings

from mksgn_neuro.errors import BadInput, Unsupported
from mksgn_neuro.export.nir.reader import from_nir, read_nir
from mksgn_neuro.export.nir.writer import DT, METADATA, to_nir, write_nir
from mksgn_neuro.ir import ConvKernel, Network, Population, Projection, Source
from mksgn_neuro.ir.compare import first_difference
from mksgn_neuro.ir.spec import check
from mksgn_neuro.processes.memory import NotEnoughMemory
from mksgn_neuro.sim.reference import run
from tests.export.layered import random_layered
from tests.networks import conv_network, random_inputs, random_network, seeds


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_networks_of_every_kind_come_back_unchanged(tmp_path_factory, seed):
    transmission_delay = seed % 2
    kinds = (
        random_network(seed, loops=True, transmission_delay=transmission_delay, message_bits=4),
        conv_network(seed),
        random_layered(seed),
    )
    for network in kinds:
        if check(network) or not has_time_constants(network):
            continue
        path = tmp_path_factory.mktemp("nir") / "n.nir"
        write_nir(network, path)
        again, findings = read_nir(path)
        assert first_difference(network, again) is None
        assert all("fire" in f.problem for f in findings)  # random readouts may be silent, and that is said


def has_time_constants(network):
    return all(p.v_decay.all() for p in network.populations)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_without_our_metadata_the_network_is_the_same_on_a_grid_as_fine_or_finer(seed):
    """The nodes alone say what is computed. As anyone's graph it is read to be near NIR's equations, not the chip's."""
    network = random_network(seed, loops=True, transmission_delay=seed % 2, message_bits=4)
    assume(not check(network) and has_time_constants(network))
    graph = to_nir(network)
    graph.metadata.clear()
    again, _ = from_nir(graph, input_message_bits=4)
    assert again.transmission_delay == 0 and again.task is None
    inputs = random_inputs(seed, network, 30)
    assume(all(p.vth for p in network.populations))
    factors = {p.name: again[p.name].vth // p.vth for p in network.populations}
    assert all(again[p.name].vth == factors[p.name] * p.vth for p in network.populations)
    coarse = again.with_(
        populations=tuple(
            replace(p, vth=p.vth // factors[p.name], bias=p.bias // factors[p.name]) for p in again.order
        ),
        projections=tuple(replace(q, weights=(q.matrix / factors[q.post]).astype(np.int32)) for q in again.projections),
    )
    before, after = run(network, inputs), run(coarse, inputs)
    for name, trace in before.items():
        assert np.array_equal(trace.spikes, after[name].spikes)


def layered(weights, *, i_decay=4096, v_decay=2048, bias=0, vth=150):
    sizes = [len(w) for w in weights]
    names = ["input", *(f"p{i}" for i in range(len(weights)))]
    populations = tuple(
        Population.of(name, "layer", (n,), vth=vth, v_decay=v_decay, i_decay=i_decay, bias=bias if i == 0 else 0)
        for i, (name, n) in enumerate(zip(names[1:], sizes))
    )
    projections = tuple(Projection(a, b, w) for a, b, w in zip(names, names[1:], weights))
    return Network(
        Source("input", (weights[0].shape[1],), 0), populations, projections, names[-1], transmission_delay=0
    )


@pytest.mark.parametrize("i_decay", [4096, 2048])
def test_snntorch_computes_the_same_spikes(tmp_path, i_decay):
    """A peer's simulator on our file. Halving and multiples of 64 leave nothing to round within 11 steps."""
    importer = pytest.importorskip("snntorch.import_nir", reason="snntorch is an optional peer: pip install '.[peers]'")
    rng = np.random.default_rng(0)
    weights = [64 * rng.integers(-3, 4, shape) for shape in ((8, 5), (9, 8), (6, 9))]
    bias = 64 * rng.integers(0, 2, 8) if i_decay == 4096 else 0
    network = layered(weights, i_decay=i_decay, bias=bias)
    write_nir(network, tmp_path / "n.nir")
    peer = importer.import_from_nir(nir.read(tmp_path / "n.nir"))
    inputs = rng.integers(0, 2, (11, 200, 5))
    state, spikes = None, []
    for step in torch.tensor(inputs, dtype=torch.float32):
        out, state = peer(step, state)
        spikes.append(out.detach().numpy())
    ours = np.stack([run(network, inputs[:, i])["p2"].spikes for i in range(200)], axis=1)
    assert 0.1 < ours.mean() < 0.9
    assert np.array_equal(ours, np.stack(spikes))


def test_units_are_those_of_nirs_equations():
    graph = to_nir(layered([np.array([[64, -2]])], v_decay=1024, i_decay=512, bias=8))
    node = graph.nodes["p0"]
    assert isinstance(node, nir.CubaLIF)
    assert node.tau_mem == pytest.approx(4 * DT) and node.tau_syn == pytest.approx(8 * DT)
    assert node.r == pytest.approx(4) and node.w_in == pytest.approx(8) and node.v_leak == pytest.approx(32)
    plain = to_nir(layered([np.array([[64, -2]])], v_decay=1024, bias=8))
    assert isinstance(plain.nodes["p0"], nir.LIF) and plain.nodes["p0"].v_leak == 0
    assert plain.nodes["input_to_p0"].bias.tolist() == [8]
    assert isinstance(to_nir(layered([np.array([[64]])], v_decay=0)).nodes["p0"], nir.IF)


def test_delays_loops_and_hops_are_delay_nodes():
    base = layered([np.array([[64]]), np.array([[64]])])
    looped = base.with_(projections=(*base.projections, Projection("p1", "p1", [[20]], 3)))
    assert not any(isinstance(n, nir.Delay) for n in to_nir(base).nodes.values())
    assert to_nir(looped).nodes["p1_to_p1.delay"].delay == pytest.approx(2 * DT)
    assert to_nir(base.with_(transmission_delay=1)).nodes["input_to_p0.delay"].delay == pytest.approx(DT)


REFUSED = {
    "weight exponent -1": layered([np.array([[64]])]).with_(
        projections=(Projection("input", "p0", [[64]], weight_exp=-1),)
    ),
    "a decay of 0": layered([np.array([[64], [2]])], v_decay=np.array([0, 100])),
    "integrates without leak": layered([np.array([[64]])], v_decay=0, i_decay=2048),
    "dense projection into a convolution": conv_network(1).with_(
        projections=(
            *conv_network(1).projections,
            Projection("input", "c1", 2 * np.eye(conv_network(1)["c1"].size, conv_network(1).source.size, dtype=int)),
        )
    ),
}


@pytest.mark.parametrize("problem", REFUSED)
def test_what_nir_cannot_say_is_refused(tmp_path, problem):
    with pytest.raises(Unsupported, match=problem) as caught:
        write_nir(REFUSED[problem], tmp_path / "n.nir")
    assert caught.value.location and caught.value.hint and list(tmp_path.iterdir()) == []


def foreign(*, neuron=None, weight=((0.5, -0.25), (0.1, 0.75)), extra=(), edges=(), bias=(0.0, 0.0)):
    one = np.ones(2)
    neuron = neuron or nir.LIF(tau=0.005 * one, r=50 * one, v_leak=0 * one, v_threshold=one)
    nodes = {
        "in": nir.Input(np.array([2])),
        "w": nir.Affine(np.array(weight), np.array(bias)),
        "n": neuron,
        "out": nir.Output(np.array([2])),
        **dict(extra),
    }
    plain = [("in", "w"), ("w", "n"), ("n", "out")]
    return nir.NIRGraph(nodes, [*plain, *edges], type_check=False)


def test_foreign_floats_are_put_on_the_finest_grid_and_it_says_so():
    network, findings = from_nir(foreign(weight=((0.5, -0.25), (0.1, 0.7512)), bias=(0.0, 0.125)))
    population = network["n"]
    assert check(network) == [] and network.readout == "n" and network.source.message_bits == 0
    assert int(population.v_decay) == 82 and population.vth == int(254 / 0.7512)
    assert np.abs(network.projections[0].matrix.toarray()).max() == 254
    assert (
        np.abs(network.projections[0].matrix.toarray() / population.vth - [[0.5, -0.25], [0.1, 0.7512]]).max() < 0.005
    )
    texts = [str(f) for f in findings]
    assert any("v_decay is rounded" in t for t in texts) and any("rounded to a grid of vth 338" in t for t in texts)


def test_a_grid_without_any_rounding_is_preferred_to_the_finest():
    network, findings = from_nir(foreign(weight=((0.5, -0.25), (0.1, 0.75)), bias=(0.0, 0.125)))
    assert network["n"].vth == 320 and network.projections[0].matrix.toarray().tolist() == [[160, -80], [32, 240]]
    assert network["n"].bias.tolist() == [0, 40] and not any("grid" in str(f) for f in findings)


def test_foreign_exact_multiples_are_scaled_in_silence():
    """Odd weights beside negative ones are no synapse's, but twice them under twice the threshold are."""
    one = np.ones(2)
    neuron = nir.LIF(tau=2e-4 * one, r=2 * one, v_leak=0 * one, v_threshold=3 * one)
    network, findings = from_nir(foreign(neuron=neuron, weight=((1, -1), (1, 1))))
    assert not any("rounded" in str(f) for f in findings) and check(network) == []
    assert network.projections[0].matrix.toarray().tolist() == [[254, -254], [254, 254]]
    assert network["n"].vth == 762


def test_thresholds_that_differ_become_one():
    neuron = nir.IF(r=np.full(2, 1e4), v_threshold=np.array([1.0, 2.0]))
    network, _ = from_nir(foreign(neuron=neuron, weight=((0.5, 0.5), (1.0, 0.5))))
    assert network.projections[0].matrix.toarray().tolist() == [[252, 252], [252, 126]]


def test_foreign_delays_split_by_step_and_a_loop_takes_one():
    extra = {"d": nir.Delay(np.array([0.0, 3e-4])), "rec": nir.Linear(np.full((2, 2), 0.5))}
    graph = foreign(extra=extra.items(), edges=[("n", "rec"), ("rec", "n")])
    graph.edges = [("in", "d"), ("d", "w"), *graph.edges[1:]]
    network, _ = from_nir(graph)
    assert [(q.pre, q.delay, q.matrix.nnz) for q in network.projections] == [("in", 0, 2), ("in", 3, 2), ("n", 1, 4)]


def output_of(node):
    graph = foreign(extra=[("last", node)], edges=[("n", "last"), ("last", "out")])
    graph.edges.remove(("n", "out"))
    return graph


BAD = {
    "LI is not supported": foreign(extra=[("x", nir.LI(*np.ones((3, 2))))]),
    "counted from v_reset": foreign(neuron=nir.IF(r=np.ones(2), v_threshold=np.ones(2), v_reset=np.full(2, 1.5))),
    "shorter than the time step": foreign(neuron=nir.LIF(*(np.full(2, 1e-5), np.ones(2), np.zeros(2), np.ones(2)))),
    "a threshold is not positive": foreign(neuron=nir.IF(r=np.ones(2), v_threshold=np.zeros(2))),
    "there are 2 nodes": foreign(extra=[("in2", nir.Input(np.array([2])))]),
    "loop without neurons": foreign(extra=[("w2", nir.Linear(np.eye(2)))], edges=[("w", "w2"), ("w2", "w")]),
    "outputs into 2 neurons": foreign(weight=((1.0, 2.0), (1.0, 2.0), (1.0, 0.0)), bias=np.zeros(3)),
    "maps": foreign(weight=((1.0,), (2.0,))),
    "names a node that is not there": foreign(edges=[("n", "m")]),
    "a Linear is the output": output_of(nir.Linear(np.eye(2))),
    "a loop over several layers": foreign(
        extra=[("m", nir.IF(r=np.full(2, 1e4), v_threshold=np.ones(2)))], edges=[("n", "m"), ("m", "w")]
    ),
}


@pytest.mark.parametrize("problem", BAD)
def test_graphs_that_the_chip_cannot_run_are_refused_by_node(problem):
    with pytest.raises(BadInput, match=problem) as caught:
        from_nir(BAD[problem], location="x.nir")
    assert str(caught.value).startswith("x.nir:") and caught.value.hint and "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_damaged_files_and_metadata_are_refused(tmp_path):
    (tmp_path / "text").write_text("no")
    with pytest.raises(BadInput, match="not a readable HDF5 file"):
        read_nir(tmp_path / "text")
    for change, problem in ((lambda a: a | {"version": 9}, "nir 9"), (lambda a: {}, "damaged"), (no_groups, "damaged")):
        graph = to_nir(layered([np.array([[64]])]))
        graph.metadata[METADATA] = json.dumps(change(json.loads(graph.metadata[METADATA])))
        with pytest.raises(BadInput, match=problem):
            from_nir(graph)
    other = to_nir(layered([np.array([[64]]), np.array([[64]])]))
    other.metadata[METADATA] = to_nir(layered([np.array([[64]])])).metadata[METADATA]
    with pytest.raises(BadInput, match="describes other neurons"):
        from_nir(other)


def no_groups(about):
    about["populations"][0].pop("name")
    return about


def test_a_changed_weight_is_read_as_it_stands(tmp_path):
    network = layered([np.array([[64, 20]])])
    graph = to_nir(network)
    graph.nodes["input_to_p0"].weight[0, 1] = -20
    nir.write(tmp_path / "n.nir", graph)
    again, _ = read_nir(tmp_path / "n.nir")
    assert first_difference(network, again) == "input → p0, delay 0"


def test_grouped_oblong_kernels_are_kept():
    kernel = ConvKernel(np.full((4, 1, 1, 2), 2), (2, 3, 3), groups=2, stride=(1, 2))
    out = Population.of("c", "layer", kernel.output_shape, vth=5, v_decay=9, axes=("channel", "y", "x"))
    network = Network(
        Source("input", (2, 3, 3), 0), (out,), (Projection("input", "c", kernel),), "c", transmission_delay=0
    )
    again, _ = from_nir(to_nir(network))
    assert first_difference(network, again) is None


def test_dense_weights_that_have_no_room_are_refused_before_they_are_made(tmp_path, monkeypatch):
    network = random_network(3)
    monkeypatch.setattr("mksgn_neuro.processes.memory.free_memory", lambda: 100)
    with pytest.raises(NotEnoughMemory, match=r"a NIR file, .* needs about .* GB of memory, 0.0 GB are free"):
        write_nir(network, tmp_path / "x.nir")
    assert not list(tmp_path.iterdir())
