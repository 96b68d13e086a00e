"""A small fixed set of what `make fuzz` tries: each damaged file is read or refused in one line, whatever it holds."""

import pytest

from tests.fuzz.readers import READERS
from tests.fuzz.run import COLUMNS, fuzz, outcome

CASES = 20


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_damaged_files_are_read_or_refused(tmp_path, monkeypatch, reader):
    monkeypatch.setenv("MKSGN_NEURO_CACHE", str(tmp_path))
    monkeypatch.setenv("MKSGN_NEURO_FUZZ_CACHE", str(tmp_path))
    reported = []
    counts = fuzz(reader, CASES, tmp_path / "fuzz", reported.append)
    assert not reported and counts["read"] + counts["refused"] == CASES
    assert not any(counts[column] for column in COLUMNS[2:])


def _fills_memory(path):
    return bytearray(3 << 29)


def _spins(path):
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (1, 2))
    while True:
        pass


def _dies(path):
    import os
    import signal

    os.kill(os.getpid(), signal.SIGSEGV)


def _raises(path):
    raise KeyError(path)


@pytest.mark.parametrize(
    ("read", "expected"), [(_fills_memory, ("read", True)), (_spins, ("hang", False)), (_dies, ("crash", False)),
                           (_raises, ("traceback", False)), (len, ("traceback", False))],
)  # fmt: skip
def test_the_counts_count(tmp_path, read, expected):
    assert outcome(read, tmp_path / "x")[:2] == expected
