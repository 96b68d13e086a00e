"""The server of the page: on 127.0.0.1 only, for pages and clients of this machine."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TextIO

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from mksgn_neuro.errors import BadInput, UserError
from mksgn_neuro.live.page import headers, page
from mksgn_neuro.live.played import Played
from mksgn_neuro.live.shown import Meter, shown_of
from mksgn_neuro.processes.ending import ASKED_TO_STOP, Terminated
from mksgn_neuro.workflows.answers import Session

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")  # by which a browser may call it; another name that leads here is somebody's trick
MOST_PAGES = 16
LINE_BYTES = 1 << 18  # of a message
BUSY, REFUSED = 1013, 1008  # WebSocket: try again later; against the rules
PAUSE = 1.0  # seconds between two clips of a recording
LOGGER = logging.getLogger("mksgn_neuro.live")
LOGGER.addFilter(lambda record: "handshake" not in record.getMessage())  # what strangers send is no news of ours


class Latest:
    """What a page is told next: a page that is slow misses frames, and holds up nobody."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._new = asyncio.Event()

    def put(self, text: str) -> None:
        """Instead of what was not fetched."""
        self._text = text
        self._new.set()

    async def get(self) -> str:
        """What is newest, when there is something new."""
        await self._new.wait()
        self._new.clear()
        return self._text


class Live:
    """One session, fed by whoever comes first: lines of the file `stdin`, answered on `stdout`, or a client of /stream.

    While nobody feeds it, `clips` play. Every page, a client of /watch, is shown each frame.
    """

    def __init__(
        self, session: Session, name: str, clips: tuple[Played, ...], stdin: int | None, stdout: TextIO
    ) -> None:  # fmt: skip
        self._session, self._name, self._clips = session, name, clips
        self._stdin, self._stdout = stdin, stdout
        self._meter = Meter(session.task.rate)
        self._pages: set[Latest] = set()
        self._feeder: str | None = None
        self._seen = {"lines": 0, "errors": 0}

    def run(self, port: int, opened: Callable[[str], None]) -> None:
        """Serve until a signal; `opened` is told the address. Raises BadInput for a port that is taken.

        When all is closed, raises what the command line knows of signals: KeyboardInterrupt, Terminated.
        """
        try:
            own = socket.create_server((HOST, port))
        except OSError as error:
            hint = "give another port, or 0 for one that is free"
            raise BadInput(f"cannot be served on ({error.strerror})", location=f"port {port}", hint=hint) from error
        with own:
            number = asyncio.run(self._run(own, opened))
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    async def _run(self, own: socket.socket, opened: Callable[[str], None]) -> int:
        """The signal that ended it."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[int] = loop.create_future()
        for number in (signal.SIGINT, *ASKED_TO_STOP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                loop.add_signal_handler(number, lambda n=number: ended.done() or ended.set_result(n))
        port = own.getsockname()[1]
        hosts = tuple(f"{name}:{port}" for name in NAMES)
        origins = [*(f"http://{host}" for host in hosts), None]  # None: no browser
        limits = {"max_size": LINE_BYTES, "max_queue": 4, "compression": None, "close_timeout": 1, "logger": LOGGER}
        answer = Answers(hosts, page(self._session.network, self._name))
        async with serve(self._talk, sock=own, origins=origins, process_request=answer, **limits) as server:
            work = [asyncio.create_task(self._play(server))] if self._clips else []
            if self._stdin is not None:
                threading.Thread(target=self._read_stdin, args=(loop, ended), daemon=True).start()
            opened(f"http://{HOST}:{port}/")
            try:
                await asyncio.wait([ended, *work], return_when=asyncio.FIRST_COMPLETED)
                for task in work:
                    if task.done():
                        task.result()
            finally:
                for task in work:
                    task.cancel()
        return ended.result()

    async def _talk(self, connection: ServerConnection) -> None:
        """One client, until it goes."""
        with suppress(ConnectionClosed):
            await (self._show if connection.request.path == "/watch" else self._feed)(connection)

    async def _show(self, connection: ServerConnection) -> None:
        if len(self._pages) >= MOST_PAGES:
            return await connection.close(BUSY, f"{MOST_PAGES} pages are open")
        latest = Latest()
        self._pages.add(latest)
        sending = asyncio.create_task(_send_all(connection, latest))
        try:
            async for _ in connection:  # a page has nothing to say
                pass
        finally:
            self._pages.discard(latest)
            sending.cancel()
        return None

    async def _feed(self, connection: ServerConnection) -> None:
        if self._feeder is not None:
            return await connection.close(BUSY, f"fed by {self._feeder} already")
        self._begin("a client")
        try:
            number = 0
            async for message in connection:
                text = message if isinstance(message, str) else message.decode("utf-8", "replace")
                for line in text.splitlines() or [""]:
                    number += 1
                    try:
                        document = self._answer(line, f"line {number}", number)
                    except BadInput as error:  # --strict
                        await connection.send(json.dumps({"error": str(error), "line": number}))
                        return await connection.close(REFUSED, "--strict ends at the first line that is no whole frame")
                    if document is not None:
                        await connection.send(json.dumps(document))
        finally:
            self._end()
        return None

    def _begin(self, feeder: str | None) -> None:
        self._feeder, self._seen = feeder, {"lines": 0, "errors": 0}
        self._session.new_clip()
        self._meter.reset()

    def _end(self) -> None:
        self._begin(None)
        self._tell({"source": None})

    def _answer(self, line: str, location: str, number: int) -> dict | None:
        """What is said of a line, when every page has been told."""
        answered = self._session(line, location, number)
        if answered is None:
            self._meter.reset()
            return None
        if answered.answer is not None and answered.answer.gap is not None:
            self._meter.reset()
        joules = self._meter(answered.answer.costs if answered.answer else ())
        self._seen["lines"] += 1
        self._seen["errors"] += answered.answer is None
        self._tell(shown_of(answered, self._session, joules, self._feeder) | self._seen)
        return answered.document

    def _tell(self, told: dict) -> None:
        if self._pages:
            text = json.dumps(told)
            for latest in self._pages:
                latest.put(text)

    async def _play(self, server: Server) -> None:
        """The clips, one after another, for ever, as fast as they happened; while somebody feeds, none."""
        loop = asyncio.get_running_loop()
        while server.is_serving():
            for clip in self._clips:
                await self._play_one(clip, loop)
                await asyncio.sleep(PAUSE)

    async def _play_one(self, clip: Played, loop: asyncio.AbstractEventLoop) -> None:
        if self._feeder is not None:
            return
        self._session.new_clip()
        self._meter.reset()
        started = loop.time()
        for number, (line, due) in enumerate(zip(clip.lines, clip.seconds), 1):
            await asyncio.sleep(max(0.0, started + due - loop.time()))
            if self._feeder is not None:
                return
            self._feeder = clip.name
            self._answer(line, f"{clip.name}, frame {number}", number)
            self._feeder = None

    def _read_stdin(self, loop: asyncio.AbstractEventLoop, ended: asyncio.Future) -> None:
        """In a thread of its own, for reading waits."""
        with suppress(RuntimeError, CancelledError):  # the loop has ended meanwhile
            try:
                for number, line in enumerate(lines_of(self._stdin), 1):
                    asyncio.run_coroutine_threadsafe(self._take(line, number), loop).result()
                asyncio.run_coroutine_threadsafe(self._take(None, 0), loop).result()
            except (UserError, OSError) as error:  # --strict, or nobody reads stdout any more
                loop.call_soon_threadsafe(lambda error=error: ended.done() or ended.set_exception(error))

    async def _take(self, line: str | None, number: int) -> None:
        """A line of stdin, None at its end."""
        if line is None:
            if self._feeder == "stdin":
                self._end()
            return
        while self._feeder not in (None, "stdin"):
            await asyncio.sleep(0.1)
        if self._feeder is None:
            self._begin("stdin")
        document = self._answer(line, f"stdin line {number}", number)
        if document is not None:
            self._stdout.write(json.dumps(document) + "\n")
            self._stdout.flush()


def lines_of(descriptor: int) -> Iterator[str]:
    """Lines of an open file, not through its buffer, whose lock a thread that waits would still hold at the end."""
    rest = b""
    while chunk := os.read(descriptor, 1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines)
    if rest:
        yield rest.decode("utf-8", "replace")


async def _send_all(connection: ServerConnection, latest: Latest) -> None:
    with suppress(ConnectionClosed):
        while True:
            await connection.send(await latest.get())


class Answers:
    """What plain requests get: the page at /, an upgrade at /watch and /stream, from this machine's names only."""

    def __init__(self, hosts: tuple[str, ...], text: str) -> None:
        self._hosts, self._body = hosts, text.encode()
        self._headers = headers(tuple(f"ws://{host}" for host in hosts))

    def __call__(self, connection: ServerConnection, request: Request) -> Response | None:
        """None: go on with the WebSocket."""
        if request.headers.get_all("Host") not in [[host] for host in self._hosts]:
            return connection.respond(403, "this server answers to 127.0.0.1 and localhost only\n")
        if request.path in ("/watch", "/stream"):
            return None
        if request.path != "/":
            return connection.respond(404, "the page is at /\n")
        length = {"Content-Length": str(len(self._body)), "Connection": "close"}
        return Response(200, "OK", Headers(self._headers | length), self._body)
