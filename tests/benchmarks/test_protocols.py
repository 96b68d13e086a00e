"""The table of protocols on a tiny network, as model.pt and as .net, old and new."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import ensembles, protocols
from mksgn_neuro.data.readers.npz import save as save_clips
from mksgn_neuro.models.store import save_model
from mksgn_neuro.workflows.export import write_target
from mksgn_neuro.workflows.inputs import Request, clips_for
from mksgn_neuro.workflows.load import load_networks
from mksgn_neuro.workflows.recognise import recognise
from tests.small_models import CAMERA, STRETCHED, small_model, synthetic


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    whole = synthetic()
    path = tmp_path_factory.mktemp("data") / "clips.npz"
    few = np.concatenate([np.flatnonzero(~whole.train)[:9], np.flatnonzero(whole.train)[:3]])
    save_clips(replace(whole.subset(few), part_of=None, dataset="ward 7"), path)
    return path


def saved(folder, timing):
    """model.pt and the .net of it."""
    model = replace(small_model(timing), dataset="ward 7")
    save_model(model, folder / "model.pt")
    return folder / "model.pt", write_target(model, "loihi2", folder / "out").main


def table(said):
    """Cells of each row by the row's name."""
    rows = [line.strip("| ").split(" | ") for line in said.splitlines() if line.startswith("| ")]
    return {row[0]: [cell.strip() for cell in row[1:]] for row in rows[1:]}


@pytest.mark.parametrize("timing", [CAMERA, STRETCHED], ids=["at a rate", "stretched"])
def test_the_table_has_what_simulate_finds(data, tmp_path, timing, monkeypatch):
    runs = []
    original = protocols.emulated
    monkeypatch.setattr(protocols, "emulated", lambda *given: runs.append(given) or original(*given))
    model, net = saved(tmp_path, timing)
    result = CliRunner().invoke(protocols.main, [str(data), str(model)], catch_exceptions=False)
    assert len(runs) == 6  # three lengths, as recorded, two orders: each stream once
    assert [reset_interval is None for _, _, reset_interval in runs] == [False] * 4 + [True] * 2
    assert ("30 frames a second" if timing.rate else "no frame rate") in result.stdout
    found = table(result.stdout)
    windows = sorted({20, 40, timing.window or 20})
    assert len(found) == 5 + 2 * len(windows)
    network = load_networks(model).default_representation[1]
    clips = clips_for(network.task, Request(path=data))
    percent = lambda share: f"{100 * share:.1f}"
    pair = lambda accuracy: [percent(accuracy["standard"]), percent(accuracy["clean"])]
    said = {name: recognise(network, clips, name).as_json("paper") for name in ("offline", "clip")}
    assert found[f"stretched, {timing.frames} frames"][:2] == pair(said["offline"]["accuracy"])
    assert found["as recorded, at the last frame"][:2] == pair(said["clip"]["accuracy"])
    assert found[f"as recorded, last pose held to {timing.frames}"][:2] == pair(said["clip"]["accuracy_held"])
    half, longer = timing.frames // 2, timing.frames * 3 // 2
    assert {f"stretched to half, {half} frames", f"stretched to 1.5 times, {longer} frames"} < found.keys()
    if timing.window:
        for seed in (0, 1):
            stream = recognise(network, clips, "continuous", seed=seed).as_json("paper")
            row = found[f"continuous, order {seed}, window 8, its own"]
            assert row[:3] == [*pair(stream["accuracy"]), percent(stream["second_half"])]
            took = stream["median_frames_to_decision"]
            assert row[3:] == ["–" if took is None else f"{took:g}", f"{stream['false_changes_per_minute']:.1f}"]
    layered = table(CliRunner().invoke(protocols.main, [str(data), str(net)], catch_exceptions=False).stdout)
    assert list(layered)[:5] == list(found)[:5] and [layered[n] for n in list(layered)[:5]] == list(found.values())[:5]


def test_a_network_that_votes_with_itself_decides_as_alone(data, tmp_path):
    model, net = saved(tmp_path, CAMERA)
    result = CliRunner().invoke(ensembles.main, [str(data), str(model), str(net)], catch_exceptions=False)
    lines = [line.split("  ")[0] for line in result.stdout.splitlines()]
    assert len(lines) == 3 and len(set(lines)) == 1
