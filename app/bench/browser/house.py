"""The product's processes over a scratch district, with a Redis database of their own, for browsers to come to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from playwright.sync_api import Browser, Playwright, sync_playwright

from app.bench.browser.chromium import Watch, browser_options
from app.bench.figures import Figure, at_most
from app.bench.processes import HOST, STREAM, WEB, free_port, gunicorn, running, wait_until_alive, worker
from app.bench.scratch import empty_redis, scratch, today
from app.district.load import DEMO_PASSWORD
from app.kernel.clock import utc_now
from app.kernel.unit_of_work import Runtime
from app.worker import QUEUES

DISPATCHER = "linxiao"
PASSWORD = DEMO_PASSWORD


@dataclass
class House:
    """The running product: its address, a runtime over its database, and Playwright with a watch over its pages."""

    origin: str
    runtime: Runtime
    playwright: Playwright
    watch: Watch

    @contextmanager
    def browser(self) -> Iterator[Browser]:
        """A browser process."""
        browser = self.playwright.chromium.launch(**browser_options())
        yield browser
        browser.close()

    def loyalty(self, name: str) -> Figure:
        """Requests to other origins, over all that was done so far."""
        told = f"of {self.watch.requests} requests" + "".join(f" {url}" for url in self.watch.foreign)
        return at_most(f"{name}.other-origins", self.watch.foreign.total(), "count", 0, told)


@contextmanager
def open_house(runtime: Runtime, size: str = "demo") -> Iterator[House]:
    """The product over a fresh district whose day is today, until the block ends.

    Raises:
        NoBrowser, TimeoutError
    """
    browser_options()  # no browser: say so before a district is loaded
    with (
        empty_redis(runtime.settings.redis_url) as redis_url,
        scratch(runtime, size, anchor=today(), redis_url=redis_url) as own,
        ExitStack() as processes,
    ):
        own.clock = utc_now
        web, stream = free_port(), free_port()
        origin = f"http://{HOST}:{web}"
        settings = replace(own.settings, public_origin=origin, stream_origin=f"http://{HOST}:{stream}")
        workers = [worker(queue) for queue in (*QUEUES, "--scheduler")]
        for command in [gunicorn(web, *WEB), gunicorn(stream, *STREAM), *workers]:
            processes.enter_context(running(settings, command))
        for port in (web, stream):
            wait_until_alive(port)
        with sync_playwright() as playwright:
            yield House(origin, own, playwright, Watch(HOST))
