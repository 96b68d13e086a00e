"""What numba does not promise: its private option, and a cache that knows of one file only."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from mksgn_neuro.sim import kernels, machine, passes, scatter, uncounted
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.stepwise import run_stepwise
from mksgn_neuro.sim.uncounted import UNCOUNTED
from mksgn_neuro.workflows.ahead import compile_ahead
from tests.networks import random_inputs, random_network


@pytest.mark.parametrize("module", [kernels, machine, passes, scatter], ids=lambda module: module.__name__)
def test_compiled_files_name_the_content_of_what_they_are_built_of(module):
    folder = Path(module.__file__).parent
    found = {n: hashlib.blake2b((folder / n).read_bytes(), digest_size=8).hexdigest() for n in module.BUILT_OF}
    assert found == module.BUILT_OF, f"write these digests into {module.__file__}: numba's cache is stale until then"


def test_this_numba_knows_the_option_and_counts_no_references_with_it():
    assert UNCOUNTED == {"_nrt": False}, "numba dropped the option: narrow the range in setup.cfg, or find another way"

    def chosen(arrays, n):
        total = 0.0
        for i in range(n):
            first = other = arrays[0] if i % 2 else arrays[1]
            for j in range(i):
                first = other if j % 3 else arrays[1]
                total += first[j % 4]
        return total

    given = ((np.ones(4), np.ones(4)), 4)
    counted, uncounted_ = numba.njit(chosen), numba.njit(**UNCOUNTED)(chosen)
    assert counted(*given) == uncounted_(*given) == 6
    count = lambda function: next(iter(function.inspect_llvm().values())).count("NRT_decref")
    assert count(uncounted_) == 0 < count(counted)


def test_without_the_option_kernels_compute_the_same(tmp_path):
    program = f"""
import numba.core.cpu as cpu
import numpy as np
options, cpu.CPUTargetOptions = cpu.CPUTargetOptions, object
from {uncounted.__name__} import UNCOUNTED
cpu.CPUTargetOptions = options
assert UNCOUNTED == {{}}
from mksgn_neuro.sim import reference
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.workflows.ahead import compile_ahead
from tests.networks import random_inputs, random_network
network = random_network(3, populations=2, max_size=20)
inputs = random_inputs(3, network, 12)
found = Emulator(network, threads=1).run(inputs, record="all").spikes
expected = reference.run(network, inputs)
assert all(np.array_equal(found[name][0], expected[name].spikes) for name in found)
"""
    environment = {"NUMBA_CACHE_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path.cwd())}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_what_is_compiled_ahead_is_all_that_any_network_needs():
    kernels_of = (passes.fill_inputs, passes.count_inputs, passes.count_spikes, passes.count_windows)
    every = (kernels.run, machine.advance, machine._made, *kernels_of)
    compile_ahead()
    assert all(function.signatures for function in every)
    before = [len(function.signatures) for function in every]
    for bits in (0, 8):
        network = random_network(5, loops=True, message_bits=bits)
        inputs = random_inputs(5, network, 9)
        Emulator(network, threads=2).run([inputs, inputs[:4]], record="all", states=True, reset_interval=5)
        run_stepwise(network, inputs)
    assert [len(function.signatures) for function in every] == before
