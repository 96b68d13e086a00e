import pytest

from mksgn_neuro.chip.energy import LOIHI1, PAPER, PROFILES, ann_reference, energy, load_profile
from mksgn_neuro.chip.profile import Events
from mksgn_neuro.errors import BadInput


def test_paper_by_hand():
    # 1,234,567 · 0.9 pJ = 1,111,110.3 pJ; 89,012 · 4.6 pJ = 409,455.2 pJ; together 1,520,565.5 pJ
    result = energy(Events(acs=1_234_567, macs=89_012), PAPER)
    assert result.joules_per_sample == 1.5205655e-6
    assert result.joules_by_event == {"acs": 1.1111103e-6, "macs": 4.094552e-7}


def test_loihi1_by_hand():
    # 1000 · 23.6 + 10 · 23.6 + 7 · 81 + 93 · 52 + 40 · 1.7 + 12 · 3 + 5 · 4
    # = 23600 + 236 + 567 + 4836 + 68 + 36 + 20 = 29,363 pJ for 4 samples: 7,340.75 pJ each
    events = Events(4, acs=1000, macs=10, active_updates=7, inactive_updates=93, messages=40, hops_x=12, hops_y=5)
    assert energy(events, LOIHI1).joules_per_sample == 7.34075e-9


def test_the_teacher_by_hand():
    # 3 million MACs: 3e6 · 4.6 pJ = 13.8 µJ in fp32, 3e6 · 0.3 pJ = 0.9 µJ in int8
    reference = ann_reference(3_000_000)
    assert reference["fp32"].joules_per_sample == 1.38e-5
    assert reference["int8"].joules_per_sample == 9e-7


def test_constants_are_printed_in_picojoules():
    printed = energy(Events(acs=1), LOIHI1).as_json()
    assert printed["constants"] == {
        "acs": 23.6,
        "macs": 23.6,
        "active_updates": 81.0,
        "inactive_updates": 52.0,
        "messages": 1.7,
        "hops_x": 3.0,
        "hops_y": 4.0,
    }
    assert energy(Events(acs=1), PAPER).as_json()["constants"] == {"acs": 0.9, "macs": 4.6}
    assert "Davies" in printed["source"]


def test_a_whole_run_is_exact_beyond_float_precision():
    huge = Events(acs=2**60 + 1)
    assert energy(huge, PAPER).joules_per_sample == (2**60 + 1) * 900 / 10**15


@pytest.mark.parametrize("name", ["loihi2", "gpu", ""])
def test_there_is_no_other_profile_and_none_of_loihi2(name):
    with pytest.raises(BadInput, match="use paper or loihi1"):
        load_profile(name)
    assert "loihi2" not in PROFILES
