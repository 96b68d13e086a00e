"""SANA-FE on its own description of Loihi, simple timing, one clip; every level on a core of its own."""

import numpy as np
import sanafe

VERSIONS = ("sanafe",)
BATCH = 1


def load(given):
    """The loaded chip, and its last group: the input and each level on a core of its own, in order, while there are."""
    arch = sanafe.load_loihi()
    net = sanafe.Network()
    sizes = [given["w0"].shape[1], *(len(given[f"w{k}"]) for k in range(len(given["vth"])))]
    groups = [net.create_neuron_group("input", sizes[0], {}, soma_hw_name="loihi_inputs[0]")]
    for k, vth in enumerate(given["vth"]):
        model = {"threshold": float(vth), "leak_decay": 1.0, "reset": 0.0, "reset_mode": "hard"}
        groups.append(net.create_neuron_group(f"level{k}", sizes[k + 1], model, soma_hw_name="loihi_lif"))
    cores = arch.cores() if callable(arch.cores) else arch.cores
    for k, group in enumerate(groups):
        group.map_to_core(cores[k * len(cores) // max(len(groups), len(cores))])
    for i, neuron in enumerate(groups[0].neurons):
        neuron.set_attributes(
            soma_hw_name=f"loihi_inputs[{i}]", model_attributes={"spikes": given["inputs"][0][:, i].tolist()}
        )
    for k in range(len(given["vth"])):
        _connect(groups[k], groups[k + 1], given[f"w{k}"].T.astype(float))
    for neuron in groups[-1].neurons:
        neuron.set_attributes(log_spikes=True)
    chip = sanafe.SpikingChip(arch)
    chip.load(net)
    return chip, groups[-1]


def _connect(pre, post, weights):
    """All pairs (pre, post); if most of them have no synapse, those that have."""
    pairs = np.argwhere(weights)
    if len(pairs) < weights.size / 2:
        pre.connect_neurons_sparse(post, {"weight": weights[weights != 0].tolist()}, list(map(tuple, pairs.tolist())))
    else:
        pre.connect_neurons_dense(post, {"weight": weights.ravel().tolist()})


def build(given):
    chip, group = load(given)
    last, steps, size = group.get_name(), given["inputs"].shape[1], len(group.neurons)

    def run():
        chip.reset()
        found = chip.sim(steps, timing_model="simple", processing_threads=1, spike_trace=True)
        spikes = np.zeros((1, steps, size), dtype=np.uint8)
        for t, fired in enumerate(found["spike_trace"]):
            for address in fired:
                if address.group_name == last:
                    spikes[0, t, address.neuron_offset] = 1
        return spikes

    return run
