"""Files that SLAYER itself exports, run by lava-dl's own loader; and networks trained with SLAYER on their way in."""

import h5py
import numpy as np
import pytest
import torch

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.export.lava_graph import run_lava
from mksgn_neuro.export.netx.stock_loader import StockRun
from mksgn_neuro.export.slayer import from_slayer, run_slayer, to_slayer, write_slayer_file
from mksgn_neuro.lowering import lower
from mksgn_neuro.nn.stages import quantize
from mksgn_neuro.sim.reference import run
from mksgn_neuro.workflows.targets import build
from mksgn_neuro.workflows.verification_case import VerificationCase
from tests.export.carried import random_layered
from tests.export.lava import needs_lava
from tests.export.netx.stock_batch import run_batch
from tests.networks import conv_network, random_inputs
from tests.students import random_frames, warm_student

pytestmark = needs_lava
NEURON = {"threshold": 0.8, "current_decay": 0.6, "voltage_decay": 0.2}


def stock(path, network, inputs, reset_interval=None):
    bits = network.source.message_bits
    return StockRun(path, inputs, input_message_bits=bits, reset_interval=reset_interval, layers="all")


def assert_stock_equals_reference(runs, networks):
    fired = 0
    for request, network, traces in zip(runs, networks, run_batch(runs)):
        assert not isinstance(traces, str), traces
        expected = run(network, request.inputs, reset_interval=request.reset_interval)
        assert len(traces) == len(expected)
        for found, (name, trace) in zip(traces.values(), expected.items()):
            assert np.array_equal(found.spikes, trace.spikes), name
            fired += int(trace.spikes.sum())
    assert fired > 100


def test_slayers_own_export_runs_equally_in_the_stock_loader(tmp_path):
    """Dense, recurrent and convolution blocks, with bias, delays, per-neuron decays; restarts by period."""
    networks = [random_layered(1), random_layered(4, loops=True), conv_network(1)]
    runs = []
    for i, network in enumerate(networks):
        path = tmp_path / f"{i}.net"
        to_slayer(network).export_hdf5(path)
        runs.append(stock(path, network, random_inputs(i, network, 40), (None, 11, None)[i]))
    assert_stock_equals_reference(runs, networks)


def cuba():
    to_slayer(random_layered(0, populations=1))  # loads SLAYER without its warning on stdout
    from lava.lib.dl.slayer.block import cuba

    return cuba


def mean_only_norm():
    from lava.lib.dl.slayer.neuron.norm import MeanOnlyBatchNorm

    return MeanOnlyBatchNorm


class Trained(torch.nn.Module):
    """As in lava-dl's tutorials: a list of blocks, forward and export_hdf5."""

    def __init__(self, blocks):
        super().__init__()
        self.blocks = torch.nn.ModuleList(blocks)

    def forward(self, x):
        spikes = []
        for block in self.blocks:
            x = block(x)
            if hasattr(block, "neuron") and block.neuron is not None:
                spikes.append(x.flatten(1, -2).movedim(1, 2).detach().numpy().astype(np.uint8))
        return spikes

    def export_hdf5(self, path):
        with h5py.File(path, "w") as file:
            for i, block in enumerate(self.blocks):
                block.export_hdf5(file.create_group(f"layer/{i}"))


def dense_with_delays(c):
    blocks = [
        c.Dense(NEURON, 12, 20, weight_norm=True, weight_scale=3, delay=True),
        c.Dense(NEURON, 20, 16, weight_scale=3, delay=True),
        c.Dense(NEURON, 16, 6, weight_scale=3),
    ]
    return blocks, (12,)


def recurrent(c):
    blocks = [
        c.Dense(NEURON, 12, 20, weight_scale=3, mask=(torch.rand(20, 12) < 0.7).float()),
        c.Recurrent(dict(NEURON), 20, 10, weight_scale=2),
        c.Dense(NEURON, 10, 6, weight_scale=3),
    ]
    return blocks, (12,)


def convolutions(c):
    blocks = [
        c.Input(delay_shift=False),
        c.Conv(NEURON, 2, 4, 3, stride=2, padding=1, weight_scale=4, weight_norm=True),
        c.Conv(NEURON, 4, 4, (2, 3), dilation=(1, 2), padding=(0, 1), groups=2, weight_scale=4),
        c.Flatten(),
        c.Dense(NEURON, 4 * 3 * 2, 5, weight_scale=3),
    ]
    return blocks, (2, 8, 7)


def as_trained(make, seed):
    """Blocks after one forward pass in training mode, with delays beyond the first random ones."""
    torch.manual_seed(seed)
    blocks, shape = make(cuba())
    module = Trained(blocks)
    module(torch.zeros(1, *shape, 2))
    for block in module.blocks:
        if getattr(block, "delay", None) is not None:
            block.delay.delay.data = torch.rand(block.delay.delay.shape) * 6
    return module.eval(), shape


def binary(seed, shape, samples=2, steps=40):
    return (np.random.default_rng(seed).random((samples, *shape, steps)) < 0.4).astype(np.float32)


@pytest.mark.parametrize("make", [dense_with_delays, recurrent, convolutions])
def test_spikes_of_a_slayer_network_are_those_of_the_network_read_from_it(make):
    module, shape = as_trained(make, 0)
    network = from_slayer(module, shape)
    for i in range(3):  # one sample each: recurrent blocks carry their state from one batch to the next
        module, shape = as_trained(make, 0)
        x = binary(i, shape, samples=1)
        found = run(network, x[0].reshape(-1, x.shape[-1]).T.astype(int))
        expected = module(torch.tensor(x))
        assert len(expected) == len(found)
        for block, trace in zip(expected, found.values()):
            assert block.any()
            assert np.array_equal(block[0], trace.spikes)


def test_networks_read_from_slayer_equal_lavas_run_of_slayers_own_files(tmp_path):
    """Those with a bias too: SLAYER's forward begins it a step later than the chip, its file does not."""
    runs, networks = [], []
    for i, make in enumerate((dense_with_delays, recurrent, convolutions, biased)):
        module, shape = as_trained(make, i)
        networks.append(from_slayer(module, shape))
        module.export_hdf5(tmp_path / f"{i}.net")
        x = binary(i, shape, samples=1)[0].reshape(-1, 40).T.astype(int)
        runs.append(stock(tmp_path / f"{i}.net", networks[-1], x))
    assert_stock_equals_reference(runs, networks)


def biased(c):
    neuron = {**NEURON, "norm": mean_only_norm()}
    blocks = [c.Dense(neuron, 12, 20, weight_scale=3), c.Dense(neuron, 20, 6, weight_scale=3)]
    for block, n in zip(blocks, (20, 6)):
        block.neuron.norm.running_mean = torch.rand(n) - 0.6
        block.neuron.norm.num_features = n
        block.neuron.norm.update = False
    return blocks, (12,)


def test_a_last_average_groups_the_readout_by_class():
    c = cuba()
    network = from_slayer([c.Dense(NEURON, 4, 6, weight_scale=4), c.Average(3)], (4,))
    group = network[network.readout].groups[0]
    assert (group.role, group.shape, group.axes) == ("readout", (3, 2), ("class", "copy"))


def test_a_block_without_a_hook_keeps_its_weights_as_they_are():
    """Exact where they are whole units of the synapse; SLAYER itself cannot export such a block."""
    c = cuba()
    torch.manual_seed(0)
    block = c.Dense(NEURON, 6, 5, pre_hook_fx=None)
    block.synapse.weight.data = torch.randint(-45, 46, block.synapse.weight.shape) / 32
    network = from_slayer([block], (6,))
    x = binary(0, (6,), samples=1)
    expected = block(torch.tensor(x))[0].detach().numpy().T
    assert expected.any() and np.array_equal(run(network, x[0].T.astype(int))["block0"].spikes, expected)
    block.synapse.weight.data += 0.003
    with pytest.raises(Unsupported, match=r"block0 \(Dense\): its weights .* no integers"):
        from_slayer([block], (6,))


def refused_blocks():
    """What is refused, in words, and the blocks."""
    c = cuba()
    norm = {**NEURON, "norm": mean_only_norm()}
    dense = c.Dense(NEURON, 4, 4)
    recurrent = c.Recurrent(dict(norm), 4, 4)
    recurrent.neuron.norm.running_mean = torch.ones(4)
    delayed = c.Dense(norm, 4, 4, delay=True)
    delayed.neuron.norm.running_mean = torch.ones(4)
    delayed.delay.delay.data = torch.full((4,), 2.5)
    return {
        r"block0 \(Average\)": [c.Average(2), dense],
        r"block0 \(Pool\)": [c.Pool(NEURON, 2)],
        r"block0 \(Input\)": [c.Input(NEURON), dense],
        "delay_shift=False": [c.Dense(NEURON, 4, 4, delay_shift=False)],
        "graded spikes": [c.Dense({**NEURON, "graded_spike": True}, 4, 4)],
        "takes 5 inputs": [c.Dense(NEURON, 5, 4)],
        "leaks a recurrent block's bias": [recurrent],
        "axonal delay behind the last": [delayed],
        "no integers": [c.Dense(NEURON, 4, 4, pre_hook_fx=lambda w, descale=False: w)],
        "no block with neurons": [c.Flatten()],
    }


def test_what_has_no_exact_counterpart_is_refused_by_name():
    for reason, blocks in refused_blocks().items():
        with pytest.raises(Unsupported, match=reason):
            from_slayer(blocks, (4,))


def test_decays_of_convolution_channels_are_refused_for_slayer_misaligns_them():
    c = cuba()
    conv = c.Conv({**NEURON, "shared_param": False}, 1, 2, 1)
    with pytest.raises(RuntimeError, match="size of tensor"):  # SLAYER itself, unless W happens to be C
        conv(torch.zeros(1, 1, 3, 3, 2))
    with pytest.raises(Unsupported, match="misaligns"):
        from_slayer([conv], (1, 3, 3))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_student_as_slayer_network_lava_graph_and_slayers_file_on_five_clips(seed, tmp_path):
    student = quantize(warm_student(seed))
    inputs = random_frames(seed, 5, 12).flatten(2).numpy().astype(np.int64)
    case = VerificationCase.of(build(lower(student), "slayer"), inputs)
    depth = max(case.layered.level.values())
    alone = np.pad(case.padded(), ((0, 0), (0, depth), (0, 0)))
    spikes = run_slayer(case.layered, alone)
    for i, sample in enumerate(alone):
        for name, trace in run(case.layered, sample).items():
            assert np.array_equal(spikes[name][i], trace.spikes), name
    stream = case.stream(depth + case.steps.drain_steps)
    streamed = run_slayer(case.layered, stream, reset_interval=case.reset_interval)
    for name, trace in run(case.layered, stream, reset_interval=case.reset_interval).items():
        level = case.layered.level[name]
        assert np.array_equal(streamed[name][level:], trace.spikes[level:]), name
    in_lava = run_lava(case.steps, stream, reset_interval=case.reset_interval)
    for name, trace in run(case.steps, stream, reset_interval=case.reset_interval).items():
        assert np.array_equal(in_lava[name], trace.spikes), name
    write_slayer_file(case.layered, tmp_path / "student.net")
    request = stock(tmp_path / "student.net", case.layered, stream, case.reset_interval)
    assert_stock_equals_reference([request], [case.layered])


@pytest.mark.slow
@pytest.mark.parametrize("start", range(100, 130, 10))
def test_many_random_chains_in_the_stock_loader(start, tmp_path):
    runs, networks = [], []
    for seed in range(start, start + 10):
        network = random_layered(seed, loops=seed % 3 == 0)
        layered = to_slayer(network)
        if layered.without_export:
            continue
        layered.export_hdf5(tmp_path / f"{seed}.net")
        networks.append(network)
        reset_interval = (None, 9, 16)[seed % 3]
        runs.append(stock(tmp_path / f"{seed}.net", network, random_inputs(seed, network, 60), reset_interval))
    assert len(runs) > 4
    assert_stock_equals_reference(runs, networks)
