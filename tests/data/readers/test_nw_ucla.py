import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.data import registry
from mksgn_neuro.data.readers import nw_ucla
from mksgn_neuro.errors import BadInput
from tests.paths import NW_UCLA, needs_shared_data


def document(frames=3, joints=20, label=1, seed=0, **changes):
    skeletons = np.random.default_rng(seed).normal(0, 1, (frames, joints, 3)).round(6).tolist()
    return {"file_name": "x", "skeletons": skeletons, "label": label, **changes}


def write_zip(path, entries, compressed=False):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content if isinstance(content, (str, bytes)) else json.dumps(content))
    return path


GOOD = {
    "all_sqe/a01_s01_e00_v01.json": document(3, label=1, seed=1),
    "all_sqe/a12_s02_e00_v02.json": document(1, label=10, seed=2),
    "all_sqe/a12_s02_e00_v03.json": document(1, label=10, seed=2),
    "all_sqe/a03_s10_e05_v03.json": document(5, label=3, seed=3),
}


def test_names_give_labels_subjects_split_and_leaks(tmp_path):
    made = nw_ucla.load(write_zip(tmp_path / "x.zip", {"all_sqe/": "", **GOOD}))
    assert made.names == tuple(sorted(name[8:-5] for name in GOOD))
    assert made.labels.tolist() == [0, 2, 9, 9] and made.subjects.tolist() == [1, 10, 2, 2]
    assert made.rate == 30 and made.assumed == ()
    assert made.train.tolist() == [True, False, True, False] and made.leaked.tolist() == [False, False, False, True]
    assert np.array_equal(made[0], np.float32(GOOD["all_sqe/a01_s01_e00_v01.json"]["skeletons"]))


def test_training_views_alone_split_by_view(tmp_path):
    archive = write_zip(tmp_path / "x.zip", GOOD)
    made = registry.load("nw-ucla-views", archive)
    assert made.names == ("a01_s01_e00_v01", "a12_s02_e00_v02") and made.train.tolist() == [True, False]
    assert not made.leaked.any() and made.dataset == "nw-ucla-views"
    first = {name: content for name, content in GOOD.items() if "_v02" not in name}
    with pytest.raises(BadInput, match="both training views"):
        registry.load("nw-ucla-views", write_zip(tmp_path / "y.zip", first))


def test_a_folder_reads_like_its_zip(tmp_path):
    archive = write_zip(tmp_path / "x.zip", GOOD)
    zipfile.ZipFile(archive).extractall(tmp_path / "folder")
    a, b = nw_ucla.load(archive), nw_ucla.load(tmp_path / "folder")
    assert a.names == b.names and np.array_equal(a.positions, b.positions) and np.array_equal(a.train, b.train)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_round_trip(tmp_path_factory, lengths, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(0, 2, (t, 20, 3)).astype(np.float32) for t in lengths]
    entries = {
        f"a05_s01_e{i:02d}_v01.json": {"file_name": "", "skeletons": x.tolist(), "label": 5}
        for i, x in enumerate(arrays)
    }
    made = nw_ucla.load(write_zip(tmp_path_factory.mktemp("round") / "x.zip", entries))
    assert len(made) == len(arrays) and all(np.array_equal(made[i], x) for i, x in enumerate(arrays))


ONE_NAN = document()
ONE_NAN["skeletons"][2][7][1] = float("nan")
SHORT_FRAME = document()
SHORT_FRAME["skeletons"][1] = SHORT_FRAME["skeletons"][1][:19]
WORD = document()
WORD["skeletons"][0][3] = ["a", 0, 0]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a01_s01_e00_v01.json", document(joints=19), r"shape \(3, 19, 3\)"),
        ("a01_s01_e00_v01.json", SHORT_FRAME, "frame 1 has 19 joints"),
        ("a01_s01_e00_v01.json", WORD, "frame 0, joint 3 is not three numbers"),
        ("a01_s01_e00_v01.json", ONE_NAN, "frame 2, joint 7, y: a coordinate is not a finite number"),
        ("a01_s01_e00_v01.json", document(frames=0), "shape"),
        ("a01_s01_e00_v01.json", document(label=2), "label 2, but its name says 1"),
        ("a01_s01_e00_v01.json", {"skeletons": []}, "not a clip"),
        ("a01_s01_e00_v01.json", "[1, 2]", "not a clip"),
        ("a01_s01_e00_v01.json", '{"skeletons": [[', "not a clip"),
        ("a07_s01_e00_v01.json", document(), "unknown action a07"),
        ("clip.json", document(), "not named"),
    ],
)
def test_a_bad_clip_is_named_or_skipped(tmp_path, name, content, message):
    path = write_zip(tmp_path / "x.zip", {**GOOD, f"all_sqe/{name.replace('a01_s01', 'a01_s09')}": content})
    with pytest.raises(BadInput, match=message) as caught:
        nw_ucla.load(path)
    text = str(caught.value)
    assert "x.zip, entry all_sqe/" in text and "\n" not in text and ("; " in text)
    made = nw_ucla.load(path, skip_bad=True)
    assert len(made) == len(GOOD) and len(made.skipped) == 1 and "entry" in made.skipped[0]


def test_archives_that_hold_nothing_usable(tmp_path):
    with pytest.raises(BadInput, match=r"no \.json file"):
        nw_ucla.load(write_zip(tmp_path / "empty.zip", {}))
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match=r"no \.json file"):
        nw_ucla.load(tmp_path / "folder")
    (tmp_path / "no.zip").write_bytes(b"PK\x03\x04 but not much more")
    with pytest.raises(BadInput, match="not a readable zip"):
        nw_ucla.load(tmp_path / "no.zip")
    with pytest.raises(BadInput, match="no usable clip"):
        nw_ucla.load(write_zip(tmp_path / "bad.zip", {"a01_s01_e00_v01.json": "{"}), skip_bad=True)


@pytest.mark.parametrize("name", ["../a01_s01_e00_v01.json", "/a01_s01_e00_v01.json", "x/../../a01_s01_e00_v01.json"])
def test_an_entry_outside_its_folder_is_refused_even_when_skipping(tmp_path, name):
    path = write_zip(tmp_path / "x.zip", {**GOOD, name: document()})
    with pytest.raises(BadInput, match="outside its folder"):
        nw_ucla.load(path, skip_bad=True)


def test_a_damaged_entry_is_named(tmp_path):
    path = write_zip(tmp_path / "x.zip", GOOD)
    content = bytearray(path.read_bytes())
    content[content.index(b'"skeletons"') + 40] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"entry all_sqe/a01_s01_e00_v01\.json: damaged entry"):
        nw_ucla.load(path)


@needs_shared_data
def test_the_real_archive_and_its_leaks():
    made = registry.load("nw-ucla", NW_UCLA)
    assert len(made) == 1484 and made.train.sum() == 1020 and (~made.train).sum() == 464
    assert len(set(made.subjects)) == 10 and made.lengths.min() == 1 and made.lengths.max() == 201
    assert np.bincount(made.labels[made.leaked], minlength=10).tolist() == [0, 50, 45, 0, 0, 0, 0, 0, 0, 0]
