"""The files that stand in for NTU are read as NTU's, and what is extrapolated from them is a line and a power."""

import numpy as np
import pytest

from benchmarks import ntu_scale
from benchmarks.ntu_files import name_of, write_clips
from benchmarks.ntu_scale import Measured, exponent, line_at
from mksgn_neuro.data import registry


@pytest.mark.parametrize(("classes", "clips"), [(60, 56_880), (120, 114_480)])
def test_no_two_clips_have_one_name(classes, clips):
    assert len({name_of(i, classes) for i in range(clips)}) == clips


def test_files_are_the_same_whenever_they_are_written_and_read_as_ntu(tmp_path, monkeypatch):
    monkeypatch.setenv("MKSGN_NEURO_CACHE", str(tmp_path / "cache"))
    for name, parts in (("at once", [(0, 60)]), ("in parts", [(0, 20), (20, 60)])):
        (tmp_path / name).mkdir()
        size = sum(write_clips(tmp_path / name, first, last, 60) for first, last in parts)
    assert 150_000 < size / 60 < 260_000
    files = [{p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("at once", "in parts")]
    assert files[0] == files[1]
    clips = registry.load("ntu60-xsub", tmp_path / "at once")
    assert len(clips) == 60 and len(set(clips.labels.tolist())) == 60
    second = [bool(clips[i][:, 25:].any()) for i in range(60)]
    assert [label for label, there in zip(clips.labels, second) if there] == list(range(49, 60))


def test_a_power_and_a_line_are_found_again():
    sizes = [100, 200, 400, 800]
    assert exponent(sizes, [2e-3 * n**1.5 for n in sizes], 0) == pytest.approx(1.5)
    rows = {n: {"cpu": 0.5 + 0.01 * n} for n in sizes}
    assert line_at(rows, "cpu", 10_000) == pytest.approx(100.5)
    assert line_at({800: {"cpu": 3.0}}, "cpu", 10_000) == 3.0
    falling = {n: {"cpu": 10 - 0.01 * n} for n in sizes}
    assert line_at(falling, "cpu", 10_000) == 2.0  # never below what was measured


def test_what_was_measured_is_not_measured_again(tmp_path, monkeypatch):
    asked = []

    def measure(name, folder, classes):
        asked.append((name, len(list(folder.iterdir()))))
        return {"cpu": 1.0, "MB": 1.0}

    monkeypatch.setattr(ntu_scale, "measure", measure)
    for _ in range(2):
        found = Measured(tmp_path, 60)
        for count in (5, 9):
            found.write(count)
            found.row(count, "cache")
    found.row(5, "inspect")
    assert asked == [("cache", 5), ("cache", 9), ("inspect", 5)]
    assert found.bytes["9"] == sum(p.stat().st_size for p in found.folder(9).iterdir())
    assert np.isfinite(list(found.of("cache", [5, 9])[9].values())).all()
