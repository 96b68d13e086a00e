"""The page in a real browser: the player is driven by mouse and keyboard, and nothing is loaded or complained about."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium.webdriver import ActionChains

from tests.report.browser import chromium, needs_chromium

pytestmark = needs_chromium
PHONE = 390


@pytest.fixture(scope="module")
def browser(tmp_path_factory, made):
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        driver.get("about:blank")
        driver.get_log("performance")  # the new tab's own
        driver.get(made.page.as_uri())
        yield driver


@pytest.fixture(autouse=True)
def from_the_start(browser):
    browser.refresh()


def state(driver) -> dict:
    return dict(driver.execute_script("return {...document.getElementById('stage').dataset}"))


def click(driver, name: str) -> None:
    driver.find_element("id", name).click()


def press(driver, key: str) -> None:
    driver.find_element("id", "stage").send_keys(key)


def picture(driver, name: str) -> str:
    return driver.execute_script("return document.getElementById(arguments[0]).toDataURL()", name)


def wait_for(condition, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def scrub(driver, frame: int) -> None:
    script = "const s = document.getElementById('scrub'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))"
    driver.execute_script(script, frame)


@contextmanager
def narrowed(driver, width: int) -> Iterator[None]:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        yield
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_play_moves_and_pause_stops(browser):
    before = picture(browser, "skeleton")
    scrub(browser, 0)
    click(browser, "play")
    wait_for(lambda: int(state(browser)["frame"]) > 2)
    assert state(browser)["playing"] == "true" and picture(browser, "skeleton") != before
    click(browser, "play")
    stopped = state(browser)
    time.sleep(0.3)
    assert state(browser) == stopped and stopped["playing"] == "false"


def test_scrubbing_shows_that_frame_and_its_scores(browser, collected):
    data = json.loads(browser.execute_script("return document.getElementById('report-data').textContent"))
    class_spikes = browser.execute_script("return Array.from(report.bytes(report.data.clips[0].class_spikes))")
    classes, clip = len(data["classes"]), data["clips"][0]
    pictures = set()
    for frame in (0, 5, clip["frames"] - 1):
        scrub(browser, frame)
        counts = [int(e.text) for e in browser.find_elements("css selector", "#scores .count")]
        assert counts == [sum(class_spikes[c : (frame + 1) * classes : classes]) for c in range(classes)]
        assert state(browser)["frame"] == str(frame)
        seconds = f"{(frame + 1) / 30:.2f} s"
        assert browser.find_element("id", "frame-number").text == f"{frame + 1} / {clip['frames']} · {seconds}"
        pictures.add((picture(browser, "raster"), picture(browser, "skeleton")))
    assert len(pictures) == 3


def test_dragging_turns_the_skeleton(browser):
    before, skeleton = picture(browser, "skeleton"), browser.find_element("id", "skeleton")
    ActionChains(browser).click_and_hold(skeleton).move_by_offset(90, 0).release().perform()
    turned = picture(browser, "skeleton")
    assert turned != before
    ActionChains(browser).move_to_element_with_offset(skeleton, 30, 0).perform()  # not held: it stays
    assert picture(browser, "skeleton") == turned
    ActionChains(browser).click_and_hold(skeleton).move_by_offset(-90, 0).release().perform()
    assert picture(browser, "skeleton") == before


def test_every_clip_ends_in_the_simulation_s_decision(browser):
    data = json.loads(browser.execute_script("return document.getElementById('report-data').textContent"))
    for i, clip in enumerate(data["clips"]):
        assert state(browser)["clip"] == str(i)
        scrub(browser, clip["end"] - 1)
        assert state(browser)["held"] == "false" and int(state(browser)["leads"]) == clip["decided"]
        said = browser.find_element("id", "said").text
        assert ("right:" in said) == (clip["decided"] == clip["label"]) and data["classes"][clip["label"]] in said
        click(browser, "next")
    assert state(browser)["clip"] == "0"


def test_a_clip_s_end_is_marked_and_its_last_pose_is_held(browser):
    data = json.loads(browser.execute_script("return document.getElementById('report-data').textContent"))
    clip = data["clips"][0]
    assert clip["end"] < clip["frames"] == int(browser.find_element("id", "scrub").get_attribute("max")) + 1
    scrub(browser, clip["end"] - 1)
    assert "last pose held" not in browser.find_element("id", "said").text
    scrub(browser, clip["end"])
    assert state(browser)["held"] == "true"
    assert f"last pose held since frame {clip['end']}:" in browser.find_element("id", "said").text
    raster = picture(browser, "raster")
    browser.execute_script("report.data.clips[1].end = report.data.clips[1].frames")  # no mark where nothing is held
    click(browser, "next")
    unmarked = picture(browser, "raster")
    browser.refresh()
    click(browser, "next")
    assert picture(browser, "raster") not in (raster, unmarked)


def test_a_cut_clip_says_what_was_decided_at_its_end(browser):
    browser.execute_script("Object.assign(report.data.clips[1], {end: 200, decided: 4})")
    click(browser, "next")
    said, clip = browser.find_element("id", "said").text, "report.data.clips[1]"
    shown, name = browser.execute_script(f"return [{clip}.frames, report.data.classes[4]]")
    assert f"{shown} of 200 frames shown, decided at the last one: “{name}”" in said


def test_clips_play_as_fast_as_they_happened(browser):
    assert browser.find_element("id", "speed").get_attribute("value") == "1"
    browser.execute_script("document.getElementById('speed').value = '0.5'")  # so that a busy machine keeps up
    scrub(browser, 0)
    before = "const t = performance.now(); document.getElementById('play').click();"
    wait = "const wait = () => Number(document.getElementById('stage').dataset.frame) < 8 ? requestAnimationFrame(wait)"
    took = browser.execute_async_script(
        f"const done = arguments[0]; {before} {wait} : done(performance.now() - t); wait()"
    )
    assert 500 < took < 1500  # 8 frames at 15 a second


def test_a_clip_opens_where_its_decision_counts_and_plays_from_its_start(browser, made):
    data = json.loads(browser.execute_script("return document.getElementById('report-data').textContent"))
    end = data["clips"][0]["end"]
    assert state(browser)["frame"] == str(end - 1) and int(state(browser)["leads"]) == data["clips"][0]["decided"]
    assert "so far" not in browser.find_element("id", "said").text
    click(browser, "play")
    wait_for(lambda: 0 < int(state(browser)["frame"]) < end - 1)
    click(browser, "play")
    assert ", so far: " in browser.find_element("id", "said").text


def test_a_tie_is_no_decision(browser):
    spikes = "btoa(String.fromCharCode(...report.bytes(report.data.clips[1].class_spikes).fill(1)))"
    browser.execute_script(f"report.data.clips[1].class_spikes = {spikes}")
    click(browser, "next")
    scrub(browser, 3)
    assert "frame 4, so far: 10 classes lead alike" in browser.find_element("id", "said").text


def test_no_name_is_cut_beside_its_bar(browser):
    cut = "return [...document.querySelectorAll('#scores .name')].filter((e) => e.scrollWidth > e.clientWidth).length"
    browser.execute_script("report.data.classes[0] = 'take something out of a pocket with the left hand, then again'")
    for width in (1280, PHONE):
        with narrowed(browser, width):
            scrub(browser, 5)
            assert browser.execute_script(cut) == 0
            bars = browser.find_elements("css selector", "#scores .track")
            assert len({round(bar.rect["x"]) for bar in bars}) == 1 and bars[0].rect["width"] >= 60


def test_the_keyboard_does_all_of_it(browser):
    scrub(browser, 0)
    press(browser, "\ue014")  # →
    assert state(browser)["frame"] == "1"
    press(browser, "\ue012")  # ←
    press(browser, "\ue012")
    assert state(browser)["frame"] == "0"
    press(browser, "\ue015")  # ↓
    assert state(browser)["clip"] == "1"
    press(browser, "\ue013")  # ↑
    assert state(browser)["clip"] == "0"
    scrub(browser, 0)
    press(browser, " ")
    wait_for(lambda: int(state(browser)["frame"]) > 0)
    press(browser, " ")
    assert state(browser)["playing"] == "false"


def test_a_wrong_clip_is_one_click_away(browser, collected):
    shown = {clip["name"]: i for i, clip in enumerate(collected.player.clips)}
    first = next(w for w in collected.wrong if w.name in shown)
    button = browser.find_element("css selector", ".watch")
    browser.execute_script("arguments[0].click()", button)
    assert state(browser)["clip"] == str(shown[first.name])


def test_attention_maps_follow_the_choice(browser):
    maps = "return [...document.querySelectorAll('#attention-maps canvas')].map((c) => c.toDataURL())"
    first = browser.execute_script(maps)
    assert len(first) == 10
    browser.execute_script(
        "const s = document.getElementById('attention-layer');"
        "s.value = (Number(s.value) + 3) % s.length; s.dispatchEvent(new Event('change'))"
    )
    assert browser.execute_script(maps) != first


def test_both_themes_and_the_switch(browser):
    ground = "return getComputedStyle(document.body).backgroundColor"
    by_theme = {}
    for theme in ("light", "dark"):
        media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        by_theme[theme] = browser.execute_script(ground)
    assert by_theme["light"] != by_theme["dark"]
    click(browser, "theme")
    assert browser.execute_script(ground) == by_theme["light"]


def test_nothing_is_wider_than_a_phone_and_what_scrolls_says_so(browser):
    with narrowed(browser, PHONE):
        assert browser.execute_script("return document.documentElement.scrollWidth") <= PHONE
        wider = "[...document.querySelectorAll('.chart, .wide')].filter((e) => e.scrollWidth > e.clientWidth + 1)"
        assert browser.execute_script(f"return {wider}.length") >= 2
        said = f"return {wider}.map((e) => getComputedStyle(e, '::before').content)"
        assert all("scroll sideways" in content for content in browser.execute_script(said))
        head = "return getComputedStyle(document.querySelector('.energy td'), '::before').content"
        assert "µJ per clip" in browser.execute_script(head)
        assert browser.execute_script(
            "const e = document.querySelector('.energy').parentNode; return e.scrollWidth <= e.clientWidth"
        )


def test_text_of_the_core_map_can_be_read(browser):
    heights = "[...document.querySelectorAll('svg text.core')].map((t) => t.getBBox().height * t.getCTM().a)"
    size = f"return Math.min(...{heights})"
    for width in (1280, PHONE):
        with narrowed(browser, width):
            assert browser.execute_script(size) >= 11


def test_no_complaint_and_no_request_but_the_file(browser, made):
    click(browser, "play")
    click(browser, "next")
    click(browser, "theme")
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert asked and {url for url in asked if not url.startswith("data:")} == {made.page.as_uri()}
