"""Many Lava runs in one child: importing Lava takes longer than a small run."""

import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest

from mksgn_neuro.export.child import run_child, serve
from mksgn_neuro.export.lava_graph import request

try:
    version("lava-nc")
    missing = False
except PackageNotFoundError:
    missing = True

needs_lava_nc = pytest.mark.skipif(missing, reason="lava-nc is not installed (docs/lava.md)")


def run_lava_batch(cases, limit=280):
    """Of each (network, inputs, period), what run_lava returns."""
    with tempfile.TemporaryDirectory() as folder:
        payload = {}
        for i, (network, inputs, reset_interval) in enumerate(cases):
            one = request(network, inputs, reset_interval, list(network.by_name), Path(folder) / f"{i}.h5")
            payload |= {f"{i}/{name}": array for name, array in one.items()}
        answer = run_child("tests.export.lava_batch", payload, limit)
    return [parts(answer, i) for i in range(len(cases))]


def parts(arrays, i):
    return {name.split("/", 1)[1]: array for name, array in arrays.items() if name.split("/", 1)[0] == str(i)}


def work(payload):
    from mksgn_neuro.export.lava.run import work as run_one

    answer = {}
    for i in range(len({name.split("/", 1)[0] for name in payload})):
        answer |= {f"{i}/{name}": np.array(spikes) for name, spikes in run_one(parts(payload, i)).items()}
    return answer


if __name__ == "__main__":
    serve(work)
