"""The base student out of SLAYER's CUBA blocks, as close as SLAYER allows; tensors (B, C, V, 1, T).

Same synapses and neurons, current decay 1, no quantization hook. SLAYER's choices that differ: it normalises means
only, and what its blocks lack is done around them in torch (mixing joints, shifting taps, several synapses per neuron).
"""

from __future__ import annotations

import lava.lib.dl.slayer as slayer
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mksgn_neuro.models.student import StudentConfig
from mksgn_neuro.nn.population import V_DECAY

NEURON = {"threshold": 1.0, "current_decay": 1.0, "voltage_decay": V_DECAY / 4096, "tau_grad": 1.0, "scale_grad": 1.0}
PLAIN = {"pre_hook_fx": None, "delay_shift": False}


def neuron() -> dict:
    """SLAYER's neuron parameters."""
    return {**NEURON, "norm": slayer.neuron.norm.MeanOnlyBatchNorm}


def conv(channels_in: int, channels: int, groups: int = 1, width: int = 1) -> nn.Module:
    """A block that mixes channels at each joint, and `width` columns into one."""
    return slayer.block.cuba.Conv(neuron(), channels_in, channels, (1, width), groups=groups, **PLAIN)


class SlayerBlock(nn.Module):
    """SA-SGC and STC."""

    def __init__(self, config: StudentConfig, partitions: Tensor, channels_in: int, channels: int, dilation: int):
        super().__init__()
        self.heads, self.dilation, self.taps = config.heads, dilation, config.taps
        self.register_buffer("mask", (partitions != 0).float())
        self.adjacency = nn.Parameter(partitions.clone())
        self.graph = conv(channels_in * len(partitions), channels)
        self.query = conv(channels, config.query_channels)
        self.gate = conv(config.query_channels, config.heads, groups=config.heads)
        same = channels_in == channels
        self.temporal = conv(channels, channels, groups=channels, width=config.taps + same)
        self.shortcut = None if same else slayer.synapse.Conv(channels_in, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        neighbours = torch.einsum("kvw,bcwit->bkcvit", self.adjacency * self.mask, x).flatten(1, 2)
        spikes = self.graph(neighbours)
        gates = self.gate(self.query(spikes))
        spikes = spikes * gates.repeat_interleave(spikes.shape[1] // self.heads, 1)
        shifted = [F.pad(spikes, (k * self.dilation, 0))[..., : x.shape[-1]] for k in range(self.taps)]
        columns = torch.cat(shifted if self.shortcut else [*shifted, x], 3)
        drive = self.temporal.synapse(columns)
        return self.temporal.neuron(drive + self.shortcut(x) if self.shortcut else drive)


class SlayerStudent(nn.Module):
    """Frames (B, T, M, V, 3) to counts (B, classes · copies)."""

    def __init__(self, config: StudentConfig, partitions: Tensor) -> None:
        super().__init__()
        m = config.modalities
        self.encode = conv(3 * m, m * config.encoder_channels, groups=m)
        self.fuse = conv(m * config.encoder_channels, config.channels[0])
        widths = zip((config.channels[0], *config.channels[:-1]), config.channels, config.dilations)
        self.blocks = nn.Sequential(*(SlayerBlock(config, partitions, a, b, d) for a, b, d in widths))
        inputs, outputs = partitions.shape[1] * config.channels[-1], config.classes * config.readout_copies
        self.readout = slayer.block.cuba.Dense(neuron(), inputs, outputs, **PLAIN)

    def forward(self, frames: Tensor) -> Tensor:
        x = frames.permute(0, 2, 4, 3, 1).flatten(1, 2).unsqueeze(3)
        x = self.blocks(self.fuse(self.encode(x)))
        return self.readout(x.flatten(1, 3)).sum(-1)
