"""Build, train, export and verify an own spiking graph network: python examples/own_network.py DIR [--lava]."""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from mksgn_neuro import nn
from mksgn_neuro.data.skeleton import Skeleton, partitions
from mksgn_neuro.data.synthetic import generate
from mksgn_neuro.models.store import load_model
from mksgn_neuro.training.presets import preset
from mksgn_neuro.training.train import train_network
from mksgn_neuro.workflows.equivalence import EquivalenceCheck
from mksgn_neuro.workflows.export import write_target
from mksgn_neuro.workflows.inputs import random_walks
from mksgn_neuro.workflows.verify import Driven, check_all


@dataclass(frozen=True)
class Shape:
    classes: int
    channels: int = 16


class TwoPaths(nn.SpikingNetwork):
    """Every joint is compared with its neighbours and, on a path of its own, with its past."""

    kind = "two-paths"

    def __init__(self, config: Shape, skeleton: Skeleton, hops: int = 1, input_bits: int = 8) -> None:
        v, c, k = skeleton.joints, config.channels, 2 * config.classes
        super().__init__(modalities=4, joints=v, input_bits=input_bits)
        self.config, graph = config, torch.from_numpy(partitions(skeleton, hops))
        neurons = {"v_decay": nn.DECAY_ONE}
        self.encode = nn.SpikingPopulation(16, {"input": nn.PerModality(4, 4)}, **neurons)
        self.near = nn.SpikingPopulation(c, {"encode": nn.GraphConvolution(graph, 16, c)}, **neurons)
        self.past = nn.SpikingPopulation(16, {"encode": nn.TemporalTaps(16, 3, 2)}, **neurons)
        self.readout = nn.SpikingPopulation(k, {"near": nn.ClassSum(v, c, k), "past": nn.ClassSum(v, 16, k)}, **neurons)
        self.declare([
            nn.Node("encode", "encode", (v, 16), ("joint", "channel"), self.encode),
            nn.Node("near", "graph", (v, c), ("joint", "channel"), self.near, block=1),
            nn.Node("past", "temporal", (v, 16), ("joint", "channel"), self.past, block=1),
            nn.Node("readout", "readout", (config.classes, 2), ("class", "copy"), self.readout),
        ])  # fmt: skip


def main(directory: Path, *, clips: int = 300, frames: int = 1000, **schedule: object) -> list[EquivalenceCheck]:
    """Everything from clips to a verified file; `schedule` changes fields of the preset."""
    data = generate(clips, subjects=5)
    torch.manual_seed(0)
    train_network(TwoPaths(Shape(len(data.class_names)), data.skeleton), data, preset("tiny", **schedule), directory)
    model = load_model(directory / "model.pt", {"two-paths": lambda shape, *given: TwoPaths(Shape(**shape), *given)})
    net = write_target(model, "loihi2", directory / "model").main
    walks = random_walks(model.task(), model.scaling.bits, -(-frames // model.timing.frames)).flatten(0, 1)[None]
    return list(check_all(model, walks, "loihi2", net, driven=Driven(reset=False), lava="--lava" in sys.argv))


if __name__ == "__main__":
    print(*(f"{check.source} → {check.target}: {check.verdict}" for check in main(Path(sys.argv[1]))), sep="\n")
