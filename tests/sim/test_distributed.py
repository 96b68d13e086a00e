import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np

from mksgn_neuro.sim.counts import total
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.readout import Readout
from mksgn_neuro.workflows.simulate import silent_steps_after
from tests.networks import random_inputs, random_network

NETWORK = random_network(4, loops=True, max_size=30)
CLIPS = [random_inputs(i, NETWORK, 3 + 4 * i) for i in range(7)]
RANK = """
import os, pickle, sys
import torch.distributed as dist
from mksgn_neuro.sim import distributed, streams
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.workflows.simulate import silent_steps_after
from tests.sim.test_distributed import CLIPS, NETWORK

dist.init_process_group("gloo")
silent = silent_steps_after(NETWORK)
runs = [(CLIPS, None), (CLIPS, 90), (CLIPS[6:], None)]
emulator = Emulator(NETWORK, threads=1)
distributed.REDUCED = 10  # so that there are several blocks
streams.LONG, emulator.group_rows = 20, 8  # and some streams run piece by piece
found = [
    list(distributed.run(emulator, clips, silent_steps=silent, reset_interval=interval)) for clips, interval in runs
]
with open(f"{sys.argv[1]}.{dist.get_rank()}", "wb") as file:
    pickle.dump(found, file)
os._exit(0)  # gloo of torch 2.3 can hang in destroy_process_group when both ranks leave at once
"""


def expected(clips, **options):
    """Class spikes of each clip, cut from what one process records, and its counts."""
    one = Emulator(NETWORK, threads=1).run(clips, record=[NETWORK.readout], **options)
    readout, spikes = Readout.of(NETWORK), one.spikes[NETWORK.readout]
    voted = [readout.scores(own[readout.first :][: len(clip)]) for own, clip in zip(spikes, clips)]
    assert [len(v) for v in voted] == [len(c) for c in clips]
    assert np.array_equal([v.sum(axis=0) for v in voted], one.scores)
    return voted, one.counts


def test_two_processes_give_the_totals_of_one(tmp_path):
    """Streams of different lengths, with and without resets, and fewer streams than processes."""
    script, out = tmp_path / "rank.py", tmp_path / "out"
    script.write_text(RANK)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "OMP_NUM_THREADS": "1"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run([*torchrun, script, out], env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    silent_steps = {"silent_steps": silent_steps_after(NETWORK)}
    runs = [
        expected(CLIPS, **silent_steps),
        expected(CLIPS, **silent_steps, reset_interval=90),
        expected(CLIPS[6:], **silent_steps),
    ]
    for rank in range(2):
        for parts, (whole, one) in zip(pickle.loads((tmp_path / f"out.{rank}").read_bytes()), runs):
            counts = total([counts for _, counts in parts])
            assert np.array_equal(np.concatenate([rows for rows, _ in parts]), np.concatenate(whole))
            assert (counts.clips, counts.steps) == (one.clips, one.steps)
            assert counts.max_step_spikes == one.max_step_spikes
            assert counts.max_step_synops == one.max_step_synops
            assert counts.spikes.keys() == one.spikes.keys()
            assert all(np.array_equal(counts.spikes[name], one.spikes[name]) for name in counts.spikes)
