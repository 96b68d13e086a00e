"""A layered network of SLAYER's own CUBA blocks that computes an IR network's spikes. Imports lava-dl (and prints, see
`slayer`).

SLAYER's numbers are Loihi's divided by 64 (weights, thresholds, biases) or 4096 (states), exact in float32 below 2^24.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import scipy.sparse as sp
import torch
from lava.lib.dl.slayer.axon import delay as shift
from lava.lib.dl.slayer.block import cuba
from lava.lib.dl.slayer.neuron.norm import MeanOnlyBatchNorm

from mksgn_neuro.errors import Unsupported, WorkFailed
from mksgn_neuro.export.child import serve
from mksgn_neuro.export.slayer.plan import Level, plan
from mksgn_neuro.files import atomic_write
from mksgn_neuro.ir import ConvKernel, Network
from mksgn_neuro.ir.store import load

SCALE = 64  # weights and thresholds; SLAYER's default `scale`
STATE_SCALE = 4096  # u and v
LOWEST_VOLTAGE = 1 - 2**23


class LayeredBlocks(torch.nn.Module):
    """SLAYER blocks, one per population; input (B, N_in, T) float, as the reference's (T, N_in) transposed.

    The spike of a block at step t is the reference's at step t. Each block's one-step delay is put before it, not
    behind it (`delay_shift=False`): only so does a bias act from the first step on, as on the chip.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        levels = plan(network)
        self.names = [level.name for level in levels]
        self.input_shape = levels[0].kernel.input_shape if levels[0].kernel else (network.source.size,)
        blocks: list[torch.nn.Module] = []
        if levels[0].kernel:
            blocks.append(cuba.Input(delay_shift=False))
        flat = levels[0].kernel is None
        for level in levels:
            if not flat and level.kernel is None:
                blocks.append(cuba.Flatten())
                flat = True
            blocks.append(_block(level))
        self.blocks = torch.nn.ModuleList(blocks)
        self.without_export = {level.name: level.no_export for level in levels if level.no_export}
        with torch.no_grad():  # SLAYER's blocks know their shapes only after a forward pass
            self(torch.zeros(1, network.source.size, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Spikes of the last population, (B, N, T)."""
        return self.levels(x)[self.names[-1]]

    def levels(self, x: torch.Tensor, *, own_time: bool = False) -> dict[str, torch.Tensor]:
        """Spikes of every population, (B, N, T), neurons in the IR's order.

        With `own_time` every population's time counts from its level on, where a sample's first input reaches it, and
        it is at rest until then: what `reset_interval` makes of a sample.
        Raises WorkFailed if a voltage falls below what 24 bits hold: the chip saturates there, SLAYER does not.
        """
        x = x.reshape(len(x), *self.input_shape, x.shape[-1])
        names = iter(self.names)
        spikes = {}
        for block in self.blocks:
            if not hasattr(block, "neuron") or block.neuron is None:
                x = block(x)
                continue
            _forget(block.neuron)
            x = block(x if own_time else shift(x, 1))
            spikes[next(names)] = x.flatten(1, -2)
        return spikes

    def export_hdf5(self, path: str | Path) -> None:
        """Write a netx file with each block's own `export_hdf5`, in one piece.

        Raises Unsupported, naming the population, for what the stock netx reader would read as something else.
        """
        with atomic_write(Path(path)) as temporary:
            self.write_into(temporary)

    def write_into(self, temporary: Path) -> None:
        """As `export_hdf5`, into a file that somebody else will put in place, and whose folder they may have locked."""
        for name, reason in self.without_export.items():
            raise Unsupported(reason, location=name, hint="write it with export --target loihi2")
        with h5py.File(temporary, "w") as file:
            for i, block in enumerate(self.blocks):
                block.export_hdf5(file.create_group(f"layer/{i}"))


class DelayedDense(cuba.Dense):
    """A CUBA dense block with a fixed delay per synapse, (out, in) steps, which netx holds and SLAYER lacks.

    Only the synapses that have a weight when it is built are computed.
    """

    def __init__(self, *args: object, weights: sp.csr_matrix, delays: sp.csr_matrix, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.delays = delays
        post, pre = weights.nonzero()
        of_each = np.asarray(delays[post, pre]).ravel()
        self.steps = [int(d) for d in np.unique(of_each)]
        for d in self.steps:
            self.register_buffer(f"synapses_{d}", torch.as_tensor(np.stack([post, pre])[:, of_each == d]).long())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Spikes (B, out, T) of input (B, in, T)."""
        return self.neuron(sum(self._arriving(shift(x, d), self.get_buffer(f"synapses_{d}")) for d in self.steps))

    def _arriving(self, x: torch.Tensor, synapses: torch.Tensor) -> torch.Tensor:
        values = self.synapse.pre_hook_fx(self.synapse.weight.flatten(1)[synapses[0], synapses[1]])
        matrix = torch.sparse_coo_tensor(synapses, values, self.delays.shape)
        batch, inputs, steps = x.shape
        arrived = matrix @ x.transpose(0, 1).reshape(inputs, -1)
        return arrived.reshape(-1, batch, steps).transpose(0, 1)

    def export_hdf5(self, handle: h5py.Group) -> None:
        """SLAYER's own export and the 2-D delay matrix beside it."""
        super().export_hdf5(handle)
        handle.create_dataset("delay", data=self.delays.toarray())


def whole(x: torch.Tensor, descale: bool = False) -> torch.Tensor:
    """SLAYER's weight hook on a grid of 1, for biases and odd weights; its `quantize_8bit` knows even ones only."""
    units = torch.round(x * SCALE)
    return units if descale else units / SCALE


def _block(level: Level) -> torch.nn.Module:
    build = _conv if level.kernel else _recurrent if level.loop is not None else _dense
    block = build(level, {"threshold": level.population.vth / SCALE, "current_decay": 1.0, "voltage_decay": 1.0})
    neuron = block.neuron
    neuron.current_decay.data = torch.tensor(level.i_decay, dtype=torch.float32)
    neuron.voltage_decay.data = torch.tensor(level.v_decay, dtype=torch.float32)
    # SLAYER's own 0.01 vanishes in float32 beside thresholds from 4096 on, and "above" becomes "at or above".
    neuron.threshold_eps = 0.5 / STATE_SCALE
    if level.bias.any():
        neuron.norm = MeanOnlyBatchNorm(level.bias.size, pre_hook_fx=whole)
        neuron.norm.update = False
        neuron.norm.running_mean = torch.tensor(-level.bias / SCALE, dtype=torch.float32)
    if level.may_saturate:
        neuron.register_forward_hook(_refuse_saturation(level.name))
    return block


def _dense(level: Level, neuron: dict) -> torch.nn.Module:
    out, inputs = level.weights.shape
    kwargs = _hook(level.weights.data)
    if level.delays.nnz:
        kwargs |= {"weights": level.weights, "delays": level.delays}
        block = DelayedDense(neuron, inputs, out, delay_shift=False, **kwargs)
    else:
        block = cuba.Dense(neuron, inputs, out, delay_shift=False, **kwargs)
    _set_weight(block.synapse, level.weights)
    return block


def _recurrent(level: Level, neuron: dict) -> torch.nn.Module:
    out, inputs = level.weights.shape
    block = cuba.Recurrent(neuron, inputs, out, delay_shift=False)
    for synapse, weights in ((block.input_synapse, level.weights), (block.recurrent_synapse, level.loop)):
        _set_weight(synapse, weights)
        synapse.pre_hook_fx = _hook(weights.data).get("pre_hook_fx", synapse.pre_hook_fx)
    return block


def _conv(level: Level, neuron: dict) -> torch.nn.Module:
    k: ConvKernel = level.kernel
    out, per_group, *size = k.kernel.shape
    geometry = {"stride": k.stride, "padding": k.padding, "dilation": k.dilation, "groups": k.groups}
    inputs = per_group * k.groups
    block = cuba.Conv(neuron, inputs, out, tuple(size), delay_shift=False, **geometry, **_hook(k.kernel))
    _set_weight(block.synapse, k.kernel)
    return block


def _hook(weights: np.ndarray) -> dict[str, Callable]:
    """SLAYER's own quantizer wherever it leaves the weights as they are."""
    return {} if not np.any(weights & 1) else {"pre_hook_fx": whole}


def _set_weight(synapse: torch.nn.Module, weights: sp.csr_matrix | np.ndarray) -> None:
    values = weights.astype(np.float32)
    dense = values.toarray() if sp.issparse(values) else values  # a gigabyte and more, so only now
    synapse.weight.data = torch.from_numpy(dense).div_(SCALE).reshape(synapse.weight.shape)


def _forget(neuron: torch.nn.Module) -> None:
    """Recurrent blocks carry their neurons' state from one call to the next."""
    neuron.current_state = torch.zeros(1, device=neuron.current_state.device)
    neuron.voltage_state = torch.zeros(1, device=neuron.voltage_state.device)


def _refuse_saturation(name: str) -> Callable:
    def check(neuron: torch.nn.Module, inputs: tuple[torch.Tensor], _: torch.Tensor) -> None:
        with torch.no_grad():
            # A recurrent block's neuron lives step by step and keeps its state; asking it again would advance it.
            voltage = neuron.voltage_state if neuron.persistent_state else neuron.dynamics(inputs[0])[1]
            lowest = float(voltage.min()) * STATE_SCALE
        if lowest < LOWEST_VOLTAGE:
            problem = f"a voltage reaches {lowest:.0f}: the chip saturates at {LOWEST_VOLTAGE}, SLAYER does not"
            raise WorkFailed(problem, location=name, hint="use the emulator, or a faster v_decay")

    return check


def work(request: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The child of `slayer.run_slayer` and `slayer.write_slayer_file`."""
    layered = LayeredBlocks(load(Path(str(request["network"]))))
    if "file" in request:
        layered.write_into(Path(str(request["file"])))
    if "inputs" not in request:
        return {}
    x = torch.as_tensor(request["inputs"], dtype=torch.float32).movedim(-2, -1)
    with torch.no_grad():
        spikes = layered.levels(x, own_time=bool(request["own_time"]))
    return {name: value.movedim(-1, -2).numpy().astype(np.uint8) for name, value in spikes.items()}


if __name__ == "__main__":
    serve(work)
