"""What the first use would wait for, done at the end of an installation: `python -m mksgn_neuro.workflows.ahead`.

The emulators' kernels are compiled, for this kind of processor; numba keeps them beside this package where that can be
written to (`processes.compiled`). The networks in the package are lowered, which loads PyTorch; they lie in this user's
cache. Where one of the two is missing, the first command does it.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.processes.compiled import COMPILING
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.stepwise import StepEmulator
from mksgn_neuro.workflows.load import load_networks, shipped


def compile_ahead() -> float:
    """Run both emulators for a step or two: kernels have one form for all networks. Gives the seconds of compiling."""
    before, network = COMPILING.seconds, _smallest()
    inputs = np.ones((2, network.source.size), dtype=np.int32)
    Emulator(network, threads=1).run(inputs)
    StepEmulator(network).step(inputs[0])
    return COMPILING.seconds - before


def _smallest() -> Network:
    source = Source("input", (1,))
    readout = Population.of("readout", "readout", (1,), vth=1, v_decay=0, axes=("class",))
    projection = Projection("input", "readout", sp.csr_matrix(np.full((1, 1), 2)))
    return Network(source, (readout,), (projection,), "readout")


def main() -> None:
    """Do it and say so."""
    print(f"compiled the emulators' kernels in {compile_ahead():.1f} s")
    for name, path in shipped().items():
        load_networks(path)
        print(f"lowered {name}")


if __name__ == "__main__":
    main()
