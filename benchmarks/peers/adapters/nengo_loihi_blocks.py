"""nengo-loihi's emulator, one clip: blocks of int32, which are given our integers after its own rounding.

Its voltages may be as negative as ours (vmin), and a current lasts one step.
"""

import numpy as np
from nengo_loihi.block import Axon, LoihiBlock, Synapse
from nengo_loihi.builder import Model
from nengo_loihi.builder.discretize import discretize_model
from nengo_loihi.emulator import EmulatorInterface
from nengo_loihi.inputs import SpikeInput
from nengo_loihi.probe import LoihiProbe

VERSIONS = ("nengo-loihi", "nengo")
BATCH = 1


def build(given):
    clip, model = given["inputs"][0], Model()
    source = SpikeInput(clip.shape[1])
    for t, frame in enumerate(clip, 1):
        source.add_spikes(t, np.flatnonzero(frame), permanent=True)
    model.add_input(source)
    blocks, before = [], source
    for k in range(len(given["vth"])):
        w = given[f"w{k}"]
        block, synapse, axon = LoihiBlock(len(w)), Synapse(w.shape[1]), Axon(w.shape[1])
        synapse.set_weights(w.T.astype(np.float32))
        block.compartment.configure_relu()
        block.add_synapse(synapse)
        model.add_block(block)
        axon.target = synapse
        before.add_axon(axon)
        blocks.append(block)
        before = block
    probe = LoihiProbe(target=blocks[-1], key="spiked")
    model.add_probe(probe)
    discretize_model(model)
    for k, block in enumerate(blocks):
        for own, row in zip(block.synapses[0].weights, given[f"w{k}"].T):
            own[:] = 64 * row
        block.compartment.vth[:] = 64 * given["vth"][k]
        block.compartment.vmin = -(2**23) + 1
        block.compartment.decay_u[:] = 4095
        block.compartment.bias[:] = 0
        block.compartment.refract_delay[:] = 1

    def run():
        with EmulatorInterface(model) as emulator:
            emulator.run_steps(len(clip))
            return np.asarray(emulator.collect_probe_output(probe)).reshape(1, len(clip), -1)

    return run
