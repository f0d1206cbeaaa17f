"""Fixtures for tests in real browsers: the product once a run, a fresh browser context a test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from app.bench.browser.chromium import DESK, HERE, TABLET, browser_options
from app.story.desk import Desk
from tests.conftest import redis_url_of
from tests.once import make_database, once, server_url
from tests.web.crew_tablet import CrewTablet, eventually
from tests.web.desk_console import NO_WEBGL, DeskConsole, OpenConsole
from tests.web.link import Link, running_link
from tests.web.outpost import Outpost, standing_outpost
from tests.web.product import BLOBS, Product, Stock, product_env, run_command, running_product
from tests.web.site import ALLOWED, Site
from tests.web.strict import Strict

__all__ = ["Strict", "eventually"]

CHOSEN_LANGUAGE = "lamplighter.locale"


@pytest.fixture(scope="session")
def stocked(worker: str, migrated: str, run_folder: Path) -> Stock:
    """The tiny district as the product's own command loads it, once a run."""
    stock = Stock(f"{server_url().database}_stocked", run_folder / "stocked" / BLOBS)

    def load() -> None:
        stock.blobs.mkdir(parents=True)
        env = product_env(make_database(stock.database, migrated), redis_url_of(worker, web=True), stock.blobs)
        run_command(env, "load-demo", "--size", "tiny")

    once(run_folder, "stocked", load)
    return stock


@pytest.fixture(scope="session")
def product(worker: str, stocked: Stock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product with the tiny district, on ports of its own."""
    state = tmp_path_factory.mktemp("product")
    url = make_database(f"{server_url().database}_web_{worker}", stocked.database)
    shutil.copytree(stocked.blobs, state / BLOBS)
    with running_product(url, redis_url_of(worker, web=True), state) as product:
        yield product


def free_the_crews(desk: Desk) -> None:
    """Take back what was dispatched and is not finished."""
    for crew in desk.get("/api/v1/crews", limit="200")["items"]:
        busy = crew["live_job"]
        if busy and busy["state"] != "restored":
            desk.post(f"/api/v1/assignments/{busy['assignment_id']}/withdraw", {"reason": "end of a test"})


@pytest.fixture
def crews_are_free(product: Product) -> None:
    """What earlier tests left with a crew is taken back: a test may count on a crew by name."""
    free_the_crews(Desk(product.origin, "linxiao", product.password))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Playwright]:
    """Playwright over the Chromium named by the environment, with its private libraries where it has some."""
    if not os.environ.get("CHROMIUM"):
        pytest.exit("CHROMIUM is not set: run the tests with `python3 -m app test`", returncode=2)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(chromium: Playwright) -> Iterator[Browser]:
    """One browser for contexts that need no process of their own."""
    browser = chromium.chromium.launch(**browser_options())
    yield browser
    browser.close()


@pytest.fixture
def strict(product: Product) -> Iterator[Strict]:
    """Fails the test if a watched page misbehaved."""
    strict = Strict(product)
    yield strict
    assert strict.faults == []


@pytest.fixture
def desk(product: Product) -> Desk:
    """Lin Xiao's desk without a screen."""
    return Desk(product.origin, "linxiao", product.password)


@pytest.fixture
def context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Opens a desk's own browser: its cookies and storage are nobody else's, nor is the language it speaks."""
    opened: list[BrowserContext] = []

    def start(**options: Any) -> BrowserContext:
        wanted = {"viewport": DESK, **HERE, **options}
        own = browser.new_context(**wanted)
        opened.append(own)
        own.add_init_script(
            f"localStorage.getItem('{CHOSEN_LANGUAGE}') ?? "
            f"localStorage.setItem('{CHOSEN_LANGUAGE}', '{wanted['locale']}')"
        )
        return own

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def link(product: Product) -> Iterator[Link]:
    """A way to the office that a test may cut, hold or lie on."""
    with running_link(product.origin) as link:
        yield link


@pytest.fixture
def site(product: Product, desk: Desk, crews_are_free: None) -> Site:  # noqa: ARG001
    """A repair with a free crew."""
    return Site.of_a_new_call(product, desk)


@pytest.fixture
def tablet(site: Site, link: Link, browser: Browser, strict: Strict) -> Iterator[CrewTablet]:
    """A tablet of the crew, enrolled over the link, in a browser that is not to be killed."""
    own = browser.new_context(viewport=TABLET, has_touch=True, **HERE, **ALLOWED)
    own.on("page", strict.watch)
    yield site.tablet_on(own, link.origin)
    own.close()


@pytest.fixture(scope="module")
def standing(product: Product, browser: Browser) -> Iterator[Outpost]:
    """The tablet that the tests of a module share."""
    desk = Desk(product.origin, "linxiao", product.password)
    free_the_crews(desk)
    with standing_outpost(Site.of_a_new_call(product, desk), browser) as standing:
        yield standing


@pytest.fixture
def outpost(standing: Outpost) -> Iterator[Outpost]:
    """With a fair link and an open checklist; fails the test if a page misbehaved."""
    standing.form()
    yield standing
    standing.link.fair()
    standing.context.set_offline(False)
    assert standing.strict.faults == []
    standing.strict.faults.clear()


@pytest.fixture
def console(product: Product, context: Callable[..., BrowserContext], strict: Strict) -> OpenConsole:
    """Opens a console of its own browser, signed in as Lin Xiao unless another is named.

    Without the map where a test is not about it: software has to draw it here, which takes most of the machine.
    """

    def open_console(login: str = "linxiao", language: str = "zh-CN", *, with_map: bool = False) -> DeskConsole:
        own = context(locale=language)
        if not with_map:
            own.add_init_script(NO_WEBGL)
        opened = DeskConsole(strict.watch(own.new_page()), product.origin)
        opened.sign_in(login, product.password)
        return opened

    return open_console


@pytest.fixture
def persistent(chromium: Playwright, tmp_path: Path) -> Iterator[Callable[..., BrowserContext]]:
    """Starts a browser process over one profile folder, again and again: what a killed tablet wakes up to."""
    opened: list[BrowserContext] = []

    def start(**options: Any) -> BrowserContext:
        defaults = {"viewport": TABLET, "has_touch": True, **HERE}
        profile = tmp_path / "profile"
        context = chromium.chromium.launch_persistent_context(profile, **browser_options(), **{**defaults, **options})
        opened.append(context)
        return context

    yield start
    for context in opened:
        context.close()
