import time
from importlib.metadata import PackageNotFoundError

import h5py
import numpy as np
import pytest

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.export.child import ChildFailed
from mksgn_neuro.export.netx import stock_loader
from mksgn_neuro.export.netx.stock_loader import run_stock_loader
from mksgn_neuro.export.netx.writer import write_netx
from tests.export.lava import needs_lava
from tests.export.netx.test_writer import two_levels

NETWORK = two_levels([[80, 20], [-60, 80]], [[80, 20]])


@needs_lava
def test_only_the_last_layer_by_default_and_without_states(tmp_path):
    path = write_netx(NETWORK, tmp_path / "n.net", reset_interval=8).net
    stock = run_stock_loader(path, np.ones((5, 2), int))
    assert list(stock) == [1]
    assert stock[1].spikes.shape == (5, 1) and stock[1].spikes.dtype == np.uint8 and stock[1].spikes.any()
    assert stock[1].u is None and stock[1].v is None


@needs_lava
def test_lavas_traceback_is_in_the_error(tmp_path):
    path = write_netx(NETWORK, tmp_path / "n.net", reset_interval=8).net
    with h5py.File(path, "a") as file:
        file["layer/0/weight"][...] = 0
    with pytest.raises(ChildFailed, match="OverflowError") as caught:
        run_stock_loader(path, np.ones((5, 2), int))
    assert "optimize_weight_bits" in caught.value.log


@needs_lava
def test_a_file_on_which_lava_hangs_ends_in_an_error(tmp_path):
    path = write_netx(NETWORK, tmp_path / "n.net", reset_interval=8).net
    with h5py.File(path, "a") as file:
        file["layer/0/neuron/messageBits"] = 0
    began = time.monotonic()
    with pytest.raises(ChildFailed):
        run_stock_loader(path, np.ones((5, 2), int), limit=60)
    assert time.monotonic() - began < 100


def test_without_lava_it_is_refused_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr("mksgn_neuro.export.lava_graph.version", raise_not_found)
    with pytest.raises(Unsupported, match=r"Python 3\.10") as caught:
        run_stock_loader(tmp_path / "n.net", np.ones((5, 2), int))
    assert "\n" not in str(caught.value)


def raise_not_found(name):
    raise PackageNotFoundError(name)


def test_input_and_bias_exclude_each_other(tmp_path):
    with pytest.raises(ValueError, match="inputs or input_bias"):
        stock_loader.StockRun(tmp_path / "n.net").payload()
