"""From readout spikes to class scores and a decision, the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mksgn_neuro.ir import Network, role_of


@dataclass(frozen=True)
class Readout:
    """Which neurons of the population `name` stand for which class.

    `first` is the first step of their answer, `stride` the steps from one frame's answer to the next.
    """

    name: str
    neurons: np.ndarray
    class_of: np.ndarray
    classes: int
    first: int
    stride: int = 1

    @classmethod
    def of(cls, network: Network) -> Readout:
        """Groups that read out, along their axis "class" (or their first axis); without one, every group."""
        population = network[network.readout]
        marked = [g for g in population.groups if role_of(g.role).reads_out]
        neurons, class_of, classes, start = [], [], 0, 0
        for group in population.groups:
            if group in marked or not marked:
                axis = group.axes.index("class") if "class" in group.axes else 0
                present = np.arange(group.size) if group.index is None else group.index
                class_of.append(np.unravel_index(present, group.shape)[axis])
                neurons.append(start + np.arange(group.size))
                classes = max(classes, group.shape[axis])
            start += group.size
        first = network.transmission_delay * network.level[network.readout]
        stride = network.task.steps_per_frame if network.task else 1
        return cls(network.readout, np.concatenate(neurons), np.concatenate(class_of), classes, first, stride)

    @property
    def counting(self) -> np.dtype:
        """The smallest unsigned integers that hold a class's spikes of one step."""
        return np.min_scalar_type(int(np.bincount(self.class_of).max(initial=0)))

    def by_frame(self, spikes: np.ndarray, steps: np.ndarray) -> list[np.ndarray]:
        """Recorded spikes (B, steps, N) to the classes' of each clip's frames, int64 (steps[b] / stride, classes)."""
        return [self.scores(own[self.first : self.first + count : self.stride]) for own, count in zip(spikes, steps)]

    def scores(self, counts: np.ndarray) -> np.ndarray:
        """Spike counts (..., N) of the population to class scores (..., classes), int64."""
        scores = np.zeros((*counts.shape[:-1], self.classes), dtype=np.int64)
        np.add.at(scores, (..., self.class_of), counts[..., self.neurons].astype(np.int64))
        return scores


def decide(scores: np.ndarray) -> np.ndarray:
    """The class with the highest score (..., classes); ties go to the lowest index."""
    return np.argmax(scores, axis=-1)
