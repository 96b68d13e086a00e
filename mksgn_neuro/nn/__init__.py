"""What a spiking graph network is made of: neurons, synapse modules, gates, and a base class that they are declared to.

    class Small(SpikingNetwork):
        def __init__(self, classes: int, partitions: Tensor) -> None:
            super().__init__(modalities=4, joints=20)
            self.encode = SpikingPopulation(32, {"input": PerModality(4, 8)})
            self.graph = SpikingPopulation(64, {"encode": GraphConvolution(partitions, 32, 64)})
            self.readout = SpikingPopulation(classes, {"graph": ClassSum(20, 64, classes)})
            self.declare([
                Node("encode", "encode", (20, 32), ("joint", "channel"), self.encode),
                Node("graph", "graph", (20, 64), ("joint", "channel"), self.graph),
                Node("readout", "readout", (classes, 1), ("class", "copy"), self.readout),
            ])

Spikes are (V, T, B, C): positions (joints), frames, clips, channels. Every synapse module maps them to the sums of its
target population and lowers itself; `examples/own_network.py` trains and exports such a network.
"""

from mksgn_neuro.nn.gate import gate_population, gated
from mksgn_neuro.nn.network import Activity, SpikingNetwork
from mksgn_neuro.nn.nodes import INPUT, AndGate, Node, TorchNode
from mksgn_neuro.nn.plain import Conv1d, Conv2d, Dense
from mksgn_neuro.nn.population import DECAY_ONE, V_DECAY, SpikingPopulation
from mksgn_neuro.nn.stages import fold, quantize
from mksgn_neuro.nn.synapses import (
    ClassSum,
    GraphConvolution,
    HeadSum,
    PerModality,
    Pointwise,
    Shortcut,
    SynapseModule,
    TemporalTaps,
)

__all__ = [
    "DECAY_ONE",
    "INPUT",
    "V_DECAY",
    "Activity",
    "AndGate",
    "ClassSum",
    "Conv1d",
    "Conv2d",
    "Dense",
    "GraphConvolution",
    "HeadSum",
    "Node",
    "PerModality",
    "Pointwise",
    "Shortcut",
    "SpikingNetwork",
    "SpikingPopulation",
    "SynapseModule",
    "TemporalTaps",
    "TorchNode",
    "fold",
    "gate_population",
    "gated",
    "quantize",
]
