import pytest

from benchmarks.views import changed
from mksgn_neuro.errors import BadInput
from mksgn_neuro.training.presets import preset


def test_fields_of_a_preset_and_of_its_augmentation_are_set():
    found = changed(preset("nw-ucla"), ("rows=16", "augmentation.crop=0.8", "dilations=(1, 1, 1, 1, 1, 1)"))
    assert (found.rows, found.augmentation.crop, found.dilations) == (16, 0.8, (1,) * 6)
    assert found.augmentation.turn == preset("nw-ucla").augmentation.turn


@pytest.mark.parametrize("wrong", ["row=16", "rows", "rows=x", "augmentation.cropped=1", "rows.more=1"])
def test_what_a_preset_does_not_have_is_refused(wrong):
    with pytest.raises(BadInput, match="cannot set"):
        changed(preset("nw-ucla"), (wrong,))
