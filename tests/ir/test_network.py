import h5py
import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings

from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import ConvKernel, Network, Population, Projection, Source
from mksgn_neuro.ir.compare import first_difference
from mksgn_neuro.ir.store import load, save
from tests.networks import conv_network, random_network, seeds


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_saved_network_loads_unchanged(tmp_path_factory, seed):
    path = tmp_path_factory.mktemp("ir") / "n.ir.h5"
    for network in (random_network(seed, loops=True), conv_network(seed)):
        save(network, path)
        assert first_difference(network, load(path)) is None


def test_load_refuses_other_files_and_versions(tmp_path):
    (tmp_path / "text").write_text("no")
    with pytest.raises(BadInput, match="HDF5"):
        load(tmp_path / "text")
    save(random_network(0), tmp_path / "n")
    with h5py.File(tmp_path / "n", "a") as file:
        file.attrs["version"] = 99
    with pytest.raises(BadInput, match="version 99"):
        load(tmp_path / "n")


@pytest.mark.parametrize(("name", "message"), [("version", "IR version"), ("format", "holds no mksgn-neuro network")])
def test_load_refuses_an_array_where_the_format_or_version_should_be(tmp_path, name, message):
    save(random_network(0), tmp_path / "n")
    with h5py.File(tmp_path / "n", "a") as file:
        file.attrs[name] = [1, 2]
    with pytest.raises(BadInput, match=message):
        load(tmp_path / "n")


def test_arrays_are_read_only():
    network = random_network(3)
    with pytest.raises(ValueError):
        network.projections[0].weights.data[0] = 1
    with pytest.raises(ValueError):
        network.populations[0].bias[...] = 1


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_unrolled_kernel_equals_torch_convolution(seed):
    rng = np.random.default_rng(seed)
    for projection in conv_network(seed).projections[:2]:
        conv = projection.weights
        assert isinstance(conv, ConvKernel)
        x = rng.integers(-5, 6, conv.input_shape)
        expected = torch.nn.functional.conv2d(
            torch.tensor(x[None], dtype=torch.float64),
            torch.tensor(conv.kernel, dtype=torch.float64),
            stride=conv.stride,
            padding=conv.padding,
            dilation=conv.dilation,
            groups=conv.groups,
        )
        assert np.array_equal(projection.matrix @ x.ravel(), expected.numpy().ravel())


def test_levels_flush_and_names():
    def population(name):
        return Population.of(name, "graph", (2, 3), vth=10, v_decay=0, axes=("joint", "channel"), block=1)

    eye = 2 * np.eye(6, dtype=int)
    network = Network(
        Source("input", (6,)),
        (population("a"), population("b"), population("c")),
        (
            Projection("input", "a", eye),
            Projection("a", "b", eye, delay=3),
            Projection("b", "c", eye, delay=2),
            Projection("a", "c", eye),
        ),
        readout="c",
    )
    assert network.level == {"input": 0, "a": 1, "b": 2, "c": 3}
    assert network.drain_steps == 5
    assert network.describe("b", 4) == "block 1, graph, joint 1, channel 1"


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_order_takes_the_first_name_of_those_that_all_their_inputs_precede(seed):
    network = random_network(seed, loops=bool(seed % 2))
    feeders = {p.name: {q.pre for q in network.incoming[p.name]} - {p.name} for p in network.populations}
    done, expected = {network.source.name}, []
    while len(expected) < len(feeders):
        expected.append(min(name for name in feeders if name not in done and feeders[name] <= done))
        done.add(expected[-1])
    assert [p.name for p in network.order] == expected and network.cycle == ()
    by_networkx = list(nx.lexicographical_topological_sort(nx.DiGraph(network.graph)))
    assert by_networkx == [network.source.name, *expected]


def test_a_cycle_is_told_in_the_direction_of_its_projections():
    network = random_network(0)
    forward = next(q for q in network.projections if q.pre in network.by_name and q.pre != q.post)
    back = Projection(forward.post, forward.pre, np.zeros((network[forward.pre].size, network[forward.post].size)))
    looped = network.with_(projections=(*network.projections, back))
    cycle, pairs = looped.cycle, {(q.pre, q.post) for q in looped.projections}
    assert len(cycle) > 1 and all(pair in pairs for pair in zip(cycle, (*cycle[1:], cycle[0])))
