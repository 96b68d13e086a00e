"""Strangers' files, with weights and fields in and out of range: our reader runs what lava-dl's loader runs."""

import numpy as np
import pytest

from mksgn_neuro.export.netx.reader import read_file
from mksgn_neuro.export.netx.stock_loader import StockRun
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.reference import run
from tests.export.lava import needs_lava
from tests.export.netx.stock_batch import run_batch
from tests.export.netx.test_loader_model import LIMITS
from tests.export.netx.test_reader import CUBA, conv, dense, image, write_foreign
from tests.networks import random_inputs

SLOW = {**CUBA, "iDecay": 2048, "vDecay": 200, "vThMant": 700}


def drawn(rng, shape):
    """Weights made of the values at which the loader's arithmetic changes: of both signs, or of one only."""
    pool = rng.choice(LIMITS[1:], 3) * rng.choice([-1, 1], 3)
    pool = [pool, np.abs(pool), -np.abs(pool)][rng.integers(3)]
    weights = rng.choice(pool, shape)
    return weights * (rng.random(shape) < 0.8) if weights.any() else weights


def of_random_weights(seed):
    """One layer of slow neurons, for u and v show every weight; a loop in every third, a delay in every fifth."""
    rng = np.random.default_rng(seed)
    weight = -rng.integers(0, 4, (3, 4)) if seed % 4 == 2 else drawn(rng, (3, 4))
    weight[0, :2] = (-4, -1) if seed % 4 == 2 else (weight[0, 0] or 64, weight[0, 1])
    loop = {"type": "dense_rec", "weight_rec": drawn(rng, (3, 3))} if seed % 3 == 0 else {}
    delay = {"delay": rng.integers(0, 9, weight.shape)} if seed % 5 == 1 and not loop else {}
    return [dense(weight, neuron=SLOW, **loop, **delay)]


KERNEL = np.array([[[[300, -90], [60, -301]]], [[[5, 7], [-9, 255]]]])
ODD = {
    "a weight beyond the range": [dense([[300, -100]], neuron={**CUBA, "vDecay": 4096, "vThMant": 200})],
    "an unknown type between": [dense([[200, 90]]), {"type": "sorcery"}, dense([[150], [-3]])],
    "a last average": [dense([[200, 90]]), {"type": "average"}],
    "ignored fields": [dense([[90, 40]], weight_exp=2, neuron={**CUBA, "refDelay": 3, "gradedSpike": 1, "wgtExp": 4})],
    "fractions of weights": [dense([[90.7, -40.2]], bias=[3.9])],
    "a delay beyond the range": [dense([[200, -90]], delay=[[66, 3]])],
    "a bias beyond the chip's": [dense([[20, -10]], bias=[5000], neuron={**CUBA, "vThMant": 9000})],
    "a convolution beyond the range": [image(1, 3, 4), conv(KERNEL, [2, 2, 3]), {"type": "flatten"}, dense([[9] * 12])],
    "a convolution without an input": [conv(KERNEL // 2, [2, 2, 2], stride=[1, 2])],
    "no convolution, but an image": [image(2, 1, 2), {"type": "flatten"}, dense([[90, 60, -200, 257]])],
}
SHAPES = {"a convolution without an input": (1, 3, 5)}


def stock_run(name, layers, folder, bits, seed, steps):
    file = read_file(
        write_foreign(folder / f"{seed}.net", *layers), input_message_bits=bits, input_shape=SHAPES.get(name)
    )
    options = {"num_layers": file.num_layers, "input_shape": file.input_shape, "input_message_bits": bits}
    inputs = random_inputs(seed, file.network, steps)
    return file, StockRun(folder / f"{seed}.net", inputs, layers="all", states=True, **options)


def assert_equal(file, request, stock):
    assert not isinstance(stock, str), (request.path, stock)
    ours = run(file.network, request.inputs, states=True)
    assert len(stock) == len(file.network.order)
    for found, p in zip(stock.values(), file.network.order):
        for what in ("u", "v", "spikes"):
            assert np.array_equal(getattr(ours[p.name], what), getattr(found, what)), (request.path, p.name, what)
    fast = Emulator(file.network).run(request.inputs, record="all", states=True)
    assert all(np.array_equal(fast.u[n][0], t.u) and np.array_equal(fast.v[n][0], t.v) for n, t in ours.items())
    return sum(int(np.count_nonzero(t.u)) for t in ours.values())


@needs_lava
@pytest.mark.parametrize(
    ("first", "count", "bits"), [(0, 8, 0), *(pytest.param(i, 16, 4, marks=pytest.mark.slow) for i in (100, 200))]
)
def test_random_weights_run_as_in_the_stock_loader(tmp_path, first, count, bits):
    seeds = range(first, first + count)
    made = [stock_run("", of_random_weights(seed), tmp_path, bits, seed, 14) for seed in seeds]
    assert sum(bool(file.findings) for file, _ in made) > count // 2
    assert any(q.weight_exp < 0 for file, _ in made for q in file.network.projections)
    for (file, request), stock in zip(made, run_batch([request for _, request in made], limit=290)):
        assert_equal(file, request, stock)


@needs_lava
def test_odd_files_run_as_in_the_stock_loader_and_are_told(tmp_path):
    steps = {"a delay beyond the range": 75}
    made = [
        stock_run(name, layers, tmp_path, 0, i, steps.get(name, 14)) for i, (name, layers) in enumerate(ODD.items())
    ]
    silent = ("a convolution without an input",)
    assert [bool(file.findings) for file, _ in made] == [name not in silent for name in ODD]
    for (file, request), stock in zip(made, run_batch([request for _, request in made], limit=290)):
        assert assert_equal(file, request, stock) > 3
