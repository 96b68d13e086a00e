import json

import numpy as np
import pytest

from mksgn_neuro.data.inspection import inspect, recognise, summary_of
from mksgn_neuro.data.readers import npz
from mksgn_neuro.data.recordings import MIRRORED
from mksgn_neuro.data.synthetic import generate
from mksgn_neuro.errors import BadInput
from tests.data import pose_files
from tests.data.make import clips
from tests.data.readers.ntu.skeleton_files import skeleton_text, walk
from tests.data.readers.ntu.test_derived import content, ctr_gcn, dump
from tests.data.readers.test_nw_ucla import GOOD, ONE_NAN, write_zip
from tests.paths import NW_UCLA, UI_PRMD, needs_shared_data


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MKSGN_NEURO_CACHE", str(tmp_path / "cache"))


def test_nw_ucla_with_a_bad_clip(tmp_path):
    path = write_zip(tmp_path / "x.zip", {**GOOD, "all_sqe/a01_s09_e00_v01.json": ONE_NAN})
    report = inspect(path)
    (found,) = report["datasets"]
    assert report["format"] == "nw-ucla" and found["clips"] == 4 and found["subjects"] == 3
    assert (found["train"], found["test"], found["leaked"], found["test_clean"]) == (2, 2, 1, 1)
    assert found["classes"][9] == {"name": "carry", "train": 1, "test": 1, "leaked": 1}
    assert found["frames"] == {"min": 1, "median": 2.0, "max": 5}
    assert found["defects"]["one frame"] == ["a12_s02_e00_v02", "a12_s02_e00_v03"]
    assert len(found["left_out"]) == 1 and "a01_s09_e00_v01.json" in found["left_out"][0]


def test_generic_defects(tmp_path):
    positions = clips().positions.copy()
    positions[:5] = positions[0]
    positions[6, 0, 0] = np.nan
    npz.save(clips(positions=positions), tmp_path / "x.npz")
    (found,) = inspect(tmp_path / "x.npz")["datasets"]
    assert found["defects"] == {
        "not finite": [],
        "one frame": ["clip 1"],
        "constant": ["clip 0"],
        "moves against its label": [],
    }
    assert found["left_out"] == ["clip 2: a coordinate is not a finite number"]


def test_ntu_text_under_each_protocol(tmp_path):
    folder = tmp_path / "skeletons"
    folder.mkdir()
    for i, name in enumerate(("S001C001P001R001A001", "S001C002P003R001A060")):
        (folder / f"{name}.skeleton").write_bytes(skeleton_text(walk(12, seed=i), 12))
    (folder / "S001C001P001R001A002.skeleton").write_bytes(skeleton_text([], 2))
    report = inspect(folder)
    assert report["format"] == "ntu-text"
    assert [d["dataset"] for d in report["datasets"]] == ["ntu60-xsub", "ntu60-xview"]
    assert [d["bodies"] for d in report["datasets"]] == [2, 2]
    assert report["datasets"][0]["left_out"] == ["S001C001P001R001A002: no skeleton in any frame"]
    (folder / "S018C001P001R001A061.skeleton").write_bytes(skeleton_text(walk(12), 12))
    assert [d["dataset"] for d in inspect(folder)["datasets"]] == ["ntu120-xsub", "ntu120-xset"]


def test_derived_forms_of_ntu(tmp_path):
    report = inspect(dump(tmp_path / "x.pkl", content()))
    assert report["format"] == "ntu-pyskl"
    assert [d["dataset"] for d in report["datasets"]] == ["ntu60-xsub"]
    ctr_gcn(tmp_path / "NTU60_CV.npz")
    report = inspect(tmp_path / "NTU60_CV.npz")
    assert report["format"] == "ntu-ctr-gcn" and [d["dataset"] for d in report["datasets"]] == ["ntu60-xview"]


def test_one_clip(tmp_path):
    (tmp_path / "x.csv").write_text("1,2,3,4,5,6\n1,2,3,4,5,6\n")
    report = inspect(tmp_path / "x.csv")
    (found,) = report["recordings"]
    assert report["format"] == "plain" and (found["frames"], found["joints"]) == (2, 2)
    assert "constant: nothing moves" in found["wrong"] and "a body of 3 metres" in found["wrong"][1]


def test_what_recognise_would_refuse_or_doubt_is_told_before(tmp_path):
    def wrong(x):
        np.save(tmp_path / "x.npy", x)
        (found,) = inspect(tmp_path / "x.npy")["recordings"]
        return found["wrong"]

    points, _, _ = pose_files._coco()
    assert wrong(pose_files.movement()) == [] == wrong(points)
    (said,) = wrong(points * [1, -1] + [0, 720])
    assert said.startswith("the body is upside down; give the axis that points up")
    assert wrong(pose_files.movement() * np.float32([-1, 1, 1])) == [MIRRORED]
    text = "\n".join(json.dumps({"t": -t, "joints": x.tolist()}) for t, x in enumerate(pose_files.movement()))
    (tmp_path / "x.jsonl").write_text(text)
    (found,) = inspect(tmp_path / "x.jsonl")["recordings"]
    assert found["wrong"][0].startswith("frame 1 was taken at -1 s, the one before at 0 s; repair the times")


def test_what_is_not_recognised_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        recognise(tmp_path / "nowhere")
    (tmp_path / "x.mp4").write_bytes(b"video")
    with pytest.raises(BadInput, match="is a video; give what a pose estimator writes"):
        recognise(tmp_path / "x.mp4")
    (tmp_path / "x.doc").write_bytes(b"text")
    with pytest.raises(BadInput, match="holds no known format; known are NW-UCLA"):
        recognise(tmp_path / "x.doc")
    with pytest.raises(BadInput, match="is an archive of no known data set; unpack it"):
        recognise(write_zip(tmp_path / "own.zip", {"sit/1.json": "[]"}))
    (tmp_path / "x.npz").write_bytes(b"PK")
    with pytest.raises(BadInput, match="not a readable"):
        recognise(tmp_path / "x.npz")


@needs_shared_data
def test_the_leaks_of_nw_ucla():
    (found,) = inspect(NW_UCLA)["datasets"]
    assert (found["leaked"], found["test"], found["test_clean"]) == (95, 464, 369)
    leaked = {c["name"]: c["leaked"] for c in found["classes"] if c["leaked"]}
    assert leaked == {"pick up with two hands": 50, "drop trash": 45}
    assert len(found["defects"]["one frame"]) == 2


@needs_shared_data
def test_subject_4_sits_down_where_nw_ucla_says_stand_up_in_view_2_and_the_other_way_round():
    (found,) = inspect(NW_UCLA)["datasets"]
    against = found["defects"]["moves against its label"]
    assert {name[:7] for name in against if name.endswith("s04_e00_v02")} == {"a05_s04", "a06_s04"}
    assert sum("_s04_" in name and name.endswith("_v02") for name in against) == 10 and len(against) == 12


@needs_shared_data
def test_ui_prmd():
    (found,) = inspect(UI_PRMD)["datasets"]
    assert found["rate"] == 30 and found["assumed"] == [
        "no frame rate in it: taken as 30 Hz (add an array rate)",
        npz.NAMELESS,
    ]
    assert found["clips"] == 1000 and found["leaked"] == 0 and not any(found["defects"].values())


def test_why_clips_are_not_mirrored_is_told():
    assert summary_of(generate(20))["mirroring"].startswith("mirroring is off: classes have sides (raise left")
