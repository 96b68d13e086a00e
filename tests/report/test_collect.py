import base64
import json

import numpy as np

from mksgn_neuro.data.frames import resample
from mksgn_neuro.models.store import load_model
from mksgn_neuro.report import clip_data
from mksgn_neuro.report.collect import training_of
from mksgn_neuro.report.joules import PAPER_MILLIJOULES


def unpack(text: str, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind).reshape(shape)


def test_wrong_clips_are_exactly_those_not_recognised(collected, classified):
    wrong = {w.name for w in collected.wrong}
    assert wrong == {name for name, right in zip(classified.clips.names, classified.right) if not right} and wrong
    assert collected.confusion.trace() == classified.right.sum()
    assert collected.confusion.sum() == collected.simulation["samples"]
    assert [w.lead for w in collected.wrong] == sorted((w.lead for w in collected.wrong), reverse=True)
    assert min(w.lead for w in collected.wrong) >= 0


def test_energy_rows_are_the_simulation_s_and_the_teacher_s(collected, classified):
    joules = {row.what: row for row in collected.energy}
    for profile in ("paper", "loihi1"):
        row = joules[f"this network, simulated on CPU, profile {profile}"]
        assert row.joules == classified.simulation.energy(profile).joules_per_sample
    assert joules["teacher GCN as an ordinary network, fp32"].joules == 1000 * 4600 / 10**15
    assert [row.joules for row in collected.energy if row.kind == "published"] == [PAPER_MILLIJOULES / 1e3]


def test_every_core_of_the_mapping_is_on_the_mesh_once(collected, classified):
    columns, rows = collected.mesh
    sites = {(core.x, core.y) for core in collected.cores}
    assert len(sites) == len(collected.cores) == collected.simulation["cores"]
    assert all(0 <= x < columns and 0 <= y < rows for x, y in sites)
    assert sum(core.neurons for core in collected.cores) == sum(
        p["neurons"] for p in collected.simulation["populations"]
    )


def test_the_player_s_clips_unpack_to_what_was_simulated(collected, classified):
    clips, frames = classified.clips, classified.inputs.shape[1]
    names = {name: i for i, name in enumerate(clips.names)}
    outcomes = set()
    for clip in collected.player.clips:
        i = names[clip["name"]]
        votes = unpack(clip["votes"], "u1", (frames, 10))
        assert np.array_equal(votes.sum(axis=0, dtype=int), classified.simulation.scores[i])
        assert (clip["label"], clip["decided"]) == (clips.labels[i], classified.simulation.predictions[i])
        metres = resample(clips[i], frames)
        millimetres = np.round((metres - metres[0, clips.skeleton.centre_joint]) * 1000)
        assert np.array_equal(unpack(clip["positions"], "<i2", (frames, 20, 3)), millimetres)
        assert unpack(clip["glow"], "u1", (len(collected.player.layers), frames, 20)).any()
        rows = sum(count for _, _, count in collected.player.raster)
        assert len(base64.b64decode(clip["raster"])) == frames * -(-rows // 8)
        outcomes.add(clip["label"] == clip["decided"])
    assert outcomes == {True, False}


def test_the_player_takes_right_clips_and_the_surest_mistakes():
    labels = np.array([0, 0, 0, 1, 1])
    scores = np.array([[5, 0], [0, 2], [0, 9], [0, 4], [0, 3]])
    assert clip_data.choose(scores, labels, 3).tolist() == [0, 2, 3]
    assert clip_data.choose(scores, labels, 20).tolist() == [0, 1, 2, 3, 4]


def test_large_skeletons_get_fewer_clips(classified, monkeypatch):
    run = classified.simulation
    monkeypatch.setattr(clip_data, "BYTES", 20_000)
    few = clip_data.player_data(run.network, classified.clips, classified.inputs, run.scores)
    size = sum(len(base64.b64decode(c[k])) for c in few.clips for k in ("positions", "glow", "raster", "votes"))
    assert 0 < len(few.clips) < clip_data.MOST_CLIPS and size <= 20_000


def test_curves_are_those_of_this_training_or_none(model, tmp_path):
    trained = load_model(model)
    assert [epoch["stage"] for epoch in training_of(trained, model.parent).history] == ["teacher-joint", "float"]
    assert training_of(trained, tmp_path).history == ()
    for text in (json.dumps({"history": [{"stage": "float"}], "seed": 1}), "not json", "[]"):
        (tmp_path / "metrics.json").write_text(text)
        assert training_of(trained, tmp_path).history == ()
