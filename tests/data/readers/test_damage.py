"""Whatever is in a file: clips or BadInput, never another exception."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.data.readers import npz, nw_ucla, one_clip
from mksgn_neuro.data.readers.ntu.derived import ctr_gcn_records, pyskl_records
from mksgn_neuro.data.skeleton import from_parents
from mksgn_neuro.errors import BadInput
from tests.data.make import clips
from tests.data.readers.ntu.test_derived import content, ctr_gcn, dump
from tests.data.readers.test_nw_ucla import GOOD, write_zip
from tests.data.readers.test_one_clip import stamped

TWO = from_parents([-1, 0], ("a", "b"))
numbers = st.floats() | st.integers(-(10**400), 10**400) | st.text(max_size=2) | st.none() | st.booleans()
nested = st.recursive(numbers, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=2), x, max_size=2))


def survives(function, *arguments):
    """The result, or None after BadInput."""
    try:
        return function(*arguments)
    except BadInput as error:
        assert "\n" not in str(error)
        return None


@given(nested, st.sampled_from(["{}", '{{"skeletons": {}, "label": 1}}', '{{"skeletons": [[{}]], "label": 1}}']))
@settings(max_examples=100, deadline=None)
def test_any_json_as_a_clip_of_nw_ucla(value, frame):
    clip = survives(nw_ucla.parse, frame.format(json.dumps(value)).encode(), 0, "x")
    assert clip is None or np.isfinite(clip).all()


FRAMES = ("{}", '{{"joints": {}}}', "[[1, 2, 3], {}]", '{{"joints": {{"a": [1, 2, 3], "b": {}}}}}')


@given(nested, st.sampled_from(FRAMES))
@settings(max_examples=100, deadline=None)
def test_any_json_as_a_frame(value, frame):
    made = survives(stamped, frame.format(json.dumps(value)), TWO, "x")
    assert made is None or np.isfinite(made[0]).all()


@given(nested)
@settings(max_examples=100, deadline=None)
def test_any_json_as_a_time_stamp(value):
    line = json.dumps({"t": value, "joints": [[1, 2, 3], [4, 5, 6]]})
    made = survives(stamped, line, TWO, "x")
    assert made is None or (isinstance(made[1], float) and np.isfinite(made[1]))


@given(st.text("0123456789.,-eaxyzbXY_ \n\"'[{", max_size=80), st.sampled_from([None, TWO]))
@settings(max_examples=200, deadline=None)
def test_any_text_as_one_clip(tmp_path_factory, text, skeleton):
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_text(text)
    made = survives(one_clip.read, path, skeleton)
    assert made is None or (np.isfinite(made).all() and len(made) > 0)


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"joints":' * 100_000], ids=["lists", "objects"])
def test_deeply_nested_json_is_refused(deep):
    with pytest.raises(BadInput):
        nw_ucla.parse(deep.encode(), 0, "x")
    with pytest.raises(BadInput):
        stamped(deep, TWO, "x")


def file_bytes(kind):
    """A small good file of each kind; the same bytes in every run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npz"
        if kind == "nw-ucla":
            write_zip(path, GOOD, compressed=True)
        elif kind == "npz":
            npz.save(clips(), path)
        elif kind == "ctr-gcn":
            ctr_gcn(path, 1, 1, save=np.savez_compressed)
        else:
            dump(path, content())
        return path.read_bytes()


READERS = {
    "nw-ucla": nw_ucla.load,
    "npz": npz.load,
    "ctr-gcn": lambda path: list(ctr_gcn_records(path, "ntu60-xsub", 60, None)),
    "pyskl": lambda path: list(pyskl_records(path, "ntu60-xsub", 60, None)),
}
ORIGINALS = {kind: file_bytes(kind) for kind in READERS}


@pytest.mark.parametrize("kind", READERS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_flipped_and_missing_bytes(tmp_path_factory, kind, data):
    raw = bytearray(ORIGINALS[kind])
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[at] ^= data.draw(st.integers(1, 255))
    end = data.draw(st.none() | st.integers(0, len(raw)))
    path = tmp_path_factory.mktemp("damage") / "x.npz"
    path.write_bytes(raw[:end])
    survives(READERS[kind], path)
