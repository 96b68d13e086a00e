"""A trained population: what feeds it, its normalisation while floats are trained, its integer form afterwards."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor, nn

from mksgn_neuro.nn.kernels.lif import integer_lif, lif, normalised_lif

DECAY_ONE = 4096  # a decay of this keeps nothing
V_DECAY = 2458  # keeps 0.4 of the voltage per step and makes AND gates exact (docs/design.md#gates-and-relays)
EPSILON = 1e-5
MOMENTUM = 0.1
WEIGHT_RANGE = (-256, 254)


class _RoundEven(torch.autograd.Function):
    """Nearest even integer in [−256, 254]; the gradient passes inside the range."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:  # noqa: ANN001
        ctx.save_for_backward((x >= WEIGHT_RANGE[0] - 1) & (x <= WEIGHT_RANGE[1] + 1))
        return (torch.round(x / 2) * 2).clamp(*WEIGHT_RANGE)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:  # noqa: ANN001
        (inside,) = ctx.saved_tensors
        return grad * inside


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:  # noqa: ANN001
        return torch.round(x)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:  # noqa: ANN001
        return grad


class SpikingPopulation(nn.Module):
    """Neurons fed by `synapses` (name → module); input and output (V, T, B, C).

    Float stage: spikes of LIF(batch norm(Σ synapses)). After `fold`, weights and `bias` are in thresholds; after
    `vth` is set above 0, everything is computed in integers.
    """

    mean: Tensor
    variance: Tensor
    folded: Tensor
    vth: Tensor

    def __init__(
        self, channels: int, synapses: dict[str, nn.Module], *, subthreshold_bias: bool = True, v_decay: int = V_DECAY
    ) -> None:
        super().__init__()
        self.synapses = nn.ModuleDict(synapses)
        self.v_decay = v_decay
        self.subthreshold_bias = subthreshold_bias
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.register_buffer("folded", torch.tensor(False))
        self.register_buffer("vth", torch.tensor(0))

    def _apply(self, fn, recurse=True):  # noqa: ANN001
        """As nn.Module's, but the stage stays on the CPU: whoever asks for it must not wait for a GPU."""
        stage = {"folded": self.folded, "vth": self.vth}
        super()._apply(fn, recurse)
        self._buffers.update(stage)
        return self

    @property
    def max_bias(self) -> float:
        """Largest bias in thresholds: a bias b alone drives v to b / (1 − keep), which may not fire."""
        return self.v_decay / DECAY_ONE if self.subthreshold_bias else float("inf")

    @property
    def decay_factor(self) -> float:
        """Share of the voltage that a step keeps."""
        return 1 - self.v_decay / DECAY_ONE

    @property
    def is_integer(self) -> bool:
        """Whether weights, bias and neuron are integers."""
        return int(self.vth) > 0

    def quantize_weight(self, weight: Tensor) -> Tensor:
        """Weights as this population uses them: themselves, or even integers with a straight-through gradient."""
        return _RoundEven.apply(weight * self.vth) if self.is_integer else weight

    def integer_bias(self) -> Tensor:
        """Bias mantissa (C,) of the integer neuron, held to the field and to silence."""
        limit = min(self.max_bias * int(self.vth), 4095)
        return _Round.apply((self.beta * self.vth).clamp(-4096, int(limit)))

    def drive(self, inputs: dict[str, Tensor]) -> Tensor:
        """Σ of the synapses' sums, before bias and normalisation."""
        return reduce(torch.add, (self.synapses[name](x, self.quantize_weight) for name, x in inputs.items()))

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        return self.fire(self.drive(inputs))

    def fire(self, x: Tensor) -> Tensor:
        """Spikes of the population on a drive, in its stage's arithmetic."""
        if self.is_integer:
            return integer_lif(x, self.integer_bias(), int(self.vth), self.v_decay)
        if self.folded:
            return lif(x, torch.ones_like(self.beta), self.beta.clamp(max=self.max_bias), self.decay_factor)
        if not self.training:
            scale, shift = self.affine()
            return lif(x, scale, shift, self.decay_factor)
        spikes, mean, variance = normalised_lif(x, self.gamma, self.beta, self.decay_factor, EPSILON, self.max_bias)
        with torch.no_grad():
            self.batch_mean, self.batch_variance = mean, variance
            self.mean.lerp_(mean, MOMENTUM)
            self.variance.lerp_(variance, MOMENTUM)
        return spikes

    def affine(self) -> tuple[Tensor, Tensor]:
        """Scale and shift (C,) that the running statistics give."""
        scale = self.gamma * torch.rsqrt(self.variance + EPSILON)
        return scale, (self.beta - self.mean * scale).clamp(max=self.max_bias)

    @torch.no_grad()
    def fold(self) -> None:
        """Move the normalisation into weights and bias; spikes are the same up to float rounding."""
        if self.folded:
            return
        scale, shift = self.affine()
        for module in self.synapses.values():
            module.scale_outputs(scale)
        self.beta.copy_(shift)
        self.folded.fill_(True)
