"""Memory is looked at before it is asked for."""

import pytest

from mksgn_neuro.processes import memory
from mksgn_neuro.processes.memory import NotEnoughMemory, free_memory, require_memory

GB = 10**9


def group(folder, files, cached, name):
    folder.mkdir(parents=True, exist_ok=True)
    for file, value in files.items():
        (folder / file).write_text(f"{value}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{name} {cached}\n")


def test_the_tightest_group_on_the_way_to_the_root_counts(tmp_path):
    own = tmp_path / "own"
    own.write_text("0::/a/b\n")
    roots = tmp_path / "groups"
    group(roots / "a", {"memory.max": 3000, "memory.current": 1000}, 200, "inactive_file")
    group(roots / "a/b", {"memory.max": "max", "memory.current": 900}, 0, "inactive_file")
    assert free_memory(roots, own) == 2200
    group(roots, {"memory.max": 1500, "memory.current": 1400}, 0, "inactive_file")
    assert free_memory(roots, own) == 100


def test_groups_of_version_1_and_none_at_all(tmp_path):
    own = tmp_path / "own"
    own.write_text("5:cpu:/\n4:memory:/somewhere/not/mounted\n0::/\n")
    group(tmp_path / "memory", {"memory.limit_in_bytes": 700, "memory.usage_in_bytes": 650}, 20, "total_inactive_file")
    assert free_memory(tmp_path, own) == 70
    assert free_memory(tmp_path / "nothing", tmp_path / "none") > 10**7


def test_too_little_is_one_line(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 2 * GB)
    require_memory(GB, "the loader", "wait")
    with pytest.raises(NotEnoughMemory) as caught:
        require_memory(12.8 * GB, "the loader", "wait")
    assert str(caught.value) == "the loader: needs about 12.8 GB of memory, 2.0 GB are free; wait"
