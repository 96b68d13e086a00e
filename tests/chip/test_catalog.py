import pytest

from mksgn_neuro.chip.catalog import CHIPS, LOIHI1, LOIHI2, load_chip
from mksgn_neuro.chip.spec import CONFIDENCE
from mksgn_neuro.errors import BadInput


@pytest.mark.parametrize("chip", CHIPS.values(), ids=str)
def test_every_limit_says_where_it_is_from(chip):
    assert set(chip.limits) == set(LOIHI2.limits)
    for name, limit in chip.limits.items():
        assert limit.name == name
        assert limit.source and limit.unit
        assert limit.confidence in CONFIDENCE


def test_the_mesh_holds_the_cores():
    for chip in CHIPS.values():
        assert chip["mesh_width"] * chip["mesh_height"] * chip["cores_per_tile"] >= chip["cores"]


def test_loihi2_limits_are_those_of_the_printouts():
    printed = {"neurons": 4095, "groups": 8, "input_axons": 16000, "memory_words": 12000, "max_delay": 62}
    assert {name: LOIHI2[name] for name in printed} == printed


def test_a_users_chip_starts_from_its_base(tmp_path):
    path = tmp_path / "big.toml"
    path.write_text(
        'name = "big"\nbase = "loihi1"\n[limits]\nneurons = 2048\n'
        'cores = {value = 16, source = "data sheet 3", confidence = "published"}\n'
    )
    chip = load_chip(str(path))
    assert (chip.name, chip["neurons"], chip["cores"], chip["groups"]) == ("big", 2048, 16, LOIHI1["groups"])
    assert (chip.limits["neurons"].source, chip.limits["neurons"].confidence) == (str(path), "user")
    assert (chip.limits["cores"].source, chip.limits["cores"].confidence) == ("data sheet 3", "published")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("neurons = [", "not a readable TOML file"),
        ("colour = 1", "unknown key 'colour'"),
        ('base = "truenorth"', "unknown base 'truenorth'"),
        ("base = [1]", "unknown base [1]"),
        ("limits = 3", "limits is no table"),
        ('[limits]\n"a\\nb" = 1', "limits.a\\\\nb: no such limit"),
        ("[limits]\nneuron = 1", "limits.neuron: no such limit"),
        ("[limits]\nneurons = 0", "limits.neurons: 0 is no whole number of at least 1"),
        ("[limits]\nneurons = true", "True is no whole number"),
        ('[limits]\nneurons = "many"', "'many' is no whole number"),
        ("[limits]\nneurons = {amount = 3}", "limits.neurons: wrong keys"),
        ('[limits]\nneurons = {value = 3, confidence = "sure"}', "unknown confidence 'sure'"),
    ],
)
def test_a_bad_chip_file_is_named_with_the_place(tmp_path, text, said):
    path = tmp_path / "chip.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=said.replace("[", r"\[")) as caught:
        load_chip(str(path))
    assert str(path) in str(caught.value)
    assert caught.value.hint


def test_an_unknown_chip_and_a_missing_file_are_bad_input(tmp_path):
    with pytest.raises(BadInput, match="no chip 'loihi3'"):
        load_chip("loihi3")
    with pytest.raises(BadInput, match="no such file"):
        load_chip(str(tmp_path / "absent.toml"))
