"""NIR files that nir itself does not read, and files that are none."""

import json

import h5py
import nir
import numpy as np
import pytest

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.nir.reader import from_nir, read_nir
from mksgn_neuro.export.nir.writer import METADATA, write_nir
from mksgn_neuro.ir.compare import first_difference
from tests.networks import random_network


def layer(n=3):
    """An affine map of 2 inputs into `n` leaky neurons."""
    rng = np.random.default_rng(0)
    full = lambda x: np.full(n, x)
    return nir.NIRGraph(
        {
            "in": nir.Input(np.array([2])),
            "w": nir.Affine(rng.integers(-4, 5, (n, 2)) / 4, np.zeros(n)),
            "n": nir.LIF(full(2e-4), full(2.0), full(0.0), full(1.0)),
            "out": nir.Output(np.array([n])),
        },
        [("in", "w"), ("w", "n"), ("n", "out")],
    )


def changed(path, node, **fields):
    """Data sets of a node in a file, replaced, or dropped if None."""
    nir.write(path, layer())
    with h5py.File(path, "a") as file:
        group = file["node"]["nodes"][node] if node else file["node"]
        for name, value in fields.items():
            del group[name]
            if value is not None:
                group[name] = value
    return path


@pytest.mark.parametrize("shape", [(), (1,)])
def test_scalar_parameters_beside_full_ones(tmp_path, shape):
    """nir.read asks for one shape and refuses these."""
    path = changed(tmp_path / "n.nir", "n", tau=np.full(shape, 2e-4), r=np.full(shape, 2.0), v_leak=np.zeros(shape))
    network, _ = read_nir(path)
    assert first_difference(network, from_nir(layer())[0]) is None


def test_a_missing_reset_is_zero_and_an_old_convolution_has_no_input_shape(tmp_path):
    network, _ = read_nir(changed(tmp_path / "n.nir", "n", v_reset=None))
    assert first_difference(network, from_nir(layer())[0]) is None
    conv = nir.Conv2d((3, 3), np.full((2, 1, 2, 2), 0.5), 1, 0, 1, 1, np.zeros(2))
    cells = nir.IF(np.ones((2, 2, 2)), np.ones((2, 2, 2)))
    nir.write(tmp_path / "c.nir", nir.NIRGraph.from_list(nir.Input(np.array([1, 3, 3])), conv, cells))
    new, _ = read_nir(tmp_path / "c.nir")
    with h5py.File(tmp_path / "c.nir", "a") as file:
        del file["node/nodes/conv2d/input_shape"]
    old, _ = read_nir(tmp_path / "c.nir")
    assert first_difference(new, old) is None


BAD = {
    "n: node of type RF is not supported": ("n", {"type": "RF"}),
    "n: the shapes of its parameters differ: ": ("n", {"tau": np.full(2, 2e-4)}),
    "n: damaged LIF": ("n", {"v_threshold": None}),
    "w: damaged Affine": ("w", {"bias": None}),
    "n.nir: damaged graph": ("", {"edges": None}),
    "n.nir: holds a node of type LIF and no graph": ("", {"type": "LIF"}),
    r"n.nir: holds a node of type \[1\. 1\.\] and no graph": ("", {"type": np.ones(2)}),
    "n.nir: damaged graph .*an edge has ends that are no names": ("", {"edges": np.zeros((2, 2, 2))}),
    "in: the input has no shape": ("in", {"shape": np.array([np.inf])}),
}


@pytest.mark.parametrize("problem", BAD)
def test_a_damaged_or_unknown_node_is_refused_by_file_and_name(tmp_path, problem):
    node, fields = BAD[problem]
    with pytest.raises(BadInput, match=problem) as caught:
        read_nir(changed(tmp_path / "n.nir", node, **fields))
    assert str(caught.value).startswith(str(tmp_path / "n.nir")) and "\n" not in str(caught.value)
    assert caught.value.hint and caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("field", "said"), [("bias", "Conv2d whose bias is no number"), ("groups", "Conv2d whose groups is no number")]
)
def test_a_convolution_with_groups_or_lists_for_numbers_is_refused(tmp_path, field, said):
    conv = nir.Conv2d(None, np.ones((2, 1, 2, 2)), (1, 1), (0, 0), (1, 1), 1, np.zeros(2))
    cells = nir.IF(np.ones((2, 2, 2)), np.ones((2, 2, 2)))
    nir.write(tmp_path / "c.nir", nir.NIRGraph.from_list(nir.Input(np.array([1, 3, 3])), conv, cells))
    for value in (None, np.ones(3)):
        with h5py.File(tmp_path / "c.nir", "a") as file:
            node = file["node/nodes/conv2d"]
            del node[field]
            if value is None:
                node.create_group(field)
            else:
                node[field] = value
        with pytest.raises(BadInput, match=f"Conv2d whose {field} is no number" if value is None else "conv2d"):
            read_nir(tmp_path / "c.nir")


@pytest.mark.parametrize("change", [{"role": 3}, {"shared": ["v_decZy"]}, {"groups": [{"rola": 1}]}, {"role": None}])
def test_metadata_of_populations_that_cannot_be_is_refused(tmp_path, change):
    write_nir(random_network(5, shared_parameters=True, subthreshold_bias=True), tmp_path / "n.nir")
    graph = nir.read(tmp_path / "n.nir")
    about = json.loads(graph.metadata[METADATA])
    about["populations"][0] |= change
    graph.metadata[METADATA] = json.dumps(about)
    with pytest.raises(BadInput, match="damaged metadata"):
        from_nir(graph)


def test_a_pointer_of_git_lfs_is_told_from_a_damaged_file(tmp_path):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    (tmp_path / "n.nir").write_text(pointer)
    with pytest.raises(BadInput, match="n.nir: is a Git LFS pointer.*git lfs pull"):
        read_nir(tmp_path / "n.nir")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["weights"] = np.ones(3)
    for name in ("other.h5", "missing.nir"):
        with pytest.raises(BadInput, match="not a readable NIR file|no such file") as caught:
            read_nir(tmp_path / name)
        assert "\n" not in str(caught.value)
