import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.commands.inspect import bar
from mksgn_neuro.data.frames import Scaling
from mksgn_neuro.data.protocols import Timing
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.errors import BadInput, WorkFailed
from mksgn_neuro.ir import Network, Population, Projection, Source, Task
from mksgn_neuro.ir.store import save
from mksgn_neuro.models.store import Model, build_student, save_model
from mksgn_neuro.nn.stages import fold, quantize
from mksgn_neuro.training.presets import preset
from tests.chip.sample_networks import lava_dl_test_file, mnist_mlp, student


def inspect(*arguments):
    result = CliRunner().invoke(cli, ["inspect", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, (SystemExit, BadInput, WorkFailed)):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    path = tmp_path_factory.mktemp("inspect") / "mnist.ir.h5"
    save(mnist_mlp(), path)
    return path


def test_json_is_one_document_with_every_core(mnist):
    document = json.loads(inspect(mnist, "--json").stdout)
    assert document["fits"] and document["violations"] == []
    assert (document["cores"], document["compiler_cores"], document["chips"]) == (5, 5, 1)
    assert document["cores_of"] == {"dense0": 3, "dense1": 1, "dense2": 1}
    assert [p["neurons"] for p in document["populations"]] == [128, 64, 10]
    assert document["synapses"] == sum(p["synapses"] for p in document["populations"]) == 784 * 128 + 128 * 64 + 640
    assert sum(core["neurons"] for core in document["utilisation"]) == document["neurons"] == 202
    fullest = max(document["utilisation"], key=lambda core: core["shares"]["memory_words"])
    assert document["fullest"][0] == fullest["core"]
    assert {limit["confidence"] for limit in document["limits"]} <= {"published", "observed", "assumed", "user"}


def test_the_terminal_shows_bars_the_fullest_cores_and_what_limits(mnist):
    shown = inspect(mnist).stdout
    assert bar(document_of(mnist)["utilisation"][0]["shares"]["memory_words"]) in shown
    assert "5 of 120 loihi2 cores (1 chip)" in shown
    assert "what limits: memory words on 5 cores" in shown
    assert shown.split("fullest cores: ")[1].count("%") == 3


def test_memory_is_one_line_for_people_and_a_key_for_machines(mnist):
    memory = document_of(mnist)["memory"]
    assert set(memory) >= {"frames", "delays", "leaks", "exact", "latency_steps"}
    assert (memory["delays"], memory["latency_steps"]) == (0, 3)
    shown = inspect(mnist).stdout.splitlines()
    assert "time: answers 3 steps after a frame" in shown
    (said,) = [text for text in shown if text.startswith("memory: ")]
    assert said.startswith("memory: 0 frames through delays, ")


@pytest.mark.parametrize(
    ("rate", "window", "said", "seconds"),
    [
        (
            20.0,
            10,
            "20 frames a second, the last 10 frames (0.50 s) decide; answers 3 steps after a frame = 0.15 s",
            0.5,
        ),
        (20.0, None, "20 frames a second, all frames of the clip decide; answers 3 steps after a frame = 0.15 s", 0.5),
        (
            None,
            None,
            "no frame rate, trained on clips stretched to 52 frames, all of which decide; answers 3 steps",
            None,
        ),
    ],
)
def test_rate_window_and_latency_are_said_in_seconds(tmp_path, rate, window, said, seconds):
    """Three levels, of which the second waits ten frames."""
    populations = tuple(Population.of(f"p{i}", "layer", (2,), vth=60, v_decay=4096) for i in range(3))
    links = zip(("input", "p0", "p1"), ("p0", "p1", "p2"), (0, 10, 0))
    projections = tuple(Projection(pre, post, np.full((2, 2), 80), delay) for pre, post, delay in links)
    task = Task(("a", "b"), ("hip", "knee"), (-1, 0), 52, ("joint",), (60.0,), 0, rate=rate, window=window)
    save(Network(Source("input", (2,), 0), populations, projections, "p2", task=task), tmp_path / "n.ir.h5")
    document = document_of(tmp_path / "n.ir.h5")
    assert (document["rate"], document["window"]) == (rate, window)
    memory = document["memory"]
    assert (memory["frames"], memory["seconds"], memory["exact"]) == (10, seconds, True)
    assert memory["latency_seconds"] == (None if rate is None else 0.15)
    shown = inspect(tmp_path / "n.ir.h5").stdout
    assert f"time: {said}" in shown
    assert f"memory: exactly 10 frames{' (0.50 s)' if rate else ''} before the present one" in shown
    assert ("= 0.15 s at one step per frame\n" in shown) == (rate is not None)


def document_of(path):
    return json.loads(inspect(path, "--json").stdout)


def test_a_bar_is_as_long_as_its_share():
    assert bar(0.0) == "··········   0%"
    assert bar(0.52) == "█████·····  52%"
    assert bar(1.0) == "██████████ 100%"
    assert bar(2.5) == "[red]██████████ 250%[/red]"


def test_what_does_not_fit_gets_the_table_and_exit_1(mnist, tmp_path):
    chip = tmp_path / "small.toml"
    chip.write_text("[limits]\ncores = 3\n")
    result = inspect(mnist, "--chip", chip)
    assert isinstance(result.exception, WorkFailed) and result.exception.exit_code == 1
    assert "allow 2 chips (--chips 2)" in str(result.exception)
    assert "violation" in result.stdout and "hint" in result.stdout
    assert inspect(mnist, "--chip", chip, "--chips", 2).exit_code == 0


def test_what_does_not_fit_is_in_the_json_too(mnist, tmp_path):
    chip = tmp_path / "small.toml"
    chip.write_text("[limits]\ncores = 3\n")
    result = inspect(mnist, "--chip", chip, "--json")
    (violation,) = json.loads(result.stdout)["violations"]
    assert (violation["rule"], violation["value"], violation["limit"]) == ("cores", 5, 3)
    assert result.exception.exit_code == 1


def test_graded_input_does_not_fit_loihi1(tmp_path):
    path = tmp_path / "student.ir.h5"
    save(student((8,)), path)
    result = inspect(path, "--chip", "loihi1", "--json")
    assert [v["rule"] for v in json.loads(result.stdout)["violations"]] == ["payload_bits"]


def test_the_base_student_fits_one_chip_as_graph_and_as_chain(tmp_path):
    chosen = preset("base")
    torch.manual_seed(0)
    trained = quantize(fold(build_student(chosen.student(10), KINECT_20, chosen.graph_radius).eval()))
    path = save_student(trained, tmp_path)
    document = json.loads(inspect(path, "--json").stdout)
    assert (document["rate"], document["window"]) == (30, 20)
    assert document["representation"] == "graph" and document["fits"]
    assert document["cores"] <= 120
    assert document["other_representations"]["layered"]["fits"]
    assert document["other_representations"]["layered"]["neurons"] > document["neurons"]
    hops = document["mean_hops"]
    assert hops["placed"] <= 0.75 * hops["naive"]


def test_intels_pilotnet_file():
    document = document_of(lava_dl_test_file("gts/pilotnet_lif/network.net"))
    assert (document["kind"], document["representation"], document["fits"]) == ("netx", "layered", True)
    assert document["compiler_cores"] == 74


def save_student(trained, folder):
    names, timing = tuple(f"class {i}" for i in range(10)), Timing(30.0, 20, 52)
    save_model(Model(trained, KINECT_20, 1, Scaling((60.0,) * 4, 0), names, timing, "synthetic"), folder / "model.pt")
    return folder / "model.pt"


@pytest.mark.parametrize(
    ("name", "said"), [("absent.ir.h5", "no such file"), ("notes.txt", "unknown kind of file"), ("x.ir.h5", "HDF5")]
)
def test_bad_files_are_bad_input(tmp_path, name, said):
    if name != "absent.ir.h5":
        (tmp_path / name).write_text("hello")
    result = inspect(tmp_path / name)
    assert isinstance(result.exception, BadInput)
    assert said in str(result.exception) and str(tmp_path / name) in str(result.exception)
