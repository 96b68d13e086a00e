import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mksgn_neuro.data import cache as data_cache
from mksgn_neuro.data import records, registry
from mksgn_neuro.data.readers import ntu
from mksgn_neuro.errors import BadInput, WorkFailed
from tests.data.readers.ntu.skeleton_files import skeleton_text, walk

NAMES = (
    "S001C001P001R001A001",
    "S001C002P003R001A060",
    "S002C003P003R002A009",
    "S017C001P038R002A060",
    "S018C001P045R001A061",
    "S031C003P106R001A120",
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MKSGN_NEURO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "nturgb+d_skeletons"
    folder.mkdir()
    for i, name in enumerate(NAMES):
        (folder / f"{name}.skeleton").write_bytes(skeleton_text(walk(12 + i, seed=i), 12 + i))
    return folder


def entries(cache):
    """What is in it but locks, which are empty files."""
    return [path for path in cache.iterdir() if not (path.name.startswith(".") and path.stat().st_size == 0)]


def test_splits_follow_the_names(folder):
    def training(dataset):
        made = registry.load(dataset, folder)
        return {name for name, train in zip(made.names, made.train) if train}

    assert training("ntu60-xsub") == {NAMES[0], NAMES[3]}
    assert training("ntu60-xview") == {NAMES[1], NAMES[2]}
    assert training("ntu120-xsub") == {NAMES[0], NAMES[3], NAMES[4]}
    assert training("ntu120-xset") == {NAMES[2], NAMES[4]}


def test_clips_labels_and_subjects(folder):
    made = registry.load("ntu60-xsub", folder)
    assert made.names == NAMES[:4] and made.labels.tolist() == [0, 59, 8, 59] and len(made.class_names) == 60
    assert made.subjects.tolist() == [1, 3, 3, 38] and made.lengths.tolist() == [12, 13, 14, 15]
    for i in range(4):
        assert np.array_equal(made[i][:, :25], [xyz for _, _, xyz in walk(12 + i, seed=i)])
    assert len(registry.load("ntu120-xset", folder)) == 6


def test_sizes_of_the_official_splits():
    assert len(set(ntu.TRAIN_SUBJECTS_60)) == 20 and len(set(ntu.TRAIN_SUBJECTS_120)) == 53
    assert set(ntu.TRAIN_SUBJECTS_60) < set(ntu.TRAIN_SUBJECTS_120)


def test_zips_and_a_folder_of_zips_read_like_the_folder(folder, tmp_path):
    zips = tmp_path / "zips"
    zips.mkdir()
    for part, names in (("s001_to_s017", NAMES[:4]), ("s018_to_s032", NAMES[4:])):
        with zipfile.ZipFile(zips / f"nturgbd_skeletons_{part}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.write(folder / f"{name}.skeleton", f"nturgb+d_skeletons/{name}.skeleton")
    whole = registry.load("ntu120-xsub", folder)
    parts = registry.load("ntu120-xsub", zips)
    assert parts.names == whole.names and np.array_equal(parts.positions, whole.positions)
    assert registry.load("ntu60-xsub", zips / "nturgbd_skeletons_s001_to_s017.zip").names == NAMES[:4]


def test_the_second_start_reads_the_cache_and_a_change_is_noticed(folder, cache, monkeypatch):
    first = registry.load("ntu60-xsub", folder)
    assert isinstance(first.positions, np.memmap)
    assert len(entries(cache)) == 1
    with monkeypatch.context() as patch:
        patch.setattr(ntu, "parse", lambda *_: pytest.fail("parsed again"))
        again = registry.load("ntu60-xview", folder)
    assert np.array_equal(first.positions, again.positions) and first.names == again.names
    assert first.rate == again.rate == 30
    (folder / f"{NAMES[0]}.skeleton").write_bytes(skeleton_text(walk(20, seed=9), 20))
    assert registry.load("ntu60-xsub", folder).lengths[0] == 20


def test_progress_reaches_the_end(folder):
    seen = []
    registry.load("ntu60-xsub", folder, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (6, 6)


def test_clips_without_a_skeleton_are_skipped_and_listed(folder):
    (folder / "S003C001P001R001A001.skeleton").write_bytes(skeleton_text([], 5))
    (folder / "S003C001P001R001A002.skeleton").write_bytes(b"0\n")
    made = registry.load("ntu60-xsub", folder)
    assert made.names == NAMES[:4]
    assert made.skipped == tuple(f"S003C001P001R001A00{i}: no skeleton in any frame" for i in (1, 2))


def test_the_authors_list_of_incomplete_samples_is_heeded(folder):
    (folder / "NTU_RGBD_samples_with_missing_skeletons.txt").write_text(f"302 samples\n\n{NAMES[1]}\n")
    made = registry.load("ntu60-xsub", folder)
    assert made.names == (NAMES[0], *NAMES[2:4]) and made.skipped == (f"{NAMES[1]}: listed as incomplete",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("S003C001P001R001A001", b"3\n0\n0\n", "line 3: the file is truncated"),
        ("S003C001P001R001A121", skeleton_text(walk(3), 3), "unknown action A121"),
        ("clip", skeleton_text(walk(3), 3), "not named"),
    ],
)
def test_a_bad_file_is_named_and_nothing_is_written_or_it_is_skipped(folder, cache, name, content, message):
    (folder / f"{name}.skeleton").write_bytes(content)
    with pytest.raises(BadInput, match=message) as caught:
        registry.load("ntu60-xsub", folder)
    assert f"{name}.skeleton" in str(caught.value) and entries(cache) == []
    made = registry.load("ntu60-xsub", folder, skip_bad=True)
    assert made.names == NAMES[:4] and len(made.skipped) == 1 and message in made.skipped[0]
    with pytest.raises(BadInput, match=message):
        registry.load("ntu60-xsub", folder)


def test_one_clip_in_two_places_is_refused(folder):
    (folder / "copy").mkdir()
    (folder / "copy" / f"{NAMES[0]}.skeleton").write_bytes(skeleton_text(walk(3), 3))
    with pytest.raises(BadInput, match="the same clip as"):
        registry.load("ntu60-xsub", folder)


def test_a_relative_and_an_absolute_path_are_one_entry(folder, cache, monkeypatch):
    monkeypatch.chdir(folder.parent)
    registry.load("ntu60-xsub", folder)
    registry.load("ntu60-xsub", Path(folder.name))
    assert len(entries(cache)) == 1


@pytest.mark.parametrize("part", ["index.npz", "positions.f32"])
@pytest.mark.parametrize("keep", [0, 0.5, 0.99])
def test_a_damaged_entry_is_stored_anew_and_what_a_kill_left_is_removed(folder, cache, part, keep):
    first = registry.load("ntu60-xsub", folder)
    expected = np.array(first.positions)
    (entry,) = entries(cache)
    (cache / f"{entry.name}.part").mkdir()
    (cache / f"{entry.name}.part" / "lines.json").write_text("no line of ours\n")
    content = (entry / part).read_bytes()
    (entry / part).unlink()
    (entry / part).write_bytes(content[: int(keep * len(content))])
    again = registry.load("ntu60-xsub", folder)
    assert again.names == first.names and np.array_equal(again.positions, expected)
    assert entries(cache) == [entry] and (entry / part).read_bytes() == content


def test_positions_are_looked_through_only_where_they_were_written_to_since(folder, cache, monkeypatch):
    first = np.array(registry.load("ntu60-xsub", folder).positions)
    (entry,) = entries(cache)
    with monkeypatch.context() as patch:
        patch.setattr(data_cache, "_all_finite", lambda _: pytest.fail("looked through"))
        registry.load("ntu60-xsub", folder)
    with open(entry / "positions.f32", "r+b") as file:
        file.seek(400)
        file.write(np.float32("nan").tobytes())
    assert np.array_equal(registry.load("ntu60-xsub", folder).positions, first)


def test_an_index_of_other_lengths_is_stored_anew(folder, cache):
    registry.load("ntu60-xsub", folder)
    index = entries(cache)[0] / "index.npz"
    with np.load(index) as file:
        arrays = dict(file)
    for changed in ({"lengths": arrays["lengths"][::-1] * 0}, {"labels": arrays["labels"][:2]}, {"train": "no"}):
        np.savez(index, **{**arrays, **changed})
        assert registry.load("ntu60-xsub", folder).lengths.tolist() == [12, 13, 14, 15]


FILL = """
import sys, os
from pathlib import Path
from mksgn_neuro.data import registry
from mksgn_neuro.data.readers import ntu
read = ntu.parse
def counted(*arguments):
    with open(sys.argv[2], "a") as file:
        file.write("1")
    return read(*arguments)
ntu.parse = counted
print(",".join(registry.load("ntu60-xsub", Path(sys.argv[1])).names))
"""


def test_of_processes_that_fill_one_cache_one_reads_and_the_others_wait(folder, tmp_path):
    command = [sys.executable, "-c", FILL, str(folder), str(tmp_path / "parsed")]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    fillers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {filler.communicate(timeout=200)[0].strip() for filler in fillers}
    assert said == {",".join(NAMES[:4])}
    assert len((tmp_path / "parsed").read_text()) == len(NAMES)


@pytest.mark.parametrize("skip_bad", [False, True])
def test_interrupted_caching_goes_on_where_it_stopped(folder, cache, monkeypatch, skip_bad):
    expected = registry.load("ntu120-xsub", folder)
    positions = np.array(expected.positions)
    for entry in entries(cache):
        shutil.rmtree(entry)
    monkeypatch.setattr(records, "TOGETHER", 2)
    monkeypatch.setattr(ntu, "in_order", lambda work, items, progress: map(work, items))
    parse, parsed = ntu.parse, []

    def interrupted(text, location):
        if len(parsed) == 5:
            raise KeyboardInterrupt
        parsed.append(location)
        return parse(text, location)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ntu, "parse", interrupted)
        registry.load("ntu120-xsub", folder, skip_bad=skip_bad)
    (entry,) = entries(cache)
    (entry / "positions.f32").open("ab").write(b"begun")
    (entry / "lines.json").open("ab").write(b'{"name": "beg')
    parsed.clear()
    monkeypatch.setattr(ntu, "parse", lambda text, location: parsed.append(location) or parse(text, location))
    again = registry.load("ntu120-xsub", folder, skip_bad=skip_bad)
    assert len(parsed) == len(NAMES) - 4 and len(entries(cache)) == 1
    assert again.names == expected.names and np.array_equal(again.positions, positions)
    assert again.lengths.tolist() == expected.lengths.tolist() and again.labels.tolist() == expected.labels.tolist()


def test_what_cannot_be_cached_fails_with_a_remedy(folder, cache, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MKSGN_NEURO_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(WorkFailed, match="MKSGN_NEURO_CACHE"):
        registry.load("ntu60-xsub", folder)


def test_nothing_of_the_data_set_is_an_error(tmp_path, folder):
    for name in NAMES[:4]:
        (folder / f"{name}.skeleton").unlink()
    with pytest.raises(BadInput, match="no usable clip"):
        registry.load("ntu60-xsub", folder)
    with pytest.raises(BadInput, match="no such file"):
        registry.load("ntu60-xsub", tmp_path / "nowhere")
    with pytest.raises(BadInput, match="needs a path"):
        registry.load("ntu60-xsub", None)
    with pytest.raises(BadInput, match="choose from synthetic, nw-ucla, nw-ucla-views, ntu60-xsub"):
        registry.load("ntu", None)
