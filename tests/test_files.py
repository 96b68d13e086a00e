"""Files are there whole or not at all."""

import pytest

from mksgn_neuro.files import in_one_piece, write_text


def test_a_file_that_fails_half_way_leaves_the_old_one_and_nothing_else(tmp_path):
    path = tmp_path / "model.pt"
    write_text("old", path)
    with pytest.raises(RuntimeError), in_one_piece(path) as temporary:
        temporary.write_text("half")
        assert path.read_text() == "old"
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with in_one_piece(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]
