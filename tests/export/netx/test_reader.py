import h5py
import numpy as np
import pytest

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.child import run_child
from mksgn_neuro.export.netx.reader import read_file, read_netx
from mksgn_neuro.export.netx.stock_loader import StockRun
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.sim.reference import run
from tests.export.lava import needs_lava
from tests.export.netx.stock_batch import run_batch
from tests.export.netx.test_writer import GOOD
from tests.networks import random_inputs

CUBA = {"type": "CUBA", "iDecay": 4096, "vDecay": 1024, "vThMant": 80}


GROUP = object()  # a field that is a group in place of a data set


def write_foreign(path, *layers):
    """A netx file without our group; a layer is its fields, `neuron` a dict of them."""
    with h5py.File(path, "w") as file:
        for i, layer in enumerate(layers):
            group = file.create_group(f"layer/{i}")
            group.create_dataset("type", (1,), "S10", data=[layer.get("type", "dense").encode()])
            for name, value in layer.items():
                if name == "neuron":
                    for key, field in value.items():
                        if field is GROUP:
                            group.create_group(f"neuron/{key}")
                        else:
                            group[f"neuron/{key}"] = field
                elif name != "type":
                    group[name] = np.asarray(value)
    return path


def dense(weight, **fields):
    return {"shape": [len(weight)], "weight": np.array(weight, dtype=np.float32), "neuron": CUBA, **fields}


def test_foreign_file_gets_names_and_binary_input(tmp_path):
    path = write_foreign(tmp_path / "n.net", dense([[2, -4, 6]]), dense([[80], [-20]]))
    network, findings = read_netx(path)
    assert [p.name for p in network.populations] == ["layer0", "layer1"] and network.readout == "layer1"
    assert network.source.shape == (3,) and network.source.message_bits == 0
    assert read_netx(path, input_message_bits=8)[0].source.message_bits == 8
    assert findings == [] and network.task is None


@pytest.mark.parametrize(
    "delay, expected",
    [
        (3, [[3, 3], [3, 3], [3, 3]]),
        ([1, 2, 3], [[1, 1], [2, 2], [3, 3]]),
        ([4, 5], [[4, 5], [4, 5], [4, 5]]),
        ([[0, 62], [1, 2], [3, 0]], [[0, 62], [1, 2], [3, 0]]),
    ],
)
def test_delays_per_layer_neuron_input_or_synapse(tmp_path, delay, expected):
    weight = np.array([[2, 4], [6, 8], [10, -2]])
    network, findings = read_netx(write_foreign(tmp_path / "n.net", dense(weight, delay=delay)))
    assert findings == []
    seen = np.full(weight.shape, -1)
    for q in network.projections:
        seen[q.matrix.toarray() != 0] = q.delay
    assert seen.tolist() == expected


FINDINGS = {
    "/layer/0/weight": (dense([[-256, -2]]), "runs -254 instead of -256 at [0, 0]"),
    "/layer/0/delay": (dense([[2, 4]], delay=[[63, 0]]), "clips to 62"),
    "/layer/0/bias": (dense([[2, 4]], bias=[1.5]), "1 values are not integers"),
    "/layer/0/weight_exp": (dense([[2, 4]], weight_exp=2), "ignores it in a dense layer"),
    "/layer/0/neuron/refDelay": (dense([[2, 4]], neuron={**CUBA, "refDelay": 2}), "runs 1"),
    "/layer/0/neuron/gradedSpike": (dense([[2, 4]], neuron={**CUBA, "gradedSpike": True}), "runs 0"),
    "/layer/0/neuron/wgtExp": (dense([[2, 4]], neuron={**CUBA, "wgtExp": GROUP}), "runs 0"),
    "/layer/0/neuron/messageBits": (dense([[2, 4]], neuron={**CUBA, "messageBits": 8}), "hangs"),
    "/layer/0/neuron/biasExp": (dense([[2, 4]], neuron={**CUBA, "biasExp": 3}), "ignores it"),
}


@pytest.mark.parametrize("location", FINDINGS)
def test_what_the_stock_loader_ignores_or_changes_is_found(tmp_path, location):
    layer, problem = FINDINGS[location]
    _, (finding,) = read_netx(write_foreign(tmp_path / "n.net", layer))
    assert finding.location == location and problem in finding.problem and str(finding).startswith(location)


def conv(kernel, shape, **fields):
    geometry = {"stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1}
    return {"type": "conv", "shape": shape, "weight": np.array(kernel), "neuron": CUBA, **geometry, **fields}


def image(*shape):
    return {"type": "input", "shape": shape}


def test_conv_delay_and_a_missing_flatten_are_found(tmp_path):
    layers = (image(1, 2, 2), conv(np.full((1, 1, 2, 2), 8), [1, 1, 1], delay=4), dense([[2]]))
    network, findings = read_netx(write_foreign(tmp_path / "n.net", *layers))
    assert network.source.shape == (1, 2, 2)
    assert [f.location for f in findings] == ["/layer/1/delay", "/layer/2"]
    assert "without a flatten" in findings[1].problem


def test_an_unknown_type_is_left_out_and_a_last_average_too(tmp_path):
    layers = (dense([[200]]), {"type": "sorcery"}, dense([[150]]), {"type": "average"})
    file = read_file(write_foreign(tmp_path / "n.net", *layers))
    assert [p.name for p in file.network.order] == ["layer0", "layer2"] and file.num_layers == 3
    assert [str(f) for f in file.findings] == [
        "/layer/1: type 'sorcery' is unknown: left out, as the stock loader does without a word",
        "/layer/3: type 'average' is left out; the stock loader raises unless num_layers=3",
    ]


def test_the_input_of_a_first_convolution_is_found_or_asked_for(tmp_path):
    kernel = np.arange(2, 26, 2).reshape(1, 2, 2, 3)
    alone = read_file(write_foreign(tmp_path / "one.net", conv(kernel, [1, 3, 4])))
    assert alone.network.source.shape == alone.input_shape == (2, 4, 6)
    assert "input_shape=(6, 4, 2)" in alone.findings[0].problem
    path = write_foreign(tmp_path / "two.net", conv(kernel, [1, 3, 4], stride=[2, 1]))
    with pytest.raises(BadInput, match=r"2 channels, height 6 to 7, width 6; give --input-shape C,H,W, channels first"):
        read_file(path)
    given = read_file(path, input_shape=(2, 7, 6))
    assert given.network.source.shape == given.input_shape == (2, 7, 6) and given.findings == ()
    with pytest.raises(BadInput, match=r"/layer/0/shape: is \(1, 3, 4\), the convolution gives \(1, 4, 4\)"):
        read_file(path, input_shape=(2, 9, 6))
    told = read_file(write_foreign(tmp_path / "three.net", image(2, 7, 6), conv(kernel, [1, 3, 4], stride=[2, 1])))
    assert told.input_shape is None and told.network.source == given.network.source


def test_what_the_user_says_of_the_input_must_fit_the_file(tmp_path):
    ours = write_netx(GOOD, tmp_path / "ours.net", reset_interval=8).net
    bits = GOOD.source.message_bits
    assert read_file(ours, input_message_bits=bits).reset_interval == 8
    with pytest.raises(BadInput, match=f"its input has {bits} bits; leave out --input-bits"):
        read_file(ours, input_message_bits=bits + 1)
    path = write_foreign(tmp_path / "n.net", image(1, 2, 2), dense([[2, 4, 6, 8]]))
    with pytest.raises(BadInput, match="leave out --input-shape"):
        read_file(path, input_shape=(1, 1, 4))
    with pytest.raises(BadInput, match="takes 3 inputs, not 2 x 2 x 2"):
        read_file(write_foreign(tmp_path / "m.net", dense([[2, 4, 6]])), input_shape=(2, 2, 2))
    held = write_foreign(tmp_path / "b.net", {**image(4), "neuron": CUBA}, dense([[2, 4, 6, 8]]))
    assert read_file(held).held
    with pytest.raises(BadInput, match="as its neurons' bias"):
        read_file(held, input_message_bits=4)


BAD = {
    r"/layer/1/type: type 'pool' is not supported": (dense([[2]]), {"type": "pool"}),
    r"/layer/0/type: type 'average'": ({"type": "average"}, dense([[2]])),
    r"/layer/0/type: type 'desne'": (dense([[2]], type="desne"),),
    r"neuron/type: resonate-and-fire neurons \(RF_IZ\)": ({"shape": [1], "neuron": {**CUBA, "type": "RF_IZ"}},),
    r"neuron/type: neurons of type 'LIF'": (dense([[2]], neuron={**CUBA, "type": "LIF"}),),
    r"/layer/1/weight: all weights are zero.*OverflowError": (dense([[2]]), dense([[0]])),
    r"neuron/iDecay: is 4097": (dense([[2]], neuron={**CUBA, "iDecay": 4097}),),
    r"neuron/vThMant: is -1": (dense([[2]], neuron={**CUBA, "vThMant": -1}),),
    r"/layer/0/bias: is 40000": (dense([[2]], bias=[40000]),),
    r"/layer/0/weight: does not fit 32 bits": (dense([[1e12]]),),
    r"/layer/0/stride: is \[0, 1\]": (conv(np.ones((1, 1, 1, 1)), [1, 1, 1], stride=[0, 1]),),
    r"neuron/vDecay: is missing": (dense([[2]], neuron={"type": "CUBA", "iDecay": 1, "vThMant": 3}),),
    r"/layer/0/weight: has shape \(1, 1\), the layer has 5": (dense([[2]], shape=[5]),),
    r"/layer/1/weight: takes 3 inputs, the layer before has 2": (dense([[2], [4]]), dense([[2, 2, 2]])),
    r"/layer/0/weight: is not a finite number": (dense([[np.nan]]),),
    r"/layer/0/delay: is -1": (dense([[2]], delay=[[-1]]),),
    r"/layer/0/delay: has shape \(5,\)": (dense([[2, 4]], delay=[1, 2, 3, 4, 5]),),
    r"neuron/vThMant: differs": (dense([[2], [4]], neuron={**CUBA, "vThMant": [1, 2]}),),
    r"/layer/0/delay: delays beside a loop": (dense([[2]], type="dense_rec", weight_rec=np.array([[4]]), delay=[[1]]),),
    r"/layer/1/shape: its input is flat": (dense([[2]]), conv(np.ones((1, 1, 1, 1)), [1, 1, 1])),
    r"/layer/0/shape: has shape \(1, 2\)": (dense([[2]], shape=[[1, 1]]),),
    r"no layer has neurons": ({"type": "input", "shape": [3]},),
}


@pytest.mark.parametrize("problem", BAD)
def test_bad_files_are_refused_with_file_place_and_remedy(tmp_path, problem):
    path = write_foreign(tmp_path / "n.net", *BAD[problem])
    with pytest.raises(BadInput, match=problem) as caught:
        read_netx(path)
    assert str(path) in str(caught.value) and caught.value.hint and "\n" not in str(caught.value)


def test_what_is_no_netx_file_is_refused(tmp_path):
    (tmp_path / "pointer").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(BadInput, match="git-LFS pointer.*git lfs pull"):
        read_netx(tmp_path / "pointer")
    (tmp_path / "text").write_text("no")
    with pytest.raises(BadInput, match="not a readable HDF5 file"):
        read_netx(tmp_path / "text")
    with pytest.raises(BadInput, match="no such file|no such file|not a readable HDF5 file"):
        read_netx(tmp_path / "absent")
    h5py.File(tmp_path / "empty", "w").close()
    with pytest.raises(BadInput, match="has no /layer"):
        read_netx(tmp_path / "empty")
    write_foreign(tmp_path / "gap", dense([[2]]), dense([[2]]))
    with h5py.File(tmp_path / "gap", "a") as file:
        file.move("layer/0", "layer/7")
    with pytest.raises(BadInput, match="/layer/0: is missing"):
        read_netx(tmp_path / "gap")


def test_our_group_damaged_or_of_another_layer_is_refused(tmp_path):
    path = write_netx(GOOD, tmp_path / "n.net", reset_interval=8).net
    with h5py.File(path, "a") as file:
        about = file["mksgn_neuro/about"].asstr()[()]
        for text, problem in (
            (about.replace('"version": 1', '"version": 9'), "mksgn-neuro-netx 9"),
            (about.replace('"neurons": 2', '"neurons": 3'), "not those described"),
            ("{}", "damaged description"),
            ("no json", "damaged description"),
        ):
            del file["mksgn_neuro/about"]
            file["mksgn_neuro/about"] = text
            file.flush()
            with pytest.raises(BadInput, match=problem):
                read_netx(path)


@needs_lava
def test_files_that_slayer_exports_run_here_as_in_lava(tmp_path):
    run_child("tests.export.slayer.slayer_files", {"seed": np.array(3), "folder": np.array(str(tmp_path))}, limit=120)
    runs, networks = [], []
    for name in ("dense", "convolution", "recurrent"):
        network, _ = read_netx(tmp_path / f"{name}.net")
        path = tmp_path / f"{name}.net"
        inputs = random_inputs(5, network, 40)
        if name == "convolution":
            runs.append(StockRun(path, input_bias=np.abs(inputs[0]), num_steps=40, input_message_bits=0, layers="all"))
        else:
            runs.append(StockRun(path, inputs, input_message_bits=0, layers="all"))
        networks.append(network)
    for request, network, stock in zip(runs, networks, run_batch(runs)):
        assert not isinstance(stock, str), stock
        late = 0 if request.input_bias is None else 1
        held = request.inputs if late == 0 else np.repeat(request.input_bias[None], 41, axis=0)
        ours = run(network, held)
        for i, population in enumerate(network.order):
            assert stock[i].spikes.any()
            assert np.array_equal(ours[population.name].spikes[late:], stock[i].spikes), (request.path, i)
