"""The page of a stream in a real browser: it moves with the frames, and what a file calls its classes stays text."""

import json
from dataclasses import replace

import numpy as np
import pytest
from websockets.sync.client import connect

from mksgn_neuro.ir.store import save
from tests.commands.test_stream import TASK, lines, small_network, walk, with_gaps
from tests.live.serving import served
from tests.report.browser import chromium, needs_chromium
from tests.report.test_player import picture, wait_for

pytestmark = needs_chromium
HOSTILE = ("<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>")


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    path = tmp_path_factory.mktemp("live") / "small.ir.h5"
    save(small_network(replace(TASK, class_names=HOSTILE)), path)
    with served(path) as (_, port):
        yield port


@pytest.fixture(scope="module")
def browser(tmp_path_factory, port):
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        driver.get("about:blank")
        driver.get_log("performance")
        driver.get(f"http://127.0.0.1:{port}/")
        yield driver


@pytest.fixture
def client(port, browser):
    wait_for(lambda: state(browser).get("connected") == "true")
    with connect(f"ws://127.0.0.1:{port}/stream") as client:
        yield client


def state(driver):
    return dict(driver.execute_script("return {...document.getElementById('now').dataset}"))


def text_of(driver, name):
    return driver.find_element("id", name).text


def answered(client, text):
    for line in text.split("\n"):
        client.send(line)
        answer = json.loads(client.recv(timeout=10))
    return answer


def test_frames_move_the_skeleton_and_the_figures(browser, client):
    before = picture(browser, "skeleton")
    answer = answered(client, lines(walk(1, 20)))
    wait_for(lambda: "20 lines, 0 could" in text_of(browser, "count"))
    scores = [int(e.text) for e in browser.find_elements("css selector", "#scores .count")]
    assert scores == list(answer["scores"].values()) and text_of(browser, "decision") == answer["decision"]
    spikes = [int(e.text) for e in browser.find_elements("css selector", "#populations .count")]
    assert sum(spikes) == int(text_of(browser, "total")) and len(spikes) == 2
    assert text_of(browser, "power").endswith("J/s") and text_of(browser, "source") == "from a client"
    moved, drawn = picture(browser, "skeleton"), picture(browser, "history")
    assert moved != before
    answered(client, lines(walk(2, 5)))
    wait_for(lambda: "25 lines" in text_of(browser, "count"))
    assert picture(browser, "skeleton") != moved and picture(browser, "history") != drawn


def test_what_was_lost_and_what_cannot_be_read_is_said(browser, client):
    lost = np.zeros((3, 3), dtype=bool)
    lost[2, 1] = True
    answered(client, with_gaps(walk(3, 3), lost))
    wait_for(lambda: text_of(browser, "said") == "held: knee")
    answered(client, "{<b>")
    wait_for(lambda: text_of(browser, "said").startswith("line 4: not JSON"))
    assert "4 lines, 1 could not" in text_of(browser, "count")


def test_names_from_a_file_are_text(browser):
    names = [e.text for e in browser.find_elements("css selector", "#scores .name")]
    shown = browser.execute_script("return [...document.querySelectorAll('#scores .name')].map((e) => e.textContent)")
    assert shown == list(HOSTILE) and len(names) == 2
    assert not browser.find_elements("css selector", "img")


def test_it_fits_a_phone_and_has_two_themes(browser):
    ground = "return getComputedStyle(document.body).backgroundColor"
    before = browser.execute_script(ground)
    browser.find_element("id", "theme").click()
    assert browser.execute_script(ground) != before
    for width in (390, 1200):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_no_complaint_and_no_request_but_to_the_server(browser, port):
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"}
    sockets = {e["params"]["url"] for e in events if e["method"] == "Network.webSocketCreated"}
    assert {url for url in asked if not url.startswith("data:")} == {f"http://127.0.0.1:{port}/"}
    assert sockets == {f"ws://127.0.0.1:{port}/watch"}
