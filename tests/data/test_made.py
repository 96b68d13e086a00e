"""Arrays that are made when asked for are those that would lie there; mapped files leave nothing in memory."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mksgn_neuro.data.made import Made, joined, lengths_of
from mksgn_neuro.data.mapped import IN_MEMORY, let_go, rows_of, scratch

LENGTHS = st.lists(st.integers(1, 5), min_size=1, max_size=6)
ENDS = st.one_of(st.none(), st.integers(-3, 30))


def arrays(lengths: list[int]) -> list[np.ndarray]:
    flat = np.arange(2 * sum(lengths), dtype=np.float32).reshape(-1, 2)
    return np.split(flat, np.cumsum(lengths)[:-1])


def made(there: list[np.ndarray]) -> Made:
    return Made(lengths_of(there), lambda i: there[i])


@given(LENGTHS, ENDS, ENDS)
def test_a_slice_of_the_whole_is_that_of_the_arrays_in_one(lengths, start, stop):
    there = arrays(lengths)
    whole = joined(made(there))
    assert len(whole) == sum(lengths) and np.array_equal(np.asarray(whole), np.concatenate(there))
    assert np.array_equal(whole[start:stop], np.concatenate(there)[start:stop])


@given(LENGTHS, ENDS, ENDS)
def test_arrays_are_made_in_order_and_in_parts(lengths, start, stop):
    there = arrays(lengths)
    twice = made(there).map(lambda x: np.repeat(x, 2, axis=0), 2)
    assert twice.lengths.tolist() == [len(x) for x in twice] == [2 * n for n in lengths]
    assert (
        [len(x) for x in twice[start:stop]]
        == twice[start:stop].lengths.tolist()
        == (2 * np.array(lengths))[start:stop].tolist()
    )
    assert np.array_equal(made(there)[-1], there[-1])


def resident(array: np.memmap) -> int:
    """kB of a mapped file that count as this process's memory."""
    found, inside = 0, False
    with open("/proc/self/smaps") as lines:
        for line in lines:
            if "-" in line.split()[0] and ":" not in line.split()[0]:
                inside = line.rstrip().endswith(str(array.filename))
            elif inside and line.startswith("Rss:"):
                found += int(line.split()[1])
    return found


def test_rows_of_a_mapped_file_are_copies_that_leave_none_of_it_in_memory(tmp_path):
    content = np.random.default_rng(0).random((1000, 500)).astype(np.float32)
    content.tofile(tmp_path / "rows.f32")
    mapped = np.memmap(tmp_path / "rows.f32", np.float32, "r", shape=content.shape)
    assert float(mapped.sum()) > 0 and resident(mapped) > 1000
    some = np.array([3, 999, 3])
    assert np.array_equal(rows_of(mapped, some), content[some])
    assert np.array_equal(rows_of(mapped, slice(5, 700)), content[5:700]) and resident(mapped) == 0


def test_scratch_holds_what_was_written_and_little_of_it_in_memory():
    small, large = scratch((10, 3), np.uint8), scratch((IN_MEMORY // 50, 100), np.uint8)
    assert not isinstance(small, np.memmap) and isinstance(large, np.memmap)
    rng = np.random.default_rng(0)
    for array in (small, large):
        content = rng.integers(0, 256, array.shape).astype(np.uint8)
        assert not array.any()
        array[:] = content
        let_go(array)
        parts = np.array_split(array, 7)
        assert all(np.array_equal(rows_of(a, slice(None)), b) for a, b in zip(parts, np.array_split(content, 7)))
