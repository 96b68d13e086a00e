"""Many weight matrices through lava's own functions, in a process that may import them."""

import numpy as np
from lava.lib.dl.netx.utils import optimize_weight_bits
from lava.utils.weightutils import clip_weights, determine_sign_mode, truncate_weights

from mksgn_neuro.export.child import serve


def as_synapse(weights, bits, exponent):
    mode = determine_sign_mode(weights)
    weights = truncate_weights(clip_weights(weights, mode, num_bits=8), mode, bits)
    return weights * 2.0**exponent


def work(payload):
    answer = {}
    for i in range(int(payload["count"])):
        parts = [payload[f"{i}.{name}"] for name in ("weight", "weight_rec") if f"{i}.{name}" in payload]
        try:
            joined, bits, exponent, _ = optimize_weight_bits(np.hstack(parts))
        except OverflowError:
            continue
        width = parts[0].shape[1]
        for name, part in zip(("weight", "weight_rec"), (joined[:, :width], joined[:, width:])):
            if part.size:
                answer[f"{i}.{name}"] = as_synapse(part, bits, exponent)
        answer[f"{i}.bits"] = np.array(bits)
    return answer


if __name__ == "__main__":
    serve(work)
