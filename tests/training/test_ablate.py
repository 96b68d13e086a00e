"""Ablations: each variant lacks one thing and nothing else, and the table says what the runs gave."""

import io
from dataclasses import asdict, replace
from string import ascii_letters

import pytest
from rich.console import Console

from mksgn_neuro.commands.ablate import _table
from mksgn_neuro.data.protocols import PROTOCOLS
from mksgn_neuro.models.store import load_model
from mksgn_neuro.training.ablate import TORCH_ONLY, Outcome, Price, ablate, folder_of, variants
from mksgn_neuro.training.presets import PRESETS
from mksgn_neuro.workflows.pricing import price
from tests.training.runs import SMALLEST, few_clips, silent


def test_each_variant_differs_in_its_part_alone():
    changes = {}
    for name, preset in variants(SMALLEST).items():
        before, after = asdict(SMALLEST), asdict(preset)
        changes[name] = {key for key in before if before[key] != after[key]}
    assert changes.pop("full") == set()
    assert changes.pop("no SMF: modalities concatenated") == {"mutual_information"}
    assert changes.pop("no attention") == {"attention"}
    assert changes.pop("no FTM") == {"feature_weight"}
    assert changes.pop("no soft labels") == {"soft_label_weight"}
    assert changes.pop("no teacher") == {"feature_weight", "soft_label_weight"}
    assert changes.pop(TORCH_ONLY) == {"attention"}
    single = [f"{name} only" for name in ("joint", "bone", "joint motion", "bone motion")]
    assert changes == {name: {"modalities"} for name in single}


def test_a_single_modality_has_one_branch_as_wide_as_each_was():
    for name, preset in PRESETS.items():
        width = preset.channels[0] // max(1, len(preset.branch_modalities))
        alone = preset.only("bone")
        assert alone.modalities == ("bone",) and alone.channels[0] == width, name
        assert alone.student(10).branches == 1
        for variant in variants(preset).values():
            variant.student(10)  # raises where parts do not go together


@pytest.mark.slow
def test_all_variants_train_and_share_the_teachers(tmp_path):
    preset = replace(SMALLEST, epochs=1, integer_epochs=1)
    options = {"seed": 5, "resume": False, "teacher": None, "report": silent, "price_of": price}
    outcomes = list(ablate(few_clips(), preset, tmp_path, **options))
    assert [o.variant for o in outcomes] == list(variants(preset))
    assert len(list(tmp_path.glob("*/model.pt"))) == len(outcomes)
    assert len(list(tmp_path.glob("*/teachers/joint.pt"))) == 1
    alone = load_model(tmp_path / "bone-only" / "model.pt")
    assert alone.scaling.modalities == ("bone",)
    assert {o.variant for o in outcomes if o.price == Price()} == {TORCH_ONLY}
    assert all(o.price.cores > 0 and o.price.millijoules > 0 for o in outcomes if o.variant != TORCH_ONLY)
    sizes = {o.variant: o.parameters for o in outcomes}
    assert sizes["no attention"] < sizes["full"] == sizes["no FTM"] > sizes["bone only"]
    for o in outcomes:
        assert o.test.keys() == o.held_out.keys() == set(PROTOCOLS) and 0 < o.spike_rate < 1
        assert all(0 <= found["accuracy"]["standard"] <= 1 for found in (*o.test.values(), *o.held_out.values()))


def test_folders_of_variants_differ():
    folders = [folder_of(name) for name in variants(SMALLEST)]
    assert len(set(folders)) == len(folders) and all(set(name) <= set(ascii_letters + "-") for name in folders)


def figures(continuous, clean, clip, held, offline):
    """Of one split, as `evaluate` gives them; the table shows no other `clean` value."""
    shares = lambda standard, clean=0.111: {"standard": standard, "clean": clean}
    return {
        "offline": {"accuracy": shares(offline)},
        "clip": {"accuracy": shares(clip), "accuracy_held": shares(held)},
        "continuous": {"accuracy": shares(continuous, clean)},
    }


def rows_of(*outcomes):
    console = Console(width=240, record=True, file=io.StringIO())
    console.print(_table(list(outcomes)))
    return [line.replace(" %", "%").split() for line in console.export_text().splitlines()[2:]]


HELD_OUT = figures(0.9, 0.91, 0.92, 0.93, 0.94)
FULL = Outcome("full", HELD_OUT, figures(0.8, 0.75, 0.81, 0.82, 0.83), 0.1, 1234, Price(17, 0.01234))


def test_table_gives_every_protocol_and_differences_in_points():
    without = Outcome("no-FTM", figures(0.85, 0, 0, 0, 0), figures(0.7, None, 0.71, 0.72, 0.73), 0.12, 1234)
    first, second = rows_of(FULL, without)
    assert first == ["full", "90.0%", "80.0%", "75.0%", "81.0%", "82.0%", "83.0%", "10.0%", "1,234", "17", "0.0123"]
    expected = ["no-FTM", "85.0%", "70.0%", "-10.0", "–", "71.0%", "72.0%", "73.0%", "12.0%", "1,234", "–", "–"]
    assert second == expected


def test_table_of_data_without_test_clips_has_dashes():
    (row,) = rows_of(replace(FULL, test={}))
    assert row == ["full", "90.0%", "–", "–", "–", "–", "–", "10.0%", "1,234", "17", "0.0123"]
