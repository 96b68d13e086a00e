"""What SANA-FE counts on its description of Loihi: `python sana_fe_events.py NETWORK.npz`, one JSON line."""

import json
import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import sana_fe


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # SANA-FE prints progress
    with np.load(sys.argv[1]) as file:
        given = dict(file)
    chip, _ = sana_fe.load(given)
    found = chip.sim(given["inputs"].shape[1], timing_model="simple", processing_threads=1, perf_trace=True)
    fired = found["neurons_fired"] - int(given["inputs"][0].sum())  # inputs are neurons of SANA-FE
    counts = {"acs": found["spikes"], "messages": found["packets_sent"], "spikes": fired}
    counts["hops"] = int(sum(found["perf_trace"]["hops"]))
    counts["updates"] = found["neurons_updated"] - int(given["inputs"][0].sum())
    print(json.dumps(counts | {"joules": found["energy"]}), file=answers)


if __name__ == "__main__":
    main()
