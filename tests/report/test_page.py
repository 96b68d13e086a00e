import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.image import imread

from mksgn_neuro.report import svg
from mksgn_neuro.report.figures import FIGURES, write_figures
from mksgn_neuro.report.page import page
from tests.report.conftest import CLIPS, run

TIMED = {"throughput"}


class Elements(HTMLParser):
    """Every element's attributes by tag, and the embedded data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.data = ""
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self._inside = dict(attributes).get("id") == "report-data"

    def handle_data(self, text):
        self.data += text if self._inside else ""

    def handle_endtag(self, tag):
        self._inside = False


@pytest.fixture(scope="module")
def elements(made):
    return Elements(made.page.read_text())


def test_numbers_on_the_page_are_those_of_simulate(made, elements):
    untimed = lambda document: {key: value for key, value in document.items() if key not in TIMED}
    assert untimed(made.report["simulation"]) == untimed(made.simulation)
    assert untimed(json.loads(elements.data)["simulation"]) == untimed(made.simulation)
    shown = {a["data-key"]: float(a["value"]) for tag, a in elements.found if tag == "data"}
    populations = made.simulation["populations"]
    expected = {f"populations.{p['name']}.spikes": p["spikes"] for p in populations}
    expected |= {key: made.simulation[key] for key in ("accuracy", "cores")}
    expected["energy.joules_per_sample"] = made.simulation["energy"]["joules_per_sample"]
    assert shown == expected


def test_the_page_loads_nothing_and_is_small(made, elements):
    text = made.page.read_text()
    assert made.report["bytes"] == made.page.stat().st_size < 5_000_000
    links = [value for _, a in elements.found for key, value in a.items() if key in ("src", "href", "srcset", "action")]
    assert links and all(link.startswith("#") for link in links)
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(|https?://", text)
    assert any("default-src 'none'" in a.get("content", "") for tag, a in elements.found if tag == "meta")
    assert "simulated on CPU" in text


def test_ids_are_unique_links_lead_somewhere_and_pictures_are_described(elements):
    ids = [a["id"] for _, a in elements.found if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for tag, a in elements.found if tag == "a"} <= set(ids)
    pictures = [a for _, a in elements.found if a.get("role") == "img"]
    assert len(pictures) >= 6 and all(a.get("aria-label") for a in pictures)


def test_hostile_names_stay_text(collected):
    names = ("</script><script>alert(1)</script>", *collected.task.class_names[1:])
    text = page(replace(collected, task=replace(collected.task, class_names=names)))
    assert text.count("<script") == page(collected).count("<script") == 3
    assert json.loads(Elements(text).data)["classes"][0] == names[0]


def test_what_a_file_does_not_say_is_said_to_be_missing(collected):
    bare = replace(collected, training=None, information=None, wrong=(), rungs=None)
    text = page(bare)
    for words in ("does not say how it was trained", "Not in this file", "every clip was recognised", "Not checked"):
        assert words in text


def test_simulate_writes_the_same_page(made, tmp_path):
    document = run("simulate", made.model, "--limit", CLIPS, "--report", tmp_path / "page.html")
    assert document["accuracy"] == made.simulation["accuracy"]
    ours = json.loads(Elements((tmp_path / "page.html").read_text()).data)
    theirs = json.loads(Elements(made.page.read_text()).data)
    for data in (ours, theirs):
        data["simulation"].pop("throughput")
    assert ours == theirs


def test_every_form_has_its_accuracy_and_what_it_was_measured_on(collected):
    text = page(collected)
    assert "On 60 held-out training clips, on which models are chosen: float 75.0%, integer 50.0%." in text
    assert "On all test clips: float 62.5%." in text and "without a twin" not in text
    none_held_out = replace(collected.training, summary=collected.training.summary | {"held_out_clips": 0})
    assert "On clips that they were trained on: float 75.0%" in page(replace(collected, training=none_held_out))


def test_a_differing_form_is_in_the_verdict(collected):
    from mksgn_neuro.workflows.verify import Rung

    rungs = (Rung("a", "b", 3, 5), Rung("b", "c", 3, 5, 7, "neuron 1"), Rung("c", "d", not_run="not run: no Lava"))
    text = page(replace(collected, rungs=rungs))
    assert "7 spikes differ" in text and "2 comparisons" in text and "1 not run" in text
    assert "verified" in page(replace(collected, rungs=rungs[:1]))


def test_the_ladder_is_climbed_unless_told_not_to(made, tmp_path):
    run("report", made.model, "--limit", 2, "--samples", 1, "--output", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "0 spikes differ" not in text and ">verified<" in text and "student → reference" in text
    assert ">verified<" not in made.page.read_text()


def test_figures_are_written_as_png_and_svg(collected, tmp_path):
    files = write_figures(collected, tmp_path / "figures")
    assert {f.stem for f in files} == set(FIGURES) and len(files) == 2 * len(FIGURES)
    assert sorted(p.name for p in (tmp_path / "figures").iterdir()) == sorted(f.name for f in files)
    for file in files:
        if file.suffix == ".png":
            assert np.ptp(imread(file)[..., :3]) > 0.5, file
        else:
            assert "<svg" in file.read_text()[:1000]


def test_ticks_are_round_and_inside():
    assert svg.ticks(0, 1) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert svg.ticks(1, 3, 8, whole=True) == [1.0, 2.0, 3.0]
    assert all(1 <= t <= 32 for t in svg.ticks(1, 32, 8, whole=True))
