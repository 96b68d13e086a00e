"""MK-SGN, the spiking student, deployable by construction (DESIGN.md 4).

SSC (`encode`) → SMF (`fuse`) → six blocks of SA-SGC (`graph`, `query`, `gate`, `and`) and STC (`temporal`) → `readout`.
Spikes are (V, T, B, C). Widths, kernel sizes and the readout are our reconstruction: the paper's abstract is silent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from mksgn_neuro.models.attention import SpikingSelfAttention, gated
from mksgn_neuro.models.fusion import joint_probabilities, modality_weights, mutual_information
from mksgn_neuro.models.population import DECAY_ONE, MOMENTUM, V_DECAY, SpikingPopulation
from mksgn_neuro.models.synapses import (
    ClassSum,
    Fusion,
    GraphConvolution,
    HeadSum,
    PerModality,
    Pointwise,
    Shortcut,
    TemporalTaps,
)

ATTENTIONS = ("gated", "ssa", "none")
OPEN_GATE = (0.4, 1.5)  # gain and shift in thresholds: gates fire nearly always at first (DESIGN.md 4)


@dataclass(frozen=True)
class StudentConfig:
    """Shape of a student; all choices are ours.

    `hearing` names, for each group of channels, the modalities that it hears; () is one group that hears them all.
    """

    classes: int
    modalities: int = 4
    encoder_channels: int = 8
    channels: tuple[int, ...] = (64, 64, 64, 64, 96, 96)
    heads: int = 8
    query_channels: int = 32
    taps: int = 5
    dilations: tuple[int, ...] = (1, 1, 1, 1, 1, 1)
    readout_copies: int = 4
    attention: str = "gated"
    mutual_information: bool = True
    hearing: tuple[tuple[int, ...], ...] = ()
    v_decay: int = V_DECAY

    def __post_init__(self) -> None:
        if not DECAY_ONE // 2 < self.v_decay <= DECAY_ONE:
            raise ValueError(f"v_decay {self.v_decay}: AND gates are exact above {DECAY_ONE // 2}, up to {DECAY_ONE}")
        if self.attention not in ATTENTIONS:
            raise ValueError(f"attention {self.attention!r} is none of {ATTENTIONS}")
        if not all(
            heard and list(heard) == [m for m in range(self.modalities) if m in heard] for heard in self.hearing
        ):
            raise ValueError(f"groups that hear {self.hearing} of {self.modalities} modalities")
        gates = (self.heads, self.query_channels) if self.attention == "gated" else ()
        shared = (*self.channels, *gates, self.readout_copies)
        if any(number % self.groups for number in shared) or (self.hearing and self.attention == "ssa"):
            raise ValueError(f"{self.groups} groups cannot share {shared} with attention {self.attention!r}")

    @property
    def weighs_modalities(self) -> bool:
        """Whether mutual information weights the fusion: groups that hear some modalities only vote instead."""
        return self.mutual_information and not self.hearing

    @property
    def groups(self) -> int:
        """Parts of every population that never meet before the class neurons; without `hearing` there is one."""
        return max(1, len(self.hearing))


class Block(nn.Module):
    """SA-SGC and STC: (V, T, B, C_in) to (V, T, B, C_out); keeps the spikes of its populations in `populations`."""

    def __init__(self, config: StudentConfig, partitions: Tensor, channels_in: int, channels: int, dilation: int):
        super().__init__()
        groups, neurons = config.groups, {"v_decay": config.v_decay}
        graph = GraphConvolution(partitions, channels_in, channels, groups)
        self.graph = SpikingPopulation(channels, {"input": graph}, **neurons)
        if config.attention == "gated":
            query = Pointwise(channels, config.query_channels, groups)
            self.query = SpikingPopulation(config.query_channels, {"graph": query}, **neurons)
            sums = HeadSum(config.heads, config.query_channels // config.heads)
            self.gate = SpikingPopulation(config.heads, {"query": sums}, quiet=False, **neurons)
            nn.init.constant_(self.gate.gamma, OPEN_GATE[0])
            nn.init.constant_(self.gate.beta, OPEN_GATE[1])
        elif config.attention == "ssa":
            self.attention = SpikingSelfAttention(channels, config.heads)
        same = channels_in == channels
        shortcut = Shortcut(channels) if same else Pointwise(channels_in, channels, groups)
        taps = TemporalTaps(channels, config.taps, dilation)
        self.temporal = SpikingPopulation(channels, {"and": taps, "input": shortcut}, **neurons)

    def forward(self, x: Tensor, record: dict[str, Tensor]) -> Tensor:
        spikes = record["graph"] = self.graph({"input": x})
        if hasattr(self, "gate"):
            record["query"] = self.query({"graph": spikes})
            record["gate"] = self.gate({"query": record["query"]})
            spikes = record["and"] = gated(spikes, record["gate"])
        elif hasattr(self, "attention"):
            spikes = record["and"] = self.attention(spikes)
        record["temporal"] = self.temporal({"and": spikes, "input": x})
        return record["temporal"]


@dataclass
class Activity:
    """What a forward pass did: `class_spikes` (T, B, classes, copies) of the readout, all spikes by population name."""

    class_spikes: Tensor
    drive: Tensor
    spikes: dict[str, Tensor] = field(default_factory=dict)

    @property
    def counts(self) -> Tensor:
        """Spikes of the readout over all frames, (B, classes, copies)."""
        return self.class_spikes.sum(0)


class MKSGN(nn.Module):
    """The student on a skeleton whose graph partitions are (K, V, V)."""

    def __init__(self, config: StudentConfig, partitions: Tensor) -> None:
        super().__init__()
        self.config = config
        m, c0 = config.modalities, config.channels[0]
        self.joints = partitions.shape[1]
        neurons, encoders = {"v_decay": config.v_decay}, config.encoder_channels
        self.encode = SpikingPopulation(m * encoders, {"input": PerModality(m, encoders)}, **neurons)
        self.fuse = SpikingPopulation(c0, {"encode": Fusion(m, encoders, c0, config.hearing)}, **neurons)
        widths = zip((c0, *config.channels[:-1]), config.channels, config.dilations)
        self.blocks = nn.ModuleList(Block(config, partitions, a, b, d) for a, b, d in widths)
        outputs = config.classes * config.readout_copies
        votes = ClassSum(self.joints, config.channels[-1], outputs, config.groups)
        self.readout = SpikingPopulation(outputs, {"temporal": votes}, **neurons)
        self.register_buffer("joint_firing", torch.full((m, m), 0.25))

    def forward(self, frames: Tensor) -> Activity:
        """`frames` (B, T, M, V, 3), integer payloads in float32, to the activity of T frames."""
        x = frames.permute(3, 1, 0, 2, 4).flatten(-2).contiguous()
        spikes = {"encode": self.encode({"input": x})}
        self._update_information(spikes["encode"])
        x = spikes["fuse"] = self.fuse({"encode": spikes["encode"]})
        for b, block in enumerate(self.blocks, 1):
            record: dict[str, Tensor] = {}
            x = block(x, record)
            spikes.update({f"b{b}.{name}": s for name, s in record.items()})
        drive = self.readout.drive({"temporal": x})
        spikes["readout"] = self.readout.fire(drive)
        return Activity(spikes["readout"][0].unflatten(-1, (self.config.classes, -1)), drive, spikes)

    def votes(self, counted: Tensor) -> Tensor:
        """Counts (..., classes, copies) to (groups, ..., classes): the mean over each group of channels' own copies."""
        return counted.unflatten(-1, (-1, self.config.groups)).mean(-2).movedim(-1, 0)

    def _update_information(self, encoded: Tensor) -> None:
        # only while gradients flow: settling the statistics (no_grad) must not move the weights that it settles for
        learning = self.training and torch.is_grad_enabled() and not self.encode.folded
        if not learning or not self.config.weighs_modalities:
            return
        with torch.no_grad():
            by_modality = encoded.unflatten(-1, (self.config.modalities, -1)).movedim(-2, 0).flatten(1)
            self.joint_firing.lerp_(joint_probabilities(by_modality), MOMENTUM)
            self.fuse.synapses["encode"].modality_weights.copy_(modality_weights(self.information()))

    def information(self) -> Tensor:
        """The mutual-information matrix of the modalities' spikes, (M, M), nats."""
        return mutual_information(self.joint_firing)

    def populations(self) -> dict[str, SpikingPopulation]:
        """Trained populations by name, in topological order."""
        named = {"encode": self.encode, "fuse": self.fuse}
        for b, block in enumerate(self.blocks, 1):
            for role in ("graph", "query", "gate", "temporal"):
                if hasattr(block, role):
                    named[f"b{b}.{role}"] = getattr(block, role)
        return {**named, "readout": self.readout}
