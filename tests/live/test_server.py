"""The server of the page, with clients that behave and some that do not."""

import http.client
import json
import signal
import socket
import subprocess

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from mksgn_neuro.data.clips import joined
from mksgn_neuro.ir.store import save
from tests.commands.test_stream import answers_of, lines, run, small_network, walk, with_gaps
from tests.live.serving import COMMAND, served


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("live") / "small.ir.h5"
    save(small_network(), path)
    return path


@pytest.fixture(scope="module")
def port(model):
    with served(model) as (_, port):
        yield port


def without_latency(text):
    return {key: value for key, value in json.loads(text).items() if key != "latency_ms"}


def as_of_a_client(answers):
    """Answers of stdin, their errors as a client gets them."""
    return [a | {"error": a["error"].removeprefix("stdin ")} if "error" in a else a for a in answers]


def asked(port, path="/", **more):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=more)
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read().decode()


def test_a_client_is_answered_as_stream_answers(model, port):
    lost = np.random.default_rng(3).random((20, 3)) < 0.2
    text = with_gaps(walk(1, 20), lost) + "\n{broken\n[]\n\n" + lines(walk(2, 5))
    expected = as_of_a_client(answers_of(run(model, text)))
    with connect(f"ws://127.0.0.1:{port}/stream") as client:
        found = []
        for line in text.split("\n"):
            client.send(line)
            if line.strip():
                found.append(without_latency(client.recv(timeout=10)))
    assert found == expected and "error" in found[20] and "held" in found[21]
    with connect(f"ws://127.0.0.1:{port}/stream") as client:  # lines together, as bytes
        client.send(lines(walk(2, 5)).encode())
        assert [without_latency(client.recv(timeout=10)) for _ in range(5)] == expected[-5:]


def test_a_page_is_shown_every_frame_with_what_it_cost(port):
    with connect(f"ws://127.0.0.1:{port}/watch") as page, connect(f"ws://127.0.0.1:{port}/stream") as client:
        for number, line in enumerate(lines(walk(4, 6)).split("\n"), 1):
            client.send(line)
            answer, told = json.loads(client.recv(timeout=10)), json.loads(page.recv(timeout=10))
            assert (told["decision"], told["lines"]) == (answer["decision"], number)
            assert told["scores"] == list(answer["scores"].values()) and told["source"] == "a client"
            assert told["positions"] == np.round(1000 * np.float32(json.loads(line))).astype(int).tolist()
            assert len(told["spikes"]) == 2 and told["joules_per_second"] > 0
        client.send("{")
        client.recv(timeout=10)
        told = json.loads(page.recv(timeout=10))
        assert told["error"].startswith("line 7: not JSON") and (told["lines"], told["errors"]) == (7, 1)
    with connect(f"ws://127.0.0.1:{port}/watch") as page:  # a page may talk, to nobody
        page.send("x" * 100)


def test_the_page_is_locked_in(port):
    status, headers, text = asked(port)
    assert status == 200 and "http://" not in text and "https://" not in text and "src=" not in text
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'" and "unsafe" not in policy["script-src"]
    assert policy["connect-src"] == f"ws://127.0.0.1:{port} ws://localhost:{port}"
    assert asked(port, "/../etc/passwd")[0] == asked(port, "/favicon.ico")[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", ""])
def test_a_name_that_somebody_made_lead_here_is_refused(port, host):
    assert asked(port, Host=host)[0] == 403


@pytest.mark.parametrize("path", ["/stream", "/watch"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_a_page_of_another_origin_is_refused(port, path, origin):
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://127.0.0.1:{port}{path}", origin=origin)
    with connect(f"ws://127.0.0.1:{port}{path}", origin=f"http://127.0.0.1:{port}"):
        pass


def test_only_this_machine_is_served(port):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_a_second_client_is_told_that_there_is_one(port):
    with connect(f"ws://127.0.0.1:{port}/stream") as first:
        first.send("[]")
        first.recv(timeout=10)
        with connect(f"ws://127.0.0.1:{port}/stream") as second, pytest.raises(ConnectionClosedError, match="1013"):
            second.recv(timeout=10)
        first.send("[]")
        assert "absent" in json.loads(first.recv(timeout=10))


def test_a_message_that_is_too_long_ends_its_client_only(port):
    with connect(f"ws://127.0.0.1:{port}/stream") as client:
        client.send("[" * (1 << 19))
        with pytest.raises(ConnectionClosedError, match="1009"):
            client.recv(timeout=10)
    with connect(f"ws://127.0.0.1:{port}/stream") as client:
        client.send(lines(walk(2, 1)))
        assert json.loads(client.recv(timeout=10))["frame"] == 0


@pytest.mark.parametrize(("number", "status", "line"), [(signal.SIGINT, 130, "interrupted"),
                                                        (signal.SIGTERM, 143, "stopped by SIGTERM")])  # fmt: skip
def test_a_signal_ends_it_in_one_line(model, number, status, line):
    with (
        served(model, stdin=subprocess.PIPE) as (process, port),  # open, and silent
        connect(f"ws://127.0.0.1:{port}/watch") as page,
        connect(f"ws://127.0.0.1:{port}/stream") as client,
    ):
        client.send("[]")
        client.recv(timeout=10)
        process.send_signal(number)
        assert process.wait(timeout=30) == status and process.stderr.read().strip() == line
        with pytest.raises(ConnectionClosed, match="1001"):
            while True:
                page.recv(timeout=10)


def test_stdin_is_answered_on_stdout_and_shown(model):
    text = lines(walk(5, 8))
    with served(model, stdin=subprocess.PIPE) as (process, port), connect(f"ws://127.0.0.1:{port}/watch") as page:
        process.stdin.write(text + "\n")
        process.stdin.flush()
        found = [without_latency(process.stdout.readline()) for _ in range(8)]
        assert json.loads(page.recv(timeout=10))["source"] == "stdin"
        process.stdin.close()
        while json.loads(page.recv(timeout=10))["source"] is not None:
            pass
        with connect(f"ws://127.0.0.1:{port}/stream") as client:  # it goes on, for others
            client.send("[]")
            client.recv(timeout=10)
    assert found == answers_of(run(model, text))


def test_strict_ends_at_a_line_that_is_none(model):
    with served(model, "--strict", stdin=subprocess.PIPE) as (process, port):
        with connect(f"ws://127.0.0.1:{port}/stream") as client:
            client.send("[]")
            assert json.loads(client.recv(timeout=10))["line"] == 1
            with pytest.raises(ConnectionClosedError, match="1008"):
                client.recv(timeout=10)
        _, errors = process.communicate("[]\n", timeout=20)
        assert process.returncode == 2 and errors.startswith("mksgn-neuro: stdin line 1: ")


def test_a_recording_plays_over_and_over(model, tmp_path):
    clip = tmp_path / "clip.jsonl"
    tall = walk(6, 10) + np.array([[0, 0, 0], [0, 0.5, 0], [0, 1, 0]])
    named = [dict(zip(("hip", "knee", "foot"), frame)) for frame in tall.tolist()]
    clip.write_text("\n".join(json.dumps({"t": t / 30, "joints": joints}) for t, joints in enumerate(named)))
    with served(model, "--play", clip) as (_, port), connect(f"ws://127.0.0.1:{port}/watch") as page:
        told = [json.loads(page.recv(timeout=10)) for _ in range(25)]
    shown = {each["frame"]: each["positions"] for each in told}
    assert len(shown) > 3 and len(told) > len(shown)
    expected = np.round(1000 * joined([tall])[0]).astype(int).tolist()
    assert all(shown[frame] == expected[frame] for frame in shown) and told[0]["source"] == "clip"


def test_a_port_that_is_taken_and_options_that_do_not_go_together(model, port, tmp_path):
    taken = subprocess.run([*COMMAND, model, "--serve", str(port)], capture_output=True, text=True, timeout=60)
    assert taken.returncode == 2 and taken.stderr.startswith(f"mksgn-neuro: port {port}: cannot be served on (")
    assert "--play without --serve" in str(run(model, "", "--play", tmp_path).exception)
    assert "--rate is for" in str(run(model, "", "--serve", 0, "--play", tmp_path, "--rate", 30).exception)
