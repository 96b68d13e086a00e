"""Attention over spikes: the deployable gate, and the paper-style Q Kᵀ V without softmax over the joints of one frame.

The latter multiplies spikes with spikes, which a weighted sum into CUBA neurons cannot do: it trains and runs in
torch, and lowering refuses it by name. The form follows "spiking self-attention" (Spikformer, arXiv 2209.15425); where
MK-SGN differs from it is not public, so this is our reconstruction.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mksgn_neuro.models.kernels import lif_numba
from mksgn_neuro.models.population import SpikingPopulation
from mksgn_neuro.models.synapses import Pointwise


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
    """Spikes (V, T, B, C) AND the gate (V, T, B, H) of their head; the gradient is the product's."""
    if x.device.type == "cpu":
        return _Gated.apply(x, gates)
    return (x.unflatten(-1, (gates.shape[-1], -1)) * gates.unsqueeze(-1)).flatten(-2)


class SpikingSelfAttention(nn.Module):
    """Spikes (V, T, B, C) to spikes of the same shape, `heads` heads."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        projections = {name: SpikingPopulation(channels, {"graph": Pointwise(channels, channels)}) for name in "qkv"}
        self.projections = nn.ModuleDict(projections)
        self.output = SpikingPopulation(channels, {"mixed": Pointwise(channels, channels)})

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self._by_head(self.projections[name]({"graph": x})) for name in "qkv")
        mixed = (q @ k.transpose(-1, -2)) @ v / (x.shape[0] * q.shape[-1]) ** 0.5
        return self.output({"mixed": mixed.permute(3, 0, 1, 2, 4).flatten(-2).contiguous()})

    def _by_head(self, x: Tensor) -> Tensor:
        """(V, T, B, C) to (T, B, heads, V, C / heads)."""
        return x.unflatten(-1, (self.heads, -1)).permute(1, 2, 3, 0, 4)
