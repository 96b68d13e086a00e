"""The IR as a hierarchical Lava process, in its own topology. Imports Lava: for child processes and Lava users.

One LIF per population, one synapse process per projection; several synapses into one LIF sum as on the chip. Run it
with `Loihi2SimCfg(select_tag="fixed_pt")`: without the tag Lava runs its float models, and says nothing.
"""

from __future__ import annotations

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.conv.process import Conv
from lava.proc.lif.process import LIF, LIFReset
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.utils.weightutils import SignMode

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.ir import ConvKernel, Network, Population, Projection
from mksgn_neuro.ir.spec import require_legal

BIAS_EXP = 6
MAX_CONV_NUMBER = 127  # Lava's Conv keeps stride, padding, dilation and groups in int8


class NetworkProcess(AbstractProcess):
    """A network with ports `inp` (source.size,) and `out` (readout neurons,), flat in the IR's neuron order.

    With a `reset_interval` each population zeroes u and v as `sim.reference.run` does. `neurons` holds the LIF of each
    population, `synapses` the synapse process of each projection in the network's order.
    Raises IllegalNetwork; Unsupported for a network that is still in frames.
    """

    def __init__(self, network: Network, reset_interval: int | None = None) -> None:
        super().__init__(network=network, reset_interval=reset_interval)
        if network.transmission_delay != 1:
            hint = "apply mksgn_neuro.lowering.balance_delays first"
            raise Unsupported("a Lava spike takes one time step, this network counts frames", hint=hint)
        require_legal(network)
        bits = network.source.message_bits
        self.inp = InPort(shape=(network.source.size,))
        self.out = OutPort(shape=(network[network.readout].size,))
        self.neurons = {p.name: _lif(p, reset_interval, network.level[p.name]) for p in network.populations}
        self.synapses = [_synapse(q, bits if q.pre == network.source.name else 0) for q in network.projections]
        for q, synapse in zip(network.projections, self.synapses):
            sender = self.inp if q.pre == network.source.name else self.neurons[q.pre].s_out
            _connect(sender, synapse, self.neurons[q.post].a_in)
        self.neurons[network.readout].s_out.connect(self.out)


@implements(proc=NetworkProcess, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyNetworkProcess(AbstractSubProcessModel):
    """The parts are made by the process itself, so that they can be probed before it is compiled."""

    def __init__(self, process: NetworkProcess) -> None:
        pass


def _lif(p: Population, reset_interval: int | None, level: int) -> AbstractProcess:
    fields = {
        "shape": (p.size,),
        "du": _scalar_or_array(p.i_decay) - 1,  # the model adds one (its ds_offset)
        "dv": _scalar_or_array(p.v_decay),
        "vth": p.vth,
        "bias_mant": np.broadcast_to(p.bias, (p.size,)).copy(),
        "bias_exp": BIAS_EXP,
        "name": p.name,
    }
    if reset_interval is None:
        return LIF(**fields)
    # Lava counts steps from 1.
    return LIFReset(reset_interval=reset_interval, reset_offset=(level + 1) % reset_interval, **fields)


def _scalar_or_array(decay: np.ndarray) -> int | np.ndarray:
    """One value where all agree: Lava documents one decay per LIF process, though its model takes an array."""
    return int(decay.flat[0]) if np.all(decay == decay.flat[0]) else decay.astype(np.int64)


def _synapse(q: Projection, message_bits: int) -> AbstractProcess:
    if _fits_conv(q):
        return _conv(q.weights, message_bits)
    matrix = q.matrix.copy()
    # Told nothing, Lava takes weights without a positive one for inhibitory and clips -256 to -255.
    sign_mode = SignMode.MIXED if matrix.data.size and matrix.data.min() < 0 else SignMode.EXCITATORY
    fields = {
        "weights": matrix,
        "weight_exp": q.weight_exp,
        "num_weight_bits": 8,
        "sign_mode": sign_mode,
        "num_message_bits": message_bits,
    }
    if not q.delay or not matrix.nnz:
        return Sparse(**fields)
    delays = matrix.astype(int)
    delays.data[:] = q.delay
    return DelaySparse(delays=delays, max_delay=q.delay, **fields)


def _fits_conv(q: Projection) -> bool:
    """Lava's Conv knows no delay, and its model drops the weight exponent."""
    if not isinstance(q.weights, ConvKernel) or q.delay or q.weight_exp:
        return False
    k = q.weights
    spans = [d * (n - 1) + 1 for d, n in zip(k.dilation, k.kernel.shape[2:])]
    numbers = [*k.stride, *k.padding, *spans, k.groups]
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":  # it computes with int8 where numpy 1 widened
        padded = [n + 2 * p for n, p in zip(k.input_shape[1:], k.padding)]
        numbers += [*padded, k.input_shape[0], len(k.kernel)]
    return max(numbers) <= MAX_CONV_NUMBER


def _conv(k: ConvKernel, message_bits: int) -> Conv:
    """Lava convolves (flips the kernel) and orders axes W, H, C."""
    return Conv(
        weight=k.kernel[:, :, ::-1, ::-1].transpose(0, 3, 2, 1).copy(),
        input_shape=k.input_shape[::-1],
        stride=k.stride[::-1],
        padding=k.padding[::-1],
        dilation=k.dilation[::-1],
        groups=k.groups,
        num_message_bits=message_bits,
    )


def _connect(sender: InPort | OutPort, synapse: AbstractProcess, receiver: InPort) -> None:
    if not isinstance(synapse, Conv):
        sender.connect(synapse.s_in)
        synapse.a_out.connect(receiver)
        return
    sender.reshape(synapse.input_shape[::-1]).transpose((2, 1, 0)).connect(synapse.s_in)
    synapse.a_out.transpose((2, 1, 0)).flatten().connect(receiver)
