"""The way between a tablet and the office, in a test's hand: cut, held, slowed, lossy, or led to somebody else.

A proxy on loopback with real sockets; the browser knows no other address. Each request has a connection of its own, so
that a browser does not ask again by itself for what was cut.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

from tests.web.release import NextRelease

PATIENCE_S = 30
METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS")
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Asked:
    """One request that came: its body where that is JSON, its size in bytes, and where a chunk of a file begins."""

    method: str
    path: str
    body: Any
    size: int
    offset: int


@dataclass(frozen=True)
class Foreign:
    """An answer of somebody on the way who is not the office."""

    status: int
    body: str = "<!doctype html><title>Welcome</title><p>Sign in to use this Wi-Fi"
    content_type: str = "text/html"


# What becomes of a request: carried, lost on its way there, its answer lost on the way back, or answered by another.
Weather = Literal["fair", "lost", "unanswered"] | Foreign


@dataclass
class Held:
    """A request that is kept waiting at the proxy, before or after the office has seen it."""

    method: str
    prefix: str
    answered: bool
    _came: threading.Event = field(default_factory=threading.Event)
    _let_go: threading.Event = field(default_factory=threading.Event)
    _lost: bool = False

    def wait(self) -> None:
        """Until such a request is here."""
        assert self._came.wait(PATIENCE_S), f"no {self.method} {self.prefix} came"

    def release(self) -> None:
        """Let it go its way."""
        self._let_go.set()

    def lose(self) -> None:
        """Nobody hears of it any more."""
        self._lost = True
        self._let_go.set()

    def keep(self) -> bool:
        """Wait here; true where it goes on after that."""
        self._came.set()
        self._let_go.wait(PATIENCE_S)
        return not self._lost


@dataclass
class Link:
    """The proxy's state; tests turn its knobs while it runs."""

    office: str
    origin: str = ""
    weather: Callable[[Asked], Weather] = lambda _asked: "fair"
    bytes_per_s: int | None = None
    release: NextRelease | None = None
    asked: list[Asked] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    at_once: int = 0
    most_pushes_at_once: int = 0

    def fair(self) -> None:
        """As it should be."""
        self.weather = lambda _asked: "fair"
        self.bytes_per_s = None

    def cut(self, prefix: str = "/") -> None:
        """Nothing below this path is answered."""
        self.weather = lambda asked: "lost" if asked.path.startswith(prefix) else "fair"

    def hold(self, method: str, prefix: str, *, answered: bool) -> Held:
        """Keep the next such request: before the office has seen it, or with the office's answer to it."""
        held = Held(method, prefix, answered)
        self.held.append(held)
        return held

    def paths(self, prefix: str) -> list[str]:
        """Requests below a path so far."""
        return [asked.path for asked in self.asked if asked.path.startswith(prefix)]

    def pushed(self) -> list[int]:
        """Numbers of all ops that were sent, repeats included."""
        return [op["op_no"] for asked in self.asked if asked.path == "/sync/v1/push" for op in asked.body["ops"]]

    def taken(self, asked: Asked, *, answered: bool) -> bool:
        """False where a test has let this request get lost."""
        for held in self.held:
            if (held.method, held.answered) == (asked.method, answered) and asked.path.startswith(held.prefix):
                self.held.remove(held)
                return held.keep()
        return True


class Carrier(BaseHTTPRequestHandler):
    """Carries one request to the office and its answer back, as the link's weather allows."""

    protocol_version = "HTTP/1.1"
    link: Link

    def carry(self) -> None:
        """One request."""
        self.close_connection = True
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        offset = int(self.headers.get("Upload-Offset") or 0)
        asked = Asked(self.command, self.path, read_json(body), len(body), offset)
        self.link.asked.append(asked)
        weather = self.link.weather(asked)
        if isinstance(weather, Foreign):
            self._answer(weather.status, [("Content-Type", weather.content_type)], weather.body.encode())
        elif weather != "lost" and self.link.taken(asked, answered=False):
            self._ask_office(asked, body, heard=weather == "fair")

    def _ask_office(self, asked: Asked, body: bytes, *, heard: bool) -> None:
        self._dawdle(len(body))
        with self._counted(asked):
            status, headers, content = self._forward(body)
        if not heard or not self.link.taken(asked, answered=True):
            return
        self._dawdle(len(content))
        self._answer(status, headers, self._rewritten(headers, content))

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        office = HTTPConnection(urlsplit(self.link.office).netloc, timeout=PATIENCE_S)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        path = self.path
        if self.link.release is not None:
            headers = {name: value for name, value in headers.items() if not name.lower().startswith("if-")}
            headers["Accept-Encoding"] = "identity"
            path = self.link.release.path(path)
        office.request(self.command, path, body or None, headers | {"Connection": "close"})
        answer: HTTPResponse = office.getresponse()
        content = answer.read()
        office.close()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP]
        return answer.status, kept, content

    @contextmanager
    def _counted(self, asked: Asked) -> Iterator[None]:
        pushing = asked.path == "/sync/v1/push"
        self.link.at_once += pushing
        self.link.most_pushes_at_once = max(self.link.most_pushes_at_once, self.link.at_once)
        yield
        self.link.at_once -= pushing

    def _rewritten(self, headers: list[tuple[str, str]], content: bytes) -> bytes:
        kind = dict(headers).get("Content-Type", "")
        if self.link.release is None or not kind.startswith(("text/html", "text/javascript")):
            return content
        return self.link.release.text(content.decode()).encode()

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        try:
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):  # who asked was killed meanwhile
            return

    def _dawdle(self, size: int) -> None:
        if self.link.bytes_per_s:
            time.sleep(size / self.link.bytes_per_s)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to the terminal."""


def read_json(body: bytes) -> Any:
    """The body as JSON, or None."""
    try:
        return json.loads(body)
    except ValueError:
        return None


@contextmanager
def running_link(office: str) -> Iterator[Link]:
    """A link to the office until the block ends."""
    link = Link(office)
    handler = type("OwnCarrier", (Carrier,), {"link": link} | {f"do_{method}": Carrier.carry for method in METHODS})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    link.origin = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield link
    finally:
        for held in link.held:
            held.lose()
        server.shutdown()
        server.server_close()
        thread.join()
