"""What a person writes in an afternoon: a loop over time steps in int32, weights of the neurons that fired summed."""

import numpy as np

VERSIONS = ()
BATCH = 1


def build(given):
    weights = [given[f"w{k}"].T.copy() for k in range(len(given["vth"]))]  # (pre, post): a spike's row lies together

    def run():
        sent = [np.zeros(len(w), dtype=bool) for w in weights]
        voltages = [np.zeros(w.shape[1], dtype=np.int32) for w in weights]
        out = []
        for frame in given["inputs"][0]:
            sent[0] = frame != 0
            fired = []
            for w, x, v, vth in zip(weights, sent, voltages, given["vth"]):
                v += w[np.flatnonzero(x)].sum(axis=0, dtype=np.int32)
                fired.append(v > vth)
                v[fired[-1]] = 0
            sent[1:] = fired[:-1]
            out.append(fired[-1])
        return np.stack(out)[None]

    return run
