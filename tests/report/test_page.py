import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.image import imread

from mksgn_neuro.cli import cli
from mksgn_neuro.errors import BadInput
from mksgn_neuro.report import svg
from mksgn_neuro.report.collect import Training
from mksgn_neuro.report.figures import FIGURES, write_figures
from mksgn_neuro.report.page import page
from tests.export.lava import installed
from tests.paths import NW_UCLA, SHIPPED, needs_shared_data
from tests.report.conftest import CLIPS, measured, run
from tests.version_2 import ITS_TRAINING, as_version_2

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


def under(document: dict, key: str) -> float:
    """What a figure's key names in a document of `simulate --json`."""
    if key.startswith("populations."):
        name, value = key.removeprefix("populations.").rsplit(".", 1)
        return next(p for p in document["populations"] if p["name"] == name)[value]
    for part in key.split("."):
        document = document[part]
    return document


def shown_figures(elements: Elements) -> dict[str, float]:
    return {a["data-key"]: float(a["value"]) for tag, a in elements.found if tag == "data"}


def test_numbers_on_the_page_are_those_of_simulate(made, elements):
    untimed = lambda document: {key: value for key, value in document.items() if key not in TIMED}
    assert untimed(made.report["simulation"]) == untimed(made.simulation)
    assert untimed(json.loads(elements.data)["simulation"]) == untimed(made.simulation)
    shown = shown_figures(elements)
    assert shown == {key: under(made.simulation, key) for key in shown}
    assert {f"populations.{p['name']}.spikes" for p in made.simulation["populations"]} <= set(shown)
    assert {"cores", "rate", "window", "latency_steps", "energy.joules_per_sample"} <= set(shown)


def test_the_cards_show_every_protocol_continuous_and_clip_first(made, elements):
    keys = [a["data-key"] for tag, a in elements.found if tag == "data"]
    protocols = [key.split(".")[1] for key in keys if key.endswith(".accuracy.standard")]
    assert protocols == ["continuous", "clip", "offline"] and set(protocols) == set(made.simulation["protocols"])
    stream = ("second_half", "median_frames_to_decision", "false_changes_per_minute", "milliwatts")
    expected = [f"protocols.{name}.accuracy.{part}" for name in protocols for part in ("standard", "clean")]
    expected += [f"protocols.clip.accuracy_held.{part}" for part in ("standard", "clean")]
    expected += [f"protocols.continuous.{name}" for name in stream]
    assert set(expected) <= set(keys)
    text = made.page.read_text()
    assert keys.index("protocols.continuous.milliwatts") == keys.index("energy.joules_per_sample") + 1
    for words in (
        "one endless stream",
        "the last 20 frames (0.67 s)",
        "as a camera delivers it",
        "stretched to 40 fra",
    ):
        assert words in text


def test_leaked_clips_are_named_and_the_clean_accuracy_is_its_own(collected):
    s = collected.simulation
    clip = s["protocols"]["clip"] | {"accuracy": {"standard": 0.75, "clean": 0.5}}
    found = s | {"leaked": 7, "protocols": s["protocols"] | {"clip": clip}}
    text = page(replace(collected, simulation=found))
    shown = shown_figures(Elements(text))
    assert (shown["protocols.clip.accuracy.standard"], shown["protocols.clip.accuracy.clean"]) == (0.75, 0.5)
    assert "without the 7 of them that are byte-identical to a training clip (leaked)" in text
    assert "None of them is byte-identical" in page(collected)
    none_clean = clip | {"accuracy": {"standard": 0.75, "clean": None}}
    assert "no clip" in page(replace(collected, simulation=s | {"protocols": {"clip": none_clean}}))


def test_the_page_says_which_frames_it_shows(collected):
    text, ends = page(collected), collected.shown.ends
    words = (
        f"{(ends < 60).sum()} of {CLIPS} clips end earlier and their last pose is held, {(ends > 60).sum()} are longer"
    )
    assert text.count(words) == 3 and f"clips of {ends.min()} to {ends.max()} frames, 30 a second" in text
    assert "share of clips that have ended" in text and "2.00 s" in text


def test_one_protocol_alone_makes_a_page(made, tmp_path):
    for protocol in ("offline", "clip"):
        file = tmp_path / f"{protocol}.html"
        arguments = ("--limit", CLIPS, "--protocol", protocol, "--report", file)
        document = run("simulate", made.model, *arguments)
        elements = Elements(file.read_text())
        shown = shown_figures(elements)
        assert shown == {key: under(document, key) for key in shown}
        assert f"protocols.{protocol}.accuracy.standard" in shown and "protocols.continuous.milliwatts" not in shown
        assert "mW on the stream" not in file.read_text() and "mW on the stream" in made.page.read_text()
        assert json.loads(elements.data)["frames"] == (60 if protocol == "clip" else 40)


def test_a_page_of_the_stream_alone_is_refused_at_once(made, tmp_path):
    arguments = ["simulate", made.model, "--protocol", "continuous", "--report", tmp_path / "page.html"]
    result = CliRunner().invoke(cli, [*map(str, arguments)])
    assert isinstance(result.exception, BadInput) and "from rest" in str(result.exception)


@needs_shared_data
def test_a_model_without_a_frame_rate_is_shown_on_stretched_clips(tmp_path):
    model = as_version_2(SHIPPED, tmp_path / "old.pt", training=ITS_TRAINING)
    clips = ("--dataset", "nw-ucla", "--data", NW_UCLA, "--limit", 10)
    written = run("report", model, *clips, "--output", tmp_path / "p.html", "--figures", tmp_path / "f")
    text, document = (tmp_path / "p.html").read_text(), written["simulation"]
    elements = Elements(text)
    shown = shown_figures(elements)
    assert shown == {key: under(document, key) for key in shown}
    assert [key for key in shown if key.startswith("protocols")] == [
        f"protocols.offline.accuracy.{part}" for part in ("standard", "clean")
    ]
    assert "This network has no frame rate" in text and "on stretched clips only:" in text
    assert "rate" not in shown and "frame rate</dt>" not in text
    data = json.loads(elements.data)
    assert data["frames"] == 40 and all(clip["frames"] == clip["end"] == 40 for clip in data["clips"])
    assert (tmp_path / "f" / "online.png").exists()


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
    assert text.count("<script") == page(collected).count("<script") == 4
    assert json.loads(Elements(text).data)["classes"][0] == names[0]


def test_hostile_population_names_stay_text_and_only_our_scripts_may_run(collected):
    hostile = '"><img src=x onerror=alert(1)><script>alert(1)</script>'
    populations = [{**p, "name": hostile} for p in collected.simulation["populations"]]
    text = page(replace(collected, simulation={**collected.simulation, "populations": populations}))
    assert "<img" not in text and text.count("<script") == 4
    policy = next(a["content"] for _, a in Elements(text).found if a.get("http-equiv") == "Content-Security-Policy")
    allowed = re.findall(r"'sha256-([^']*)'", policy)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts] == allowed
    assert "script-src 'sha256-" in policy and len(allowed) == 3


@pytest.mark.parametrize("summary", [{"held_out": {"x": 3}}, {"held_out": 1, "held_out_clips": "many"}])
def test_words_of_a_training_that_nobody_wrote_are_named(collected, summary):
    text = page(replace(collected, training=Training((), summary)))
    assert "what this file says of its training is not what training writes" in text


def test_a_section_without_anything_to_show_is_left_out_and_named(collected):
    bare = replace(collected, training=None, information=None, wrong=(), checks=None)
    text = page(bare)
    ids = {a["id"] for tag, a in Elements(text).found if tag == "section"}
    gone = {"training", "information", "wrong", "equivalence"}
    assert not ids & gone and {"player", "confusion", "energy", "cores"} <= ids
    last = text[text.index("Not on this page:") :]
    for words in (
        "does not say how it was trained",
        "no encoder whose neurons",
        "every clip was recognised",
        "not checked",
    ):
        assert words in last
    assert not any(f'href="#{key}"' in text for key in gone)


def test_simulate_writes_the_same_page(made, tmp_path):
    document = run("simulate", made.model, "--limit", CLIPS, "--report", tmp_path / "page.html")
    assert document["accuracy"] == made.simulation["accuracy"]
    ours = json.loads(Elements((tmp_path / "page.html").read_text()).data)
    theirs = json.loads(Elements(made.page.read_text()).data)
    for data in (ours, theirs):
        data["simulation"].pop("throughput")
    assert ours == theirs


def rows_of_representations(report) -> list[list[str]]:
    text = page(report)
    found = text[text.index("Accuracy of every representation of the student") :]
    return [re.findall(r">([^<]+)</t[hd]>", row) for row in found[: found.index("</table>")].split("<tr>")[1:]]


def test_every_form_has_its_accuracy_under_every_protocol(collected):
    assert rows_of_representations(collected) == [
        ["student", "clips", "continuous", "clip", "offline"],
        ["float", "60 held out", "37.5%", "75.0%", "75.0%"],
        ["integer", "60 held out", "25.0%", "50.0%", "50.0%"],
        ["float", "test", "31.2%", "62.5%", "62.5%"],
    ]
    leaky = collected.training.summary | {"test": {"float": measured(0.625, 0.5)}, "held_out_clips": 0}
    rows = rows_of_representations(replace(collected, training=replace(collected.training, summary=leaky)))
    assert rows[-1] == ["float", "test, clean", "25.0%", "50.0%", "50.0%"] and rows[1][1] == "trained on"


def test_accuracies_of_older_files_are_said_to_be_of_stretched_clips(collected):
    older = {"held_out_clips": 60, "held_out_accuracy": {"float": 0.75, "integer": 0.5}}
    older["test_accuracy"] = {"float": {"standard": 0.625, "clean": None}}
    text = page(replace(collected, training=replace(collected.training, summary=older)))
    assert "As training measured it, on stretched clips only:" in text
    assert "on 60 held-out training clips, on which models are chosen: float 75.0%, integer 50.0%" in text
    assert "on all test clips: float 62.5%" in text and "not leaked:" not in text


def test_a_differing_form_is_in_the_verdict(collected):
    from mksgn_neuro.workflows.equivalence import EquivalenceCheck

    checks = (
        EquivalenceCheck("a", "b", 3, 5),
        EquivalenceCheck("b", "c", 3, 5, 7, "neuron 1"),
        EquivalenceCheck("c", "d", not_run="not run: no Lava"),
    )
    text = page(replace(collected, checks=checks))
    assert ">not verified<" in text and "7 spikes differ in 1 of 2 comparisons, d not run (no Lava)" in text
    assert ">verified<" in page(replace(collected, checks=checks[:1]))
    assert ">partly verified<" in page(replace(collected, checks=checks[::2]))


def test_forms_are_compared_when_asked_for(made, tmp_path):
    run("report", made.model, "--verify", "--limit", 2, "--samples", 1, "--output", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    word = "verified" if installed() else "partly verified"
    assert "0 spikes differ" not in text and f">{word}<" in text and "student → reference" in text
    assert ">verified<" not in made.page.read_text()


def test_of_a_file_that_is_no_model_it_is_said_that_nothing_is_compared(made, tmp_path):
    file = tmp_path / "model.net"
    run("export", made.model, "--target", "loihi2", "--no-verify", "--output", file)
    asked = ["report", str(file), "--verify", "--limit", "2", "--output", str(tmp_path / "page.html")]
    done = CliRunner().invoke(cli, asked, catch_exceptions=False)
    assert done.exit_code == 0 and f"not verified: --verify is for a model.pt; mksgn-neuro verify {file}" in done.stderr


def test_figures_are_written_as_png_and_svg(collected, tmp_path):
    files = write_figures(collected, tmp_path / "figures")
    assert {f.stem for f in files} == set(FIGURES) and len(files) == 2 * len(FIGURES)
    assert sorted(p.name for p in (tmp_path / "figures").iterdir()) == sorted(f.name for f in files)
    for file in files:
        if file.suffix == ".png":
            assert np.ptp(imread(file)[..., :3]) > 0.5, file
        else:
            assert "<svg" in file.read_text()[:1000]


def test_a_line_of_one_point_is_seen_and_numbers_have_a_second_row():
    axes = {"alt": "a", "x_label": "x", "y_label": "y", "y_range": (0, 1)}
    chart = svg.line_chart([svg.Line("one", [1], [0.5])], below=lambda x: f"{x:g} s", **axes)
    assert "<circle" in chart and ">1 s</text>" in chart
    assert "<circle" not in svg.line_chart([svg.Line("two", [1, 2], [0.5, 1])], **axes)


def test_ticks_are_round_and_inside():
    assert svg.ticks(0, 1) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert svg.ticks(1, 3, 8, whole=True) == [1.0, 2.0, 3.0]
    assert all(1 <= t <= 32 for t in svg.ticks(1, 32, 8, whole=True))
