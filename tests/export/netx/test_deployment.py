import ast
import subprocess
import sys

import numpy as np
import pytest

from mksgn_neuro.export.netx.deployment import Endless, deployment_script
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.sim.reference import run
from tests.export.lava import needs_lava
from tests.export.netx.test_writer import two_levels
from tests.networks import random_inputs


def test_script_names_its_file_and_says_that_it_never_ran_on_hardware():
    text = deployment_script("out/tiny.net")
    module = ast.parse(text)
    assert "NOT RUN ON HARDWARE" in ast.get_docstring(module)
    assert "with_name('tiny.net')" in text and "Loihi2HwCfg()" in text


def test_a_script_for_a_stream_explains_rate_latency_and_window():
    docstring = ast.get_docstring(ast.parse(deployment_script("n.net", endless=Endless(11, 30.0, 52))))
    for words in ("one frame per time step, 30 of them a second", "Nothing is ever reset", "for ever"):
        assert words in docstring
    assert "answer a frame 11 steps after it" in docstring and "last 52 frames" in docstring
    assert "steps_per_sample" not in docstring
    open_ended = ast.get_docstring(ast.parse(deployment_script("n.net", endless=Endless(11))))
    assert "per time step." in open_ended and "as many as you choose" in open_ended
    assert max(len(text) for text in docstring.splitlines()) <= 120


@needs_lava
@pytest.mark.parametrize("reset_interval", [16, None])
def test_script_simulated_gives_the_references_spikes(tmp_path, reset_interval):
    network = two_levels([[80, 20], [-60, 90]], [[80, 60]])
    write_netx(network, tmp_path / "n.net", reset_interval=reset_interval)
    (tmp_path / "run.py").write_text(deployment_script("n.net", endless=None if reset_interval else Endless(2)))
    inputs = random_inputs(0, network, 40)
    np.save(tmp_path / "in.npy", inputs)
    command = [sys.executable, "run.py", "in.npy", "out.npy", "--simulate"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "simulated on CPU" in done.stdout
    spikes = np.load(tmp_path / "out.npy")
    assert spikes.any() and np.array_equal(spikes, run(network, inputs, reset_interval=reset_interval)["level2"].spikes)


@pytest.mark.parametrize("name", ['a"""\nimport os\nos.abort()\n".net', "a').unlink(); ('.net", "{x}.net", "ä\\.net"])
def test_a_files_name_is_data_in_the_script(name):
    tree = ast.parse(deployment_script(name))
    plain = ast.parse(deployment_script("n.net"))
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert name in constants
    assert [type(node) for node in ast.walk(tree)] == [type(node) for node in ast.walk(plain)]
