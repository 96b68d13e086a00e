import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from mksgn_neuro.data.protocols import hold
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.store import load_model
from mksgn_neuro.report import clip_data
from mksgn_neuro.report.collect import core_loads, training_of
from mksgn_neuro.report.energy_table import PAPER_MILLIJOULES
from mksgn_neuro.report.shown import SHOWN, shown_of
from mksgn_neuro.sim.readout import decide
from mksgn_neuro.workflows.simulate import simulate


def unpack(text: str, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind).reshape(shape)


def test_wrong_clips_are_exactly_those_not_recognised(collected, runs):
    run = runs["clip"]
    right = run.predictions() == run.clips.labels
    wrong = {w.name for w in collected.wrong}
    assert wrong == {name for name, recognised in zip(run.clips.names, right) if not recognised} and wrong
    assert collected.confusion.trace() == right.sum()
    assert right.mean() == collected.simulation["protocols"]["clip"]["accuracy"]["standard"]
    assert collected.confusion.sum() == collected.simulation["samples"]
    assert [w.lead for w in collected.wrong] == sorted((w.lead for w in collected.wrong), reverse=True)
    assert min(w.lead for w in collected.wrong) >= 0
    lengths = dict(zip(run.clips.names, run.clips.lengths))
    assert all(w.right_frames < w.frames == lengths[w.name] for w in collected.wrong)


def test_energy_rows_are_the_simulation_s_and_the_teacher_s(collected, runs):
    rows = {row.what: row for row in collected.energy}
    for profile in ("paper", "loihi1"):
        row = rows[f"this network, simulated on CPU, profile {profile}"]
        assert row.joules == runs["clip"].as_json(profile)["joules_per_clip"]
        assert row.milliwatts == runs["continuous"].as_json(profile)["milliwatts"]
    assert rows["teacher GCN as an ordinary network, fp32"].joules == 1000 * 4600 / 10**15
    assert [row.joules for row in collected.energy if row.kind == "published"] == [PAPER_MILLIJOULES / 1e3]
    assert all(row.milliwatts is None for row in collected.energy if row.kind != "ours")


def test_every_core_of_the_mapping_is_on_the_mesh_once(collected):
    columns, rows = collected.mesh
    sites = {(core.x, core.y) for core in collected.cores}
    assert len(sites) == len(collected.cores) == collected.simulation["cores"]
    assert all(0 <= x < columns and 0 <= y < rows for x, y in sites)
    assert sum(core.neurons for core in collected.cores) == sum(
        p["neurons"] for p in collected.simulation["populations"]
    )


def test_synaptic_operations_of_the_cores_add_up_to_a_clip_s(runs):
    run = runs["clip"]
    everything = replace(run, inputs=run.inputs[:4], clips=run.clips.subset(np.arange(4)))
    simulation = simulate(run.simulation.network, everything.inputs)
    operations = simulation.measurement.operations
    sum_of_cores = sum(core.synops for core in core_loads(simulation, 4))
    assert sum_of_cores == pytest.approx((operations.acs + operations.macs) / 4, rel=0.15)  # pieces begin from rest


def test_pictures_hold_short_clips_and_cut_long_ones(collected, runs):
    run, shown = runs["clip"], collected.shown
    assert shown.frames == SHOWN and shown.rate == 30 and shown.protocol == "clip"
    assert shown.ends.tolist() == run.clips.lengths.tolist()
    assert shown.ends.min() < 40 < 60 < shown.ends.max()
    steady = shown.inputs.reshape(len(shown.ends), SHOWN, 4, -1)
    for i, end in enumerate(shown.ends):
        seen = min(end, SHOWN)
        assert np.array_equal(shown.inputs[i, :seen], run.inputs[i][:seen])
        assert (steady[i, end:, :2] == steady[i, seen - 1, :2]).all() and not steady[i, end:, 2:].any()
    assert np.array_equal(shown.decided, run.predictions()) and np.array_equal(shown.decided, decide(shown.scores))


def test_a_clip_is_settled_at_the_frame_from_which_it_stays_right(collected, runs):
    settled = []
    for i, spikes in enumerate(runs["clip"].simulation.class_spikes):
        label, end = collected.shown.clips.labels[i], collected.shown.ends[i]
        right = [decide(spikes[: f + 1].sum(axis=0)) == label for f in range(end)]
        settled.append(next((f + 1 for f in range(end) if all(right[f:])), 0))
        assert collected.shown.right[i] == sum(right)
    assert collected.shown.settled.tolist() == settled
    ordered = sorted(frame for frame in settled if frame)
    assert collected.shown.median_settled == ordered[(len(ordered) - 1) // 2]
    assert replace(collected.shown, settled=np.zeros(3, int)).median_settled is None


def test_stretched_clips_are_shown_whole_and_not_held(runs):
    shown = shown_of(runs["offline"])
    assert shown.rate is None and shown.frames == 40 and (shown.ends == 40).all()
    assert np.array_equal(shown.inputs, np.stack(runs["offline"].inputs))
    player = clip_data.player_data(runs["offline"], shown)
    lengths = dict(zip(shown.clips.names, shown.clips.lengths))
    for clip in player.clips:
        assert clip["frames"] == clip["end"] == 40
        assert clip["rate"] == 30 * 40 / lengths[clip["name"]]  # so that it takes as long as it did


def test_an_endless_stream_is_not_shown_clip_by_clip(runs):
    with pytest.raises(BadInput, match="from rest"):
        shown_of(runs["continuous"])


def test_the_player_s_clips_unpack_to_what_was_simulated(collected, runs):
    run = runs["clip"]
    names = {name: i for i, name in enumerate(run.clips.names)}
    outcomes = set()
    for clip in collected.player.clips:
        i, frames, end = names[clip["name"]], clip["frames"], clip["end"]
        assert (end, clip["rate"]) == (run.clips.lengths[i], 30)
        assert frames == max(end + clip_data.TAIL, 40)
        class_spikes, spikes = unpack(clip["class_spikes"], "u1", (frames, 10)), run.simulation.class_spikes[i]
        assert np.array_equal(class_spikes[: len(spikes)], spikes)
        assert (clip["label"], clip["decided"]) == (run.clips.labels[i], run.predictions()[i])
        assert class_spikes[:end].sum(axis=0, dtype=int).argmax() == clip["decided"]
        metres = hold(run.clips[i], frames)
        millimetres = np.round((metres - metres[0, run.clips.skeleton.centre_joint]) * 1000)
        assert np.array_equal(unpack(clip["positions"], "<i2", (frames, 20, 3)), millimetres)
        assert unpack(clip["glow"], "u1", (len(collected.player.layers), frames, 20)).any()
        rows = sum(count for _, _, count in collected.player.raster)
        assert len(base64.b64decode(clip["raster"])) == frames * -(-rows // 8)
        outcomes.add(clip["label"] == clip["decided"])
    assert outcomes == {True, False}


def test_long_clips_are_cut_in_the_player(runs, monkeypatch):
    monkeypatch.setattr(clip_data, "MOST_FRAMES", 30)
    player = clip_data.player_data(runs["clip"], shown_of(runs["clip"]))
    assert {clip["frames"] for clip in player.clips} == {30} and all(clip["end"] > 30 for clip in player.clips[:3])


def test_the_player_takes_right_clips_and_the_surest_mistakes(collected, monkeypatch):
    scores = np.array([[5, 0], [0, 2], [0, 9], [0, 4], [0, 3]])
    clips = replace(collected.shown.clips.subset(np.arange(5)), labels=[0, 0, 0, 1, 1])
    shown = replace(collected.shown, clips=clips, scores=scores, decided=scores.argmax(axis=1))
    sizes = np.array([10, 10, 30, 10, 10])
    assert clip_data.choose(shown, sizes, 3).tolist() == [0, 2, 3]
    assert clip_data.choose(shown, sizes, 20).tolist() == [0, 1, 2, 3, 4]
    monkeypatch.setattr(clip_data, "BYTES", 35)
    assert clip_data.choose(shown, sizes).tolist() == [0, 1, 3]
    monkeypatch.setattr(clip_data, "BYTES", 5)
    assert clip_data.choose(shown, sizes).tolist() == [0]


def test_large_skeletons_get_fewer_clips(runs, monkeypatch):
    monkeypatch.setattr(clip_data, "BYTES", 100_000)
    few = clip_data.player_data(runs["clip"], shown_of(runs["clip"]))
    size = sum(len(base64.b64decode(c[k])) for c in few.clips for k in ("positions", "glow", "raster", "class_spikes"))
    assert 0 < len(few.clips) < clip_data.MOST_CLIPS and size <= 100_000


def test_curves_are_those_of_this_training_or_none(model, tmp_path):
    trained = load_model(model)
    assert [epoch["stage"] for epoch in training_of(trained, model.parent).history] == ["teacher-joint", "float"]
    assert training_of(trained, tmp_path).history == ()
    for text in (json.dumps({"history": [{"stage": "float"}], "seed": 1}), "not json", "[]"):
        (tmp_path / "metrics.json").write_text(text)
        assert training_of(trained, tmp_path).history == ()
