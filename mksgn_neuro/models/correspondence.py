"""Which channels of one MK-SGN stand for the same as those of another: by modality, by branch, by class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mksgn_neuro.models.student import StudentConfig


@dataclass(frozen=True)
class Side:
    """One of the two networks: its shape, and the names of its modalities and classes."""

    config: StudentConfig
    modalities: tuple[str, ...]
    classes: tuple[str, ...]

    @property
    def branches(self) -> list[tuple[str, ...]]:
        """The modalities that each branch takes."""
        taken = self.config.branch_modalities or (tuple(range(len(self.modalities))),)
        return [tuple(self.modalities[m] for m in branch) for branch in taken]


class Correspondence:
    """For each channel of a population of `own` that of `theirs`, as an index (C,) of integers; −1: there is none.

    A branch corresponds to the first one left of the other network that takes the same modalities.
    """

    def __init__(self, own: Side, theirs: Side) -> None:
        self.own, self.theirs = own, theirs
        self.modalities = torch.tensor(_positions(own.modalities, theirs.modalities))
        self.branches = _positions(own.branches, theirs.branches)

    def outputs(self, population: str, channels: tuple[int, int]) -> Tensor:
        """Of a population with so many channels in the two networks."""
        if population == "encode":
            return self._blocks(
                self.modalities.tolist(), channels, (len(self.own.modalities), len(self.theirs.modalities))
            )
        if population == "readout":
            return self._class_neurons(channels[0])
        return self._blocks(self.branches, channels, (len(self.own.branches), len(self.theirs.branches)))

    def inputs(self, population: str) -> Tensor:
        """Of what a population takes from all channels at once: modalities, or the last block's channels."""
        if population != "readout":
            return self.modalities
        return self.outputs("temporal", (self.own.config.channels[-1], self.theirs.config.channels[-1]))

    def _blocks(self, matched: list[int], channels: tuple[int, int], parts: tuple[int, int]) -> Tensor:
        """Part k of the own channels is part `matched[k]` of theirs, where the parts are as wide."""
        width = channels[0] // parts[0]
        first = [-1 if part < 0 or width != channels[1] // parts[1] else part * width for part in matched]
        block = torch.arange(width)
        return torch.cat([torch.full_like(block, -1) if start < 0 else start + block for start in first])

    def _class_neurons(self, outputs: int) -> Tensor:
        """Neuron (class, copy): copy k reads branch k modulo the branches, and each branch may have several copies."""
        copies, their_copies = self.own.config.readout_copies, self.theirs.config.readout_copies
        several = their_copies // len(self.theirs.branches)
        index = torch.full((outputs,), -1)
        for label, their_label in enumerate(_positions(self.own.classes, self.theirs.classes)):
            for copy in range(copies):
                turn, branch = divmod(copy, len(self.branches))
                matched = self.branches[branch]
                if matched >= 0 and their_label >= 0:
                    their_copy = matched + len(self.theirs.branches) * (turn % several)
                    index[label * copies + copy] = their_label * their_copies + their_copy
        return index


def _positions(own: list | tuple, theirs: list | tuple) -> list[int]:
    """Where each item of `own` stands in `theirs`, each place used once; −1: nowhere."""
    left, found = dict(enumerate(theirs)), []
    for item in own:
        place = next((place for place, other in left.items() if other == item), -1)
        left.pop(place, None)
        found.append(place)
    return found
