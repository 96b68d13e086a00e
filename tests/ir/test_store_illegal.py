"""An .ir.h5 whose container is sound and whose network is not: one line, and nothing is run."""

import h5py
import numpy as np
import pytest

from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir.store import load, save
from tests.networks import conv_network, random_network


def changed(tmp_path, change, network=None):
    path = tmp_path / "n.ir.h5"
    save(network or random_network(3), path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def put(name, value):
    """Replaces one data set."""

    def change(file):
        del file[name]
        file[name] = value

    return change


def bend(name, change):
    return lambda file: put(name, change(file[name][()]))(file)


def attr(name, key, value):
    return lambda file: file[name].attrs.__setitem__(key, value)


def at_end(value):
    return lambda array: np.concatenate([array[:-1], [value]])


CHANGES = {
    "vth -1": (attr("population/0", "vth", -1), "vth is -1"),
    "vth 2^40": (attr("population/0", "vth", 2**40), "vth is 1099511627776"),
    "decay 4097": (put("population/0/v_decay", 4097), "v_decay is 4097"),
    "decay -1": (put("population/0/i_decay", -1), "i_decay is -1"),
    "decay of text": (put("population/0/i_decay", "x"), "i_decay holds"),
    "bias 2^62": (put("population/0/bias", 2**62), "bias does not fit 32 bits"),
    "bias 5000": (put("population/0/bias", 5000), "bias is 5000"),
    "delay 5000": (attr("projection/0", "delay", 5000), "delay is 5000"),
    "delay -1": (attr("projection/0", "delay", -1), "delay is -1"),
    "exponent 2000": (attr("projection/0", "weight_exp", 2000), "weight_exp is 2000"),
    "hop 7": (attr("/", "hop", 7), "transmission_delay is 7"),
    "negative column": (bend("projection/0/indices", at_end(-5)), "outside a matrix"),
    "column beyond": (bend("projection/0/indices", at_end(10**6)), "outside a matrix"),
    "rows that go back": (bend("projection/0/indptr", lambda a: np.r_[a[:1], a[-1:] + 9, a[2:]]), "damaged"),
    "fewer rows": (bend("projection/0/indptr", lambda a: a[:-1]), "row starts"),
    "weights of floats": (bend("projection/0/data", lambda a: a + 0.5), "data holds float64"),
    "weight 99999": (bend("projection/0/data", at_end(99999)), "weight"),
    "no such source": (attr("projection/0", "pre", "gone"), "pre is gone"),
    "readout of another": (attr("/", "readout", "gone"), "readout is gone"),
    "a billion neurons": (
        attr("population/0/group/0", "fields", '{"name":"a","role":"layer","shape":[1000000000],"axes":["n"]}'),
        "neurons is",
    ),
    "a negative shape": (
        attr("population/0/group/0", "fields", '{"name":"a","role":"layer","shape":[-3],"axes":["n"]}'),
        "has shape",
    ),
    "deep JSON": (attr("population/0/group/0", "fields", "[" * 5000 + "]" * 5000), "nested"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_illegal_network_is_refused(tmp_path, name):
    change, message = CHANGES[name]
    path = changed(tmp_path, change)
    with pytest.raises(BadInput, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("stride", (0, 1)), ("padding", (-1, 0)), ("dilation", (0, 0)), ("groups", 3), ("input_shape", (2, 30000, 30000))],
)
def test_an_impossible_convolution_is_refused(tmp_path, key, value):
    path = changed(tmp_path, attr("projection/0", key, value), conv_network(0))
    with pytest.raises(BadInput, match=r"input → c0: (geometry|kernel|synapses) is"):
        load(path)
