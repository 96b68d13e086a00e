"""Ordinary files only, and what of their words a message shows."""

import os

import pytest

from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import SHOWN, require_regular, shown


def test_a_pipe_a_folder_and_nothing_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none", "/dev/zero", "a\0b"):
        with pytest.raises(BadInput):
            require_regular(path)


def test_a_size_and_a_limit(tmp_path):
    (tmp_path / "x").write_bytes(b"12345")
    assert require_regular(tmp_path / "x", most=5) == 5
    with pytest.raises(BadInput, match="5 bytes, limit 4"):
        require_regular(tmp_path / "x", most=4)


def test_control_characters_are_escaped_and_long_texts_cut():
    assert shown("a\x1b[2Jb\r\nc\x9b\u202e") == "a\\x1b[2Jb\\r\\nc\\x9b\\u202e"
    assert len(shown("x" * 1000)) == SHOWN and shown("ä ö") == "ä ö"
