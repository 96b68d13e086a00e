"""The deployable gate: spikes AND the gate of their head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mksgn_neuro.nn.kernels import lif_numba
from mksgn_neuro.nn.population import V_DECAY, SpikingPopulation

OPEN_GATE = (0.4, 1.5)  # gain and shift in thresholds: gates fire nearly always at first (docs/design.md#the-student)


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, gates: Tensor) -> Tensor:  # noqa: ANN001
        ctx.save_for_backward(x, gates)
        out = torch.empty_like(x)
        lif_numba.gated_forward(x.numpy(), gates.numpy(), out.numpy())
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN001
        x, gates = ctx.saved_tensors
        grad_x, grad_gates = torch.empty_like(x), torch.empty_like(gates)
        arrays = (grad.contiguous().numpy(), x.numpy(), gates.numpy())
        lif_numba.gated_backward(*arrays, grad_x.numpy(), grad_gates.numpy())
        return grad_x, grad_gates


def gated(x: Tensor, gates: Tensor) -> Tensor:
    """Spikes (V, T, B, C) AND the gate (V, T, B, H) of their head; the gradient is the product's.

    Gates (1, T, B, H) are those of all positions.
    """
    if x.device.type == "cpu":
        return _Gated.apply(x, gates.expand(len(x), -1, -1, -1).contiguous())
    return (x.unflatten(-1, (gates.shape[-1], -1)) * gates.unsqueeze(-1)).flatten(-2)


def gate_population(heads: int, synapses: dict[str, nn.Module], *, v_decay: int = V_DECAY) -> SpikingPopulation:
    """Gates (V, T, B, heads) that start open; an `AndGate` node puts them to use."""
    gate = SpikingPopulation(heads, synapses, subthreshold_bias=False, v_decay=v_decay)
    nn.init.constant_(gate.gamma, OPEN_GATE[0])
    nn.init.constant_(gate.beta, OPEN_GATE[1])
    return gate
