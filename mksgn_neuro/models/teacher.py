"""The teacher: a graph convolutional network with ReLUs, one per modality; their mean logits are the soft labels.

From the paper: ten layers, each modality by itself, global average pooling and one linear layer. The layer is our
choice, made for CPUs: channels are mixed by one matrix, joints by a learnable weight per channel and pair of joints
(a separable graph convolution), frames by a centred depthwise window; frames are halved where the width grows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mksgn_neuro.nn.kernels.dense import NormalisedReLU, neighbours, strided, window

INPUT_SCALE = 1 / 64  # integers of 8 bits come near ±1
FEATURE_DEPTHS = 3


@dataclass(frozen=True)
class TeacherConfig:
    """Shape of one modality's teacher; `taps` is the odd width of the window over frames."""

    classes: int
    channels: tuple[int, ...] = (64, 64, 64, 64, 128, 128, 128, 256, 256, 256)
    taps: int = 7

    @property
    def strides(self) -> tuple[int, ...]:
        """Per layer: 2 where the width grows, else 1."""
        before = (self.channels[0], *self.channels[:-1])
        return tuple(2 if wide > narrow else 1 for narrow, wide in zip(before, self.channels))

    @property
    def feature_layers(self) -> tuple[int, ...]:
        """The layers whose outputs are distilled: the last, and evenly before it."""
        return tuple(len(self.channels) * (d + 1) // FEATURE_DEPTHS - 1 for d in range(FEATURE_DEPTHS))


class TeacherLayer(nn.Module):
    """Graph convolution, window over frames, shortcut: (V, T, B, C_in) to (V, T / stride, B, C_out)."""

    def __init__(self, partitions: Tensor, channels_in: int, channels: int, taps: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        post, pre = torch.nonzero(partitions.sum(0), as_tuple=True)
        self.register_buffer("post", post)
        self.register_buffer("pre", pre)
        self.mix = nn.Parameter(torch.randn(channels_in, channels) / math.sqrt(channels_in))
        # each channel starts with one neighbourhood of the prior and learns any other
        first = torch.arange(channels) % len(partitions)
        self.adjacency = nn.Parameter(partitions[:, post, pre][first].T.clone())
        self.kernel = nn.Parameter(torch.randn(taps, channels) / math.sqrt(taps))
        self.after_graph, self.after_window = NormalisedReLU(channels), NormalisedReLU(channels)
        same = channels_in == channels and stride == 1
        self.shortcut = None if same else nn.Parameter(torch.randn(channels_in, channels) / math.sqrt(channels_in))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.after_graph(neighbours(x @ self.mix, self.adjacency, self.post, self.pre))
        shortcut = x if self.shortcut is None else x[:, :: self.stride] @ self.shortcut
        return self.after_window(window(hidden, self.kernel, self.stride), shortcut)

    def macs(self, frames: int, joints: int) -> int:
        """Multiply-accumulates of one clip; normalisation is folded at inference and costs none."""
        channels_in, channels = self.mix.shape
        taps, pairs, after = len(self.kernel), len(self.post), strided(frames, self.stride)
        total = frames * channels * (joints * channels_in + pairs) + after * joints * channels * taps
        return total + (0 if self.shortcut is None else after * joints * channels_in * channels)


class Teacher(nn.Module):
    """One modality's network on a skeleton whose graph partitions are (K, V, V)."""

    def __init__(self, config: TeacherConfig, partitions: Tensor, coordinates: int = 3) -> None:
        super().__init__()
        self.config = config
        self.joints = partitions.shape[1]
        widths = zip((coordinates, *config.channels[:-1]), config.channels, config.strides)
        self.layers = nn.ModuleList(TeacherLayer(partitions, a, b, config.taps, stride) for a, b, stride in widths)
        self.head = nn.Linear(config.channels[-1], config.classes)

    def forward(self, frames: Tensor) -> tuple[Tensor, list[Tensor]]:
        """`frames` (B, T, V, 3) integers to logits (B, classes) and the distilled layers' features, mean over time.

        Features are (V, B, C), one per depth.
        """
        x = frames.permute(2, 1, 0, 3).contiguous() * INPUT_SCALE
        features = []
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i in self.config.feature_layers:
                features.append(x.mean(1))
        return self.head(features[-1].mean(0)), features

    def macs_per_clip(self, frames: int) -> int:
        """Multiply-accumulates of one clip of `frames` frames."""
        total = self.head.weight.numel()
        for layer in self.layers:
            total += layer.macs(frames, self.joints)
            frames = strided(frames, layer.stride)
        return total


class Ensemble(nn.Module):
    """One teacher per modality, in the order of the input's modalities."""

    def __init__(self, teachers: list[Teacher]) -> None:
        super().__init__()
        self.teachers = nn.ModuleList(teachers)

    def forward(self, frames: Tensor) -> tuple[Tensor, list[Tensor]]:
        """`frames` (B, T, M, V, 3) to mean logits (B, classes) and features (V, B, M·C), side by side, per depth."""
        answers = [teacher(frames[:, :, m]) for m, teacher in enumerate(self.teachers)]
        logits = torch.stack([answer for answer, _ in answers]).mean(0)
        return logits, [torch.cat(depth, -1) for depth in zip(*(features for _, features in answers))]

    def macs_per_clip(self, frames: int) -> int:
        """Multiply-accumulates of one clip through all teachers."""
        return sum(teacher.macs_per_clip(frames) for teacher in self.teachers)
