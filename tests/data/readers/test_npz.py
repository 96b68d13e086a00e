import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.data import registry
from mksgn_neuro.data.readers import npz
from mksgn_neuro.data.skeleton import KINECT_25, from_parents
from mksgn_neuro.errors import BadInput
from tests.data.make import clips
from tests.paths import UI_PRMD, needs_shared_data


@st.composite
def any_clips(draw):
    joints = draw(st.integers(1, 7))
    parents = [-1, *(draw(st.integers(0, v - 1)) for v in range(1, joints))]
    skeleton = from_parents(parents, centre_joint=draw(st.integers(0, joints - 1)))
    skeleton = skeleton.repeated(2) if draw(st.booleans()) else skeleton
    lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=6))
    rate = draw(st.sampled_from([12.5, 29.97, 30.0]) | st.integers(1, 240))
    return clips(tuple(lengths), skeleton=skeleton, seed=draw(st.integers(0, 99)), rate=rate)


@given(any_clips())
@settings(max_examples=30, deadline=None)
def test_round_trip(tmp_path_factory, made):
    path = tmp_path_factory.mktemp("npz") / "made up.npz"
    npz.save(made, path)
    read = npz.load(path)
    for name in ("positions", "lengths", "labels", "subjects", "train", "starts"):
        assert np.array_equal(getattr(read, name), getattr(made, name))
    for name in ("names", "class_names", "skeleton", "dataset", "rate", "assumed"):
        assert getattr(read, name) == getattr(made, name)
    assert sorted(p.name for p in path.parent.iterdir()) == ["made up.npz"]


def arrays():
    made = clips()
    return {
        "positions": made.positions,
        "lengths": made.lengths,
        "labels": made.labels,
        "train": made.train,
        "parents": np.array(made.skeleton.parents),
        "joint_names": np.array(made.skeleton.joint_names),
    }


def test_names_subjects_and_classes_are_optional(tmp_path):
    np.savez(tmp_path / "x.npz", **arrays())
    read = npz.load(tmp_path / "x.npz")
    assert read.class_names == ("class 0", "class 1") and (read.subjects == -1).all() and read.names[2] == "2"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parents": None}, "no array 'parents'"),
        ({"parents": np.arange(20)}, "loop"),
        ({"parents": np.arange(-1, 18)}, "expected"),
        ({"lengths": np.array([5, 1, 9, 6])}, "more than the 20 frames"),
        ({"labels": np.array([0.5, 1, 0, 1])}, "array 'labels' is float64"),
        ({"labels": np.array([0, 1])}, "2 labels for 4 clips"),
        ({"labels": np.array([-1, 0, 0, 1])}, "label outside"),
        ({"class_names": np.array(["one"])}, "label outside"),
        ({"positions": np.array(["x"])}, "array 'positions' is <U1 with 1 axes"),
        ({"train": np.zeros((4, 1), bool)}, "array 'train'"),
        ({"rate": np.array([30.0])}, "array 'rate' is float64 with 1 axes"),
        ({"rate": np.array("30")}, "array 'rate' is <U2"),
        *(
            ({"rate": np.array(rate)}, "array 'rate': a frame rate of")
            for rate in (0, 0.0, -30, np.nan, np.inf, -np.inf, 1e-9, 1e300)
        ),
        ({"positions": np.array([{"a": 1}], dtype=object)}, "not a readable"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path, changes, message):
    content = {**arrays(), "joint_names": None, **changes}
    np.savez(tmp_path / "x.npz", **{k: v for k, v in content.items() if v is not None})
    with pytest.raises(BadInput, match=message) as caught:
        npz.load(tmp_path / "x.npz")
    assert "x.npz" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"labels": np.array([2**32 - 1, 1, 0, 1], dtype=np.uint32)},
            "array 'labels' holds 4294967295; write -1 to 9999",
        ),
        ({"bodies": np.array(0)}, "array 'bodies' holds 0"),
        ({"bodies": np.array(-1)}, "array 'bodies' holds -1"),
        ({"bodies": np.array(3)}, "20 joints of 3 bodies"),
    ],
)
def test_numbers_of_which_tables_of_gigabytes_would_be_made_are_refused(tmp_path, changes, message):
    np.savez(tmp_path / "x.npz", **arrays() | changes)
    with pytest.raises(BadInput, match=message):
        npz.load(tmp_path / "x.npz")


@pytest.mark.parametrize("kind", ["uint8", "uint32", "uint64", "int8"])
def test_labels_of_any_integers_are_counted(tmp_path, kind):
    np.savez(tmp_path / "x.npz", **arrays() | {"labels": np.array([0, 1, 0, 1], dtype=kind)})
    assert npz.load(tmp_path / "x.npz").class_names == ("class 0", "class 1")


def test_an_archive_of_zeros_is_not_unpacked(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as file,
        file.open("positions.npy", "w") as entry,
    ):
        np.lib.format.write_array_header_1_0(entry, {"descr": "<f4", "fortran_order": False, "shape": (2**24, 5, 3)})
        for _ in range(80):
            entry.write(bytes(2**22))
    with pytest.raises(BadInput, match="it unpacks to too many bytes"):
        npz.load(tmp_path / "x.npz")


@pytest.mark.parametrize("rate", [60, 29.97, np.float32(15), np.uint8(50)])
def test_the_frame_rate_is_kept(tmp_path, rate):
    np.savez(tmp_path / "x.npz", **arrays(), rate=np.array(rate))
    read = npz.load(tmp_path / "x.npz")
    assert (read.rate, read.assumed) == (float(rate), ())
    assert read.subset(read.train).rate == replace(read, dataset="other").rate == float(rate)
    npz.save(read.subset(~read.train), tmp_path / "again.npz")
    assert npz.load(tmp_path / "again.npz").rate == float(rate)


def test_without_a_frame_rate_one_is_assumed_and_said(tmp_path):
    content = arrays()
    content["positions"] = content["positions"].copy()
    content["positions"][8, 3, 2] = np.inf
    np.savez(tmp_path / "x.npz", **content)
    read = npz.load(tmp_path / "x.npz", skip_bad=True)
    assert read.rate == 30 and read.assumed == ("no frame rate in it: taken as 30 Hz (add an array rate)",)


def test_a_clip_that_is_not_finite_is_named_or_skipped(tmp_path):
    content = arrays()
    content["positions"] = content["positions"].copy()
    content["positions"][8, 3, 2] = np.inf
    np.savez(tmp_path / "x.npz", **content)
    with pytest.raises(BadInput, match="clip 2, frame 2, joint 3, z"):
        npz.load(tmp_path / "x.npz")
    read = npz.load(tmp_path / "x.npz", skip_bad=True)
    assert read.names == ("0", "1", "3") and len(read.skipped) == 1
    assert np.array_equal(read[2], clips()[3])


def test_joints_that_are_absent_need_no_position(tmp_path):
    content = arrays()
    seen = np.ones(content["positions"].shape[:2], dtype=bool)
    seen[6, 3] = seen[7:9] = False
    content["positions"] = np.where(seen[..., None], content["positions"], np.inf)
    np.savez(tmp_path / "x.npz", **content, seen=seen)
    read = npz.load(tmp_path / "x.npz")
    assert np.array_equal(np.isnan(read.positions).all(axis=2), ~seen)
    assert np.array_equal(read.positions[seen], content["positions"][seen].astype(np.float32))
    npz.save(read, tmp_path / "y.npz")
    assert np.array_equal(npz.load(tmp_path / "y.npz").positions, read.positions, equal_nan=True)
    np.savez(tmp_path / "x.npz", **content, seen=seen[:, :-1])
    with pytest.raises(BadInput, match="x.npz: array 'seen' of shape"):
        npz.load(tmp_path / "x.npz")
    seen[content["lengths"][0]] = False  # the second clip has one frame
    np.savez(tmp_path / "x.npz", **content, seen=seen)
    with pytest.raises(BadInput, match="x.npz, clip 1: no joint is seen in any frame"):
        npz.load(tmp_path / "x.npz")
    assert npz.load(tmp_path / "x.npz", skip_bad=True).names == ("0", "2", "3")


def test_what_is_no_npz_is_refused(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"not numpy")
    with pytest.raises(BadInput, match="not a readable"):
        npz.load(tmp_path / "x.npz")
    np.save(tmp_path / "y.npy", np.zeros(3))
    with pytest.raises(BadInput, match="not a readable"):
        npz.load(tmp_path / "y.npy")


def test_two_bodies_survive(tmp_path):
    made = clips(skeleton=KINECT_25.repeated(2))
    npz.save(made, tmp_path / "x.npz")
    assert npz.load(tmp_path / "x.npz").skeleton == KINECT_25.repeated(2)


@needs_shared_data
def test_ui_prmd():
    read = registry.load("npz", UI_PRMD)
    assert len(read) == 1000 and read.skeleton.joints == 22 and len(read.class_names) == 10
    assert len(set(read.subjects)) == 10 and not read.leaked.any()
    assert read.rate == 30 and len(read.assumed) == 2  # neither rate nor joint names
