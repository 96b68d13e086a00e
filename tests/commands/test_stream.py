import json

import numpy as np
import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.frames import Scaling, encode
from mksgn_neuro.data.skeleton import from_parents
from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import Network, Population, Projection, Source, Task
from mksgn_neuro.ir.store import save
from mksgn_neuro.sim.engine import Emulator
from tests.networks import random_weights

PARENTS = (-1, 0, 1)
TASK = Task(("sit", "stand"), ("hip", "knee", "foot"), PARENTS, 8, ("joint", "bone motion"), (60.0, 250.0), 0)


def small_network(task=TASK):
    rng = np.random.default_rng(1)
    source = Source("input", (2, 3, 3), 8, ("modality", "joint", "coordinate"))
    populations = (
        Population.of("encode", "encode", (3, 8), vth=120, v_decay=2458, axes=("joint", "channel")),
        Population.of("readout", "readout", (2, 2), vth=90, v_decay=2458, axes=("class", "copy")),
    )
    projections = (
        Projection("input", "encode", random_weights(rng, 24, 18, 0.3)),
        Projection("encode", "readout", random_weights(rng, 4, 24, 0.9), delay=1),
    )
    return Network(source, populations, projections, readout="readout", hop=0, task=task)


def walk(seed, frames):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(0, 0.15, (frames, 3, 3)), axis=0)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "small.ir.h5"
    save(small_network(), path)
    return path


def run(model, text, *options):
    return CliRunner().invoke(cli, ["stream", str(model), *options], input=text)


def test_each_frame_has_the_scores_that_the_batch_has_then(model):
    network, clips = small_network(), [walk(0, 30), walk(1, 12)]
    result = run(model, "\n\n".join("\n".join(json.dumps(f.tolist()) for f in clip) for clip in clips) + "\n")
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(answers) == 42
    scaling = Scaling(TASK.counts_per_metre, 0, TASK.modalities)
    skeleton = from_parents(np.array(PARENTS), TASK.joint_names, 0)
    at = 0
    for clip in clips:
        inputs = encode(clip, scaling, skeleton).reshape(len(clip), -1)
        for t in range(len(clip)):
            expected = Emulator(network, threads=1).run(inputs[: t + 1]).scores[0]
            answer = answers[at]
            assert answer["frame"] == t
            assert list(answer["scores"]) == ["sit", "stand"]
            assert list(answer["scores"].values()) == expected.tolist()
            assert answer["decision"] == TASK.class_names[int(np.argmax(expected))]
            assert answer["latency_ms"] > 0
            at += 1
    assert any(sum(answer["scores"].values()) for answer in answers)


def test_a_window_decides_on_the_last_frames(model):
    lines = "\n".join(json.dumps(frame.tolist()) for frame in walk(0, 30))
    whole = [json.loads(line) for line in run(model, lines).stdout.splitlines()]
    recent = [json.loads(line) for line in run(model, lines, "--window", "5").stdout.splitlines()]
    expected = whole[-1]["scores"]["sit"] - whole[-6]["scores"]["sit"]
    assert recent[-1]["scores"]["sit"] == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", "stdin line 2: not a JSON array"),
        ("[[1, 2, 3]]", "stdin line 2: has shape"),
        ('[[1, 2, "x"], [1, 2, 3], [1, 2, 3]]', "stdin line 2: not a JSON array"),
        ("[[1, 2, NaN], [1, 2, 3], [1, 2, 3]]", "stdin line 2: has values"),
    ],
)
def test_a_bad_line_is_named(model, line, message):
    result = run(model, json.dumps(walk(0, 1)[0].tolist()) + "\n" + line + "\n")
    assert isinstance(result.exception, BadInput)
    assert message in str(result.exception)
    assert len(result.stdout.splitlines()) == 1


def test_a_network_that_does_not_say_what_it_takes_is_refused(tmp_path):
    save(small_network(task=None), tmp_path / "n.ir.h5")
    result = run(tmp_path / "n.ir.h5", "")
    assert isinstance(result.exception, BadInput)
    assert "model.pt" in str(result.exception)
