"""A stream with damaged frames through `stream` itself: whole, it does what `simulate` finds."""

import json
import re
from collections import Counter

import numpy as np
from click.testing import CliRunner

from benchmarks import damaged
from mksgn_neuro.workflows.inputs import Request, clips_for
from mksgn_neuro.workflows.load import load_networks
from mksgn_neuro.workflows.recognise import recognise
from tests.benchmarks.test_protocols import data, saved  # noqa: F401 (a fixture)
from tests.small_models import CAMERA


def run(*arguments):
    return CliRunner().invoke(damaged.main, [*map(str, arguments)], catch_exceptions=False)


def test_whole_it_is_as_simulated_and_damaged_the_product_says_so(data, tmp_path):  # noqa: F811
    model, _ = saved(tmp_path, CAMERA)
    network = load_networks(model).built_for("stream")
    clips = clips_for(network.task, Request(path=data))
    expected = recognise(network, clips, "continuous").as_json("paper")["accuracy"]
    said = run(data, model, "--seeds", 1, "--share", 0.2).stdout.splitlines()
    assert said[0].endswith(f"simulated on CPU: {damaged.said(expected)} % undamaged")
    flags = {name: int(n) for n, name in re.findall(r"(\d+) (held|absent|error)", said[1].partition("answers:")[2])}
    made = sum(int(n) for n in re.findall(r"(\d+) [a-zN]", said[1].partition("damaged: ")[2].partition(";")[0]))
    assert made == sum(flags.values()) > 50 and min(flags["held"], flags["error"]) > 0
    untouched = run(data, model, "--seeds", 1, "--share", 0).stdout.splitlines()
    assert untouched[-1] == "points lost: 0.0 / 0.0 mean, 0.0 / 0.0 at most"


def test_the_damage_is_of_every_kind_and_the_same_each_time():
    positions = np.random.default_rng(0).normal(0, 1, (2000, 5, 3)).astype(np.float32)
    kinds = tuple(damaged.KINDS)
    lines, made = damaged.damaged(positions, 0.05, kinds, 1)
    assert (lines, made) == damaged.damaged(positions, 0.05, kinds, 1) and set(made) == {None, *kinds}
    assert 0.03 < 1 - made[None] / 2000 < 0.07
    found = Counter()
    for line, frame in zip(lines, positions.tolist()):
        try:
            said = json.loads(line)
        except ValueError:
            found["bad line"] += 1
            continue
        if len(said) < 5:
            found["short"] += 1
        else:
            found[None if said == frame else "lost"] += 1
    assert found[None] == made[None] and found["lost"] == made["joints lost"] + made["NaN"]
    assert found["bad line"] == made["bad line"] and found["short"] == made["short frame"] + made["empty detection"]
