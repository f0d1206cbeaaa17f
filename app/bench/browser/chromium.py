"""How a browser of tests and benchmarks is started, and what is noted of its pages."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ViewportSize

from app.bench.figures import NotHere

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
TABLET: ViewportSize = {"width": 800, "height": 1280}
DESK: ViewportSize = {"width": 1440, "height": 900}
HERE: dict[str, Any] = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai"}


class NoBrowser(NotHere):
    """The environment names no Chromium."""

    def __init__(self) -> None:
        super().__init__("CHROMIUM is not set: the browser benchmarks run as `python3 -m app bench browser`")


def browser_options() -> dict[str, Any]:
    """The launcher's Chromium (CHROMIUM), with its private libraries where it has some.

    Raises:
        NoBrowser
    """
    program = os.environ.get("CHROMIUM")
    if not program:
        raise NoBrowser
    libraries = os.environ.get("CHROMIUM_LD_LIBRARY_PATH")
    own = {**os.environ, "LD_LIBRARY_PATH": libraries} if libraries else dict(os.environ)
    return {"executable_path": program, "args": FLAGS, "env": own}


@dataclass
class Watch:
    """Counts the requests of browser contexts, and those that leave the machine that serves the product."""

    host: str
    requests: int = 0
    foreign: Counter[str] = field(default_factory=Counter)

    def over(self, context: BrowserContext) -> BrowserContext:
        """Watch a context from its first request, its service workers included."""
        context.on("request", lambda request: self.note(request.url))
        return context

    def note(self, url: str) -> None:
        """Count one request. The event stream has a port of its own on the same host."""
        if url.startswith(("blob:", "data:")):
            return
        self.requests += 1
        if urlsplit(url).hostname != self.host:
            self.foreign[url] += 1
