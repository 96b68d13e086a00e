"""What the commands do, in Python: `import mksgn_neuro`, `load`, and the verbs of the command line on what is loaded.

    import mksgn_neuro as mk
    net = mk.load("network.nir")               # or a model.pt, .net, .ir.h5, "nw-ucla", a network in memory
    written = net.export("loihi2")             # network.net with its sidecar and script
    assert net.verify(written.main).ok         # every spike of every neuron, simulated on CPU
    spikes = net.simulate(x).spikes            # population → uint8 (T, N), x integers (T, N)

Everything is simulated on CPU. What a user can cause raises a `UserError`: `BadInput`, `Unsupported`, `WorkFailed`.
"""

from mksgn_neuro.api.loaded import Loaded, Verified
from mksgn_neuro.api.sources import load, read_clips, train

__all__ = ["Loaded", "Verified", "load", "read_clips", "train"]
