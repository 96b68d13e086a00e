"""`simulate --input`: a stranger's netx file and a plain array, and nothing done about them in silence."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.errors import BadInput, Unsupported
from mksgn_neuro.export.netx.reader import read_netx
from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.ir.store import save
from mksgn_neuro.sim.reference import run as reference_run
from mksgn_neuro.workflows.arrays import read_input
from tests.export.netx.test_reader import CUBA, conv, dense, image, write_foreign

KERNEL = np.random.default_rng(3).integers(-30, 31, (2, 4, 2, 2)) * 2
PATTERN = (np.random.default_rng(4).random((4, 6, 4, 30)) < 0.3).astype(int)  # (C, H, W, T), C = W


def simulate(*arguments):
    result = CliRunner().invoke(cli, ["simulate", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def document(*arguments):
    return json.loads(simulate(*arguments, "--json"))


def saved(path, array):
    np.save(path, array)
    return path


@pytest.fixture
def heavy(tmp_path):
    """One synapse beyond the range: as written, 400 is above the threshold; as loaded, 254 is not."""
    neuron = {**CUBA, "vDecay": 4096, "vThMant": 300}
    return write_foreign(tmp_path / "heavy.net", dense([[400, -80]], neuron=neuron))


@pytest.fixture
def square(tmp_path):
    return write_foreign(tmp_path / "square.net", image(4, 6, 4), conv(KERNEL, [2, 5, 3]))


def test_a_weight_beyond_the_range_runs_as_the_loader_clips_it_and_is_told(heavy, tmp_path):
    ones = saved(tmp_path / "x.npy", np.ones((2, 12), int))
    for backend in ("emulator", "reference"):
        said = document(heavy, "--input", ones, "--backend", backend)
        assert said["spikes"] == {"layer0": 0}
        assert said["findings"] == [
            "/layer/0/weight: the stock loader runs 254 instead of 400 at [0, 0]",
            "layer0, the last layer, can never fire: v is at most 16256 whatever comes in, its threshold 19200",
        ]
    text = simulate(heavy, "--input", ones)
    assert text.splitlines()[0] == f"note: {said['findings'][0]}" and "layer0: 0 spikes in 12 steps" in text


def test_graded_values_need_their_bits_whatever_the_backend(tmp_path):
    path = write_foreign(tmp_path / "n.net", dense([[30, -10], [8, 20]]))
    graded = saved(tmp_path / "x.npy", np.full((2, 9), 3))
    for backend in ("emulator", "reference"):
        with pytest.raises(BadInput, match=r"x\.npy: has values 3\.\.3, the input is binary.*--input-bits N"):
            simulate(path, "--input", graded, "--backend", backend)
        with pytest.raises(BadInput, match=r"2 bits hold integers in -2\.\.1"):
            simulate(path, "--input", graded, "--backend", backend, "--input-bits", 2)
        said = document(path, "--input", graded, "--backend", backend, "--input-bits", 4)
        network, _ = read_netx(path, input_message_bits=4)
        assert said["spikes"]["layer0"] == reference_run(network, np.full((9, 2), 3))["layer0"].spikes.sum() > 0


def test_axes_that_look_alike_must_be_named(square, tmp_path):
    """(4, 6, 4, T) is (C, H, W, T) as well as (W, H, C, T), and only one of them is right."""
    ours = saved(tmp_path / "chwt.npy", PATTERN)
    lavas = saved(tmp_path / "whct.npy", PATTERN.transpose(2, 1, 0, 3))
    flat = saved(tmp_path / "flat.npy", PATTERN.reshape(96, -1))
    expected = document(square, "--input", flat)["spikes"]["layer1"]
    assert expected > 0
    assert document(square, "--input", ours, "--axes", "chwt")["spikes"]["layer1"] == expected
    assert document(square, "--input", lavas, "--axes", "whct")["spikes"]["layer1"] == expected
    assert document(square, "--input", lavas, "--axes", "chwt")["spikes"]["layer1"] != expected
    with pytest.raises(BadInput, match=r"whct\.npy: has shape \(4, 6, 4, T\).*--axes chwt or --axes whct"):
        simulate(square, "--input", lavas)
    with pytest.raises(BadInput, match=r"flat\.npy: has shape \(96, 30\); give integers \(4, 6, 4, T\)"):
        simulate(square, "--input", flat, "--axes", "whct")


@pytest.mark.parametrize("shape", [(1, 2, 3), (3, 2, 1), (2, 3, 4)])
def test_axes_that_differ_are_told_apart_and_others_refused(shape, tmp_path):
    source = Source("input", shape, 8)
    population = Population.of("out", "layer", (1,), vth=1, v_decay=0)
    network = Network(source, (population,), (Projection("input", "out", np.ones((1, source.size))),), "out")
    values = np.random.default_rng(0).integers(-9, 9, (*shape, 5))
    flat = values.reshape(source.size, 5)
    for array in (values, values.transpose(2, 1, 0, 3), flat):
        assert np.array_equal(read_input(network, saved(tmp_path / "x.npy", array)), flat.T)
    for wrong in (values.transpose(1, 0, 2, 3), flat.reshape(*shape[:1], -1, 5), flat.T, flat[:, :0], flat[:1]):
        with pytest.raises(BadInput, match="has shape"):
            read_input(network, saved(tmp_path / "x.npy", wrong))
    ours = network.with_(source=Source("input", shape, 8, ("modality", "joint", "coordinate")))
    with pytest.raises(BadInput, match="has shape"):
        read_input(ours, saved(tmp_path / "x.npy", values.transpose(2, 1, 0, 3)))


def test_what_is_no_array_of_integers_is_refused(square, tmp_path):
    np.savez(tmp_path / "several.npz", a=np.ones(2))
    (tmp_path / "text.npy").write_text("no")
    (tmp_path / "pointer.npy").write_text("version https://git-lfs.github.com/spec/v1\n")
    saved(tmp_path / "half.npy", np.full((96, 3), 0.5))
    saved(tmp_path / "words.npy", np.full((96, 3), "a"))
    problems = {"several.npz": "several arrays", "text.npy": "not an .npy", "pointer.npy": "git lfs pull"}
    problems |= {"half.npy": "not integers", "words.npy": "not integers", "absent.npy": "no such file"}
    for name, problem in problems.items():
        with pytest.raises(BadInput, match=problem):
            simulate(square, "--input", tmp_path / name)


def test_a_first_convolution_takes_the_shape_that_fits_or_that_is_given(square, tmp_path):
    """The same spikes as with an input layer."""
    array = saved(tmp_path / "x.npy", PATTERN)
    expected = document(square, "--input", array, "--axes", "chwt")["spikes"]["layer1"]
    alone = write_foreign(tmp_path / "alone.net", conv(KERNEL, [2, 5, 3]))
    for given in ([], ["--input-shape", "4,6,4"]):
        said = document(alone, "--input", array, "--axes", "chwt", *given)
        assert said["spikes"]["layer0"] == expected
        assert ["input_shape=(4, 6, 4)" in finding for finding in said["findings"]] == ([] if given else [True])
    wide = write_foreign(tmp_path / "wide.net", conv(KERNEL, [2, 5, 2], stride=[1, 2]))
    with pytest.raises(BadInput, match=r"4 channels, height 6, width 4 to 5; give --input-shape C,H,W"):
        simulate(wide, "--input", array, "--axes", "chwt")
    assert document(wide, "--input", array, "--axes", "chwt", "--input-shape", "4,6,4")["spikes"]["layer0"] > 0


def test_a_period_zeroes_the_state(tmp_path):
    neuron = {**CUBA, "vDecay": 0, "vThMant": 250}
    path = write_foreign(tmp_path / "n.net", dense([[100]], neuron=neuron))
    ones = saved(tmp_path / "x.npy", np.ones((1, 13), int))
    for backend in ("emulator", "reference"):
        counts = [
            document(path, "--input", ones, "--backend", backend, *reset_interval)["spikes"]["layer0"]
            for reset_interval in ([], ["--reset-interval", 3], ["--reset-interval", 2])
        ]
        assert counts == [4, 4, 0]
    assert document(path, "--input", ones, "--reset-interval", 2)["reset_interval"] == 2


def test_spikes_are_measured_where_that_is_asked(square, tmp_path):
    array = saved(tmp_path / "x.npy", PATTERN)
    text = simulate(square, "--input", array, "--axes", "chwt", "--measure-spikes")
    assert "synaptic operations" in text and "layer1" in text
    fast, slow = (
        document(square, "--input", array, "--axes", "chwt", "--backend", b) for b in ("emulator", "reference")
    )
    assert fast["populations"] == slow["populations"] and fast["populations"][0]["synops"] > 0


CLIP_OPTIONS = (
    ["--report", "x.html"], ["--dataset", "synthetic"], ["--protocol", "clip"], ["--limit", "3"], ["--seed", "1"],
    ["--split", "all"], ["--skip-bad"], ["--energy-profile", "loihi1"], ["--data", "x"],
)  # fmt: skip
ARRAY_OPTIONS = (["--axes", "chwt"], ["--reset-interval", "4"], ["--input-bits", "4"], ["--input-shape", "1,2,3"])


def test_options_that_make_no_sense_together_are_refused(square, tmp_path):
    array = saved(tmp_path / "x.npy", PATTERN)
    for option in CLIP_OPTIONS:
        with pytest.raises(BadInput, match=f"{option[0]} is for clips, not for --input"):
            simulate(square, "--input", array, *option)
    for option in ARRAY_OPTIONS:
        with pytest.raises(BadInput, match=f"{option[0]} is for arrays; give it with --input"):
            simulate(square, *option)
    with pytest.raises(BadInput, match="--save-spikes"):
        simulate(square, "--input", array, "--axes", "chwt", "--states")
    with pytest.raises(Unsupported, match="spikes only"):
        arguments = ["--states", "--save-spikes", tmp_path / "s.npz", "--backend", "lava"]
        simulate(square, "--input", array, "--axes", "chwt", *arguments)


def test_only_netx_files_leave_their_input_open(tmp_path):
    population = Population.of("out", "layer", (1,), vth=1, v_decay=0)
    network = Network(Source("input", (2,), 8), (population,), (Projection("input", "out", [[2, 4]]),), "out")
    save(network, tmp_path / "n.ir.h5")
    with pytest.raises(BadInput, match=r"says itself what input it takes; --input-bits and --input-shape are for"):
        simulate(tmp_path / "n.ir.h5", "--input", saved(tmp_path / "x.npy", np.ones((2, 3), int)), "--input-bits", 8)
