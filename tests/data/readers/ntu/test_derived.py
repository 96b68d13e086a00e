import os
import pickle

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mksgn_neuro.data import registry
from mksgn_neuro.data.readers import ntu
from mksgn_neuro.data.readers.ntu.derived import pyskl_records, unpickle
from mksgn_neuro.errors import BadInput

rng = np.random.default_rng(0)
NAMES = ("S001C001P001R001A001", "S001C001P003R001A002", "S001C001P002R001A003", "S001C002P003R001A004")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MKSGN_NEURO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def annotation(i, bodies=1, frames=14, dtype=np.float32, **changes):
    keypoint = rng.normal(0, 1, (bodies, frames, 25, 3)).astype(dtype)
    return {"frame_dir": NAMES[i], "label": i, "total_frames": frames, "keypoint": keypoint, **changes}


def content(**changes):
    split = {"xsub_train": list(NAMES[:2]), "xsub_val": list(NAMES[2:]), "xview_train": [], "xview_val": []}
    annotations = [annotation(0), annotation(1, bodies=2), annotation(2, dtype=np.float16), annotation(3)]
    return {"split": split, "annotations": annotations, **changes}


def dump(path, value, protocol=4):
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_pyskl_gives_its_own_split(tmp_path, protocol):
    made_up = content()
    made = registry.load("ntu60-xsub", dump(tmp_path / "ntu60_3danno.pkl", made_up, protocol))
    assert made.names == NAMES and made.train.tolist() == [True, True, False, False]
    assert made.labels.tolist() == [0, 1, 2, 3] and made.subjects.tolist() == [1, 3, 2, 3]
    for i in (0, 2, 3):
        assert np.array_equal(made[i][:, :25], made_up["annotations"][i]["keypoint"][0].astype(np.float32))
    assert np.array_equal({*made[1][0, :, 0]}, {*made_up["annotations"][1]["keypoint"][:, 0, :, 0].ravel()})
    assert made[1][:, 25:].any() and not made[0][:, 25:].any()


def test_pyskl_from_the_cache_is_the_same(tmp_path, monkeypatch):
    path = dump(tmp_path / "x.pkl", content())
    first = registry.load("ntu60-xsub", path)
    monkeypatch.setattr("mksgn_neuro.data.readers.ntu.derived.unpickle", lambda _: pytest.fail("read again"))
    again = registry.load("ntu60-xsub", path)
    assert np.array_equal(first.positions, again.positions) and np.array_equal(first.train, again.train)


class Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function", [os.system, eval, np.load, getattr, np.fromfile, pickle.loads])
def test_a_pickle_that_would_run_something_is_refused_unrun(tmp_path, function, protocol):
    victim = tmp_path / "victim"
    path = dump(tmp_path / "x.pkl", {"split": Runs(function, f"touch {victim}")}, protocol)
    with pytest.raises(BadInput, match=f"wants to run .*{function.__name__}"):
        registry.load("ntu60-xsub", path, skip_bad=True)
    assert not victim.exists()


def test_a_forbidden_class_inside_an_object_array_is_refused(tmp_path):
    path = dump(tmp_path / "x.pkl", np.array([Runs(os.getcwd)], dtype=object))
    with pytest.raises(BadInput, match="wants to run|other things than numbers"):
        unpickle(path)


atoms = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
atoms |= st.binary(max_size=5)
plain = st.recursive(
    atoms,
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=3), x, max_size=3) | st.tuples(x),
    max_leaves=8,
)


@given(plain, st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_plain_data_round_trips(tmp_path_factory, value, protocol):
    assert unpickle(dump(tmp_path_factory.mktemp("plain") / "x.pkl", value, protocol)) == value


class Bent:
    """numpy.dtype with a state of the file's choice, which numpy takes for its own: signal 11."""

    def __init__(self, *state):
        self.state = state

    def __reduce__(self):
        return np.dtype, ("f4", False, True), self.state


@pytest.mark.parametrize("state", [(3, "<", None, ("x",), {"x": 1}, 9, 9, 9), (3, "V"), (), (1, "<", (Bent, 3))])
def test_a_type_with_a_foreign_state_is_no_crash(tmp_path, state):
    try:
        unpickle(dump(tmp_path / "x.pkl", [Bent(*state)], 2))
    except BadInput as error:
        assert "\n" not in str(error)


def test_an_array_larger_than_its_bytes_is_refused(tmp_path):
    dumped = pickle.dumps(np.zeros((3, 5)), 2)
    (tmp_path / "x.pkl").write_bytes(dumped.replace(b"K\x03K\x05\x86", b"K\x7fK\x7f\x86"))
    with pytest.raises(BadInput, match="another shape"):
        unpickle(tmp_path / "x.pkl")


def test_a_damaged_name_stays_on_one_line(tmp_path):
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(np.zeros(2)).replace(b"_reconstruct", b"_reconstr\nct"))
    with pytest.raises(BadInput, match=r"wants to run numpy\S*_reconstr\\nct"):
        unpickle(tmp_path / "x.pkl")


@given(st.binary(max_size=80))
@example(b"}.")  # an empty dict, and one byte after it
@settings(max_examples=60, deadline=None)
def test_noise_is_no_pickle(tmp_path_factory, noise):
    path = tmp_path_factory.mktemp("noise") / "x.pkl"
    path.write_bytes(noise + b"\xff")
    with pytest.raises(BadInput, match=r"x\.pkl"):
        unpickle(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keypoint": np.zeros((1, 9, 17, 2), np.float32)}, r"annotation 2: keypoint of shape \(1, 9, 17, 2\)"),
        ({"keypoint": np.full((1, 9, 25, 3), np.nan, np.float32)}, "annotation 2: a coordinate is not a finite"),
        ({"label": 60}, "annotation 2: label 60 outside"),
        ({"label": None}, "annotation 2: not an annotation"),
    ],
)
def test_a_bad_annotation_is_named_or_skipped(tmp_path, change, message):
    made_up = content()
    made_up["annotations"][2].update(change)
    path = dump(tmp_path / "x.pkl", made_up)
    with pytest.raises(BadInput, match=message):
        registry.load("ntu60-xsub", path)
    made = registry.load("ntu60-xsub", path, skip_bad=True)
    assert made.names == (NAMES[0], NAMES[1], NAMES[3]) and len(made.skipped) == 1


def test_a_split_that_the_file_lacks_is_named(tmp_path):
    with pytest.raises(BadInput, match="no split for ntu120-xset; it has xsub_train, xsub_val, xview_train"):
        registry.load("ntu120-xset", dump(tmp_path / "x.pkl", content()))
    with pytest.raises(BadInput, match="no split"):
        registry.load("ntu60-xsub", dump(tmp_path / "y.pkl", [1, 2]))


def ctr_gcn(path, n_train=3, n_test=2, save=np.savez, **changes):
    x = rng.normal(0, 1, (n_train + n_test, 30, 150)).astype(np.float32)
    lengths = 12 + np.arange(len(x))
    for i, length in enumerate(lengths):
        x[i, length:] = 0
        x[i, :, 75:] *= 0.1 if i % 2 else 0
    y = np.eye(60, dtype=np.float32)[np.arange(len(x)) * 7]
    arrays = {"x_train": x[:n_train], "y_train": y[:n_train], "x_test": x[n_train:], "y_test": y[n_train:], **changes}
    save(path, **arrays)
    return x, lengths


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_ctr_gcn_without_its_padding(tmp_path, save):
    x, lengths = ctr_gcn(tmp_path / "NTU60_CS.npz", save=save)
    made = registry.load("ntu60-xsub", tmp_path / "NTU60_CS.npz")
    assert made.lengths.tolist() == lengths.tolist() and made.labels.tolist() == [0, 7, 14, 21, 28]
    assert made.train.tolist() == [True, True, True, False, False] and (made.subjects == -1).all()
    for i in range(5):
        assert np.array_equal(made[i], x[i, : lengths[i]].reshape(-1, 50, 3))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_train": np.eye(120)[:3]}, "expected one column for each of 60 classes"),
        ({"x_train": np.zeros((3, 30, 75), np.float32)}, "expected"),
        ({"x_train": np.zeros((2, 30, 150), np.float32)}, "for 3 labels"),
        ({"x_test": np.full((2, 30, 150), np.nan, np.float32)}, r"x_test\[0\]: a coordinate is not a finite"),
    ],
)
def test_a_bad_ctr_gcn_file_is_refused(tmp_path, changes, message):
    ctr_gcn(tmp_path / "x.npz", **changes)
    with pytest.raises(BadInput, match=message) as caught:
        registry.load("ntu60-xsub", tmp_path / "x.npz")
    assert "x.npz" in str(caught.value)


def test_another_protocol_or_another_npz_is_refused(tmp_path):
    ctr_gcn(tmp_path / "NTU60_CV.npz")
    with pytest.raises(BadInput, match="ntu60-xview"):
        registry.load("ntu60-xsub", tmp_path / "NTU60_CV.npz")
    np.savez(tmp_path / "y.npz", positions=np.zeros(3))
    with pytest.raises(BadInput, match="expected CTR-GCN's arrays"):
        ntu.load("ntu60-xsub", tmp_path / "y.npz")
    content = (tmp_path / "NTU60_CV.npz").read_bytes()
    (tmp_path / "z.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(BadInput, match="not a readable file"):
        ntu.load("ntu60-xsub", tmp_path / "z.npz")


@pytest.mark.parametrize("annotations", [None, 0.5, np.array(3), {}])
def test_annotations_that_are_no_list_are_refused(tmp_path, annotations):
    path = dump(tmp_path / "x.pkl", content() | {"annotations": annotations}, 4)
    with pytest.raises(BadInput, match="its annotations are no list"):
        list(pyskl_records(path, "ntu60-xsub", 60, None))
