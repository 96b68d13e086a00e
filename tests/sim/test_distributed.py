import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np

from mksgn_neuro.sim.engine import Emulator
from tests.networks import random_inputs, random_network

NETWORK = random_network(4, loops=True, max_size=30)
CLIPS = [random_inputs(i, NETWORK, 3 + 4 * i) for i in range(7)]
RANK = """
import os, pickle, sys
import torch.distributed as dist
from mksgn_neuro.sim import distributed
from mksgn_neuro.sim.engine import Emulator
from tests.sim.test_distributed import CLIPS, NETWORK

dist.init_process_group("gloo")
found = distributed.run(Emulator(NETWORK, threads=1), CLIPS, drain=3)
with open(f"{sys.argv[1]}.{dist.get_rank()}", "wb") as file:
    pickle.dump(found, file)
os._exit(0)  # gloo of torch 2.3 can hang in destroy_process_group when both ranks leave at once
"""


def test_two_processes_give_the_totals_of_one(tmp_path):
    script, out = tmp_path / "rank.py", tmp_path / "out"
    script.write_text(RANK)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "OMP_NUM_THREADS": "1"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run([*torchrun, script, out], env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    one = Emulator(NETWORK, threads=1).run(CLIPS, drain=3)
    for rank in range(2):
        scores, counts = pickle.loads((tmp_path / f"out.{rank}").read_bytes())
        assert np.array_equal(scores, one.scores)
        assert (counts.clips, counts.steps) == (7, one.counts.steps)
        assert counts.max_step_spikes == one.counts.max_step_spikes
        assert counts.max_step_synops == one.counts.max_step_synops
        assert counts.spikes.keys() == one.counts.spikes.keys()
        assert all(np.array_equal(counts.spikes[name], one.counts.spikes[name]) for name in counts.spikes)
