"""Many runs of the stock loader in one process: importing Lava takes longer than running it."""

import json
import traceback

import numpy as np

from mksgn_neuro.export.child import run_child, serve
from mksgn_neuro.export.netx import stock_child
from mksgn_neuro.export.netx.stock_loader import traces


def run_batch(runs, limit=240):
    """Per run what run_stock_loader returns, or the last line of Lava's traceback."""
    payload = {f"{i}/{name}": array for i, run in enumerate(runs) for name, array in run.payload().items()}
    answer = run_child("tests.export.netx.stock_batch", payload, limit)
    results = []
    for i in range(len(runs)):
        own = parts(answer, i)
        results.append(str(own["error"]) if "error" in own else traces(own))
    return results


def parts(arrays, i):
    return {name.split("/", 1)[1]: array for name, array in arrays.items() if name.split("/", 1)[0] == str(i)}


def work(payload):
    answer = {}
    for i in sorted({int(name.split("/", 1)[0]) for name in payload}):
        try:
            own = stock_child.work(parts(payload, i))
        except Exception:
            own = {"error": np.array(traceback.format_exc().strip().splitlines()[-1])}
            print(f"run {i} raised {json.loads(str(parts(payload, i)['request']))['path']}")
        answer.update({f"{i}/{name}": array for name, array in own.items()})
    return answer


if __name__ == "__main__":
    serve(work)
