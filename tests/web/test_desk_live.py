"""The console's one live connection: shared by the tabs of a browser, and taken up again after it broke."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import BrowserContext, Route, expect

from app.bench.browser.pages import SLOW_MS
from app.story.desk import Desk
from tests.web.conftest import Strict, eventually
from tests.web.desk_console import NO_WEBGL, DeskConsole, OpenConsole, given_a_call
from tests.web.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TABS = 10
RECONNECTING = "重连中"


def open_streams(product: Product) -> int:
    """How many streams the stream process holds open, by its own count."""
    answer = requests.get(f"{product.address.origin(product.address.stream_port)}/health/live", timeout=10)
    return int(answer.json()["streams"])


def given_no_stream(product: Product, desk: Desk) -> None:
    """The process learns that a reader has gone when it tells it something."""

    def told_and_gone() -> bool:
        given_a_call(desk)
        return open_streams(product) == 0

    eventually(told_and_gone, within_s=60, what="the end of the streams of earlier tests")


def test_ten_tabs_of_a_browser_listen_through_one_stream(console: OpenConsole, desk: Desk, product: Product) -> None:
    given_no_stream(product, desk)
    first = console()
    first.wait_live()
    tabs = [first]
    while len(tabs) < TABS:
        tabs.append(DeskConsole(first.page.context.new_page(), first.origin))
        tabs[-1].page.goto(f"{first.origin}/desk/")
        tabs[-1].wait_live()
        assert open_streams(product) == 1

    job = given_a_call(desk)
    for tab in tabs:
        expect(tab.card(job["number"])).to_be_visible(timeout=SLOW_MS)
    assert open_streams(product) == 1

    first.page.close()  # the one that listens for all
    job = given_a_call(desk)
    for tab in tabs[1:]:
        expect(tab.card(job["number"])).to_be_visible(timeout=SLOW_MS)
    eventually(lambda: open_streams(product) == 1, within_s=40, what="the end of the closed tab's stream")


def test_a_console_catches_up_when_the_stream_process_is_back(
    console: OpenConsole, desk: Desk, product: Product
) -> None:
    opened = console()
    opened.wait_live()
    product.kill("stream")
    try:
        expect(opened.page.locator("[data-link=lost]")).to_contain_text(RECONNECTING, timeout=SLOW_MS)
        job = given_a_call(desk)
    finally:
        product.start("stream")
        product.wait_ready()
    expect(opened.card(job["number"])).to_be_visible(timeout=SLOW_MS)
    expect(opened.page.locator("[data-link=live]")).to_be_visible(timeout=SLOW_MS)


def test_a_stream_that_was_refused_is_asked_for_again(
    context: Callable[..., BrowserContext], desk: Desk, product: Product, strict: Strict
) -> None:
    refusals = [503, 503, 429]
    browser = context()
    browser.add_init_script(NO_WEBGL)

    def refuse_at_first(route: Route) -> None:
        if refusals:
            route.fulfill(status=refusals.pop(), content_type="application/problem+json", body="{}")
        else:
            route.continue_()

    browser.route("**/api/v1/stream*", refuse_at_first)
    opened = DeskConsole(strict.watch(browser.new_page()), product.origin)
    opened.sign_in("linxiao", product.password)
    expect(opened.page.locator("[data-link=lost]")).to_contain_text(RECONNECTING, timeout=SLOW_MS)
    job = given_a_call(desk)  # between the first reading of the lists and the first stream

    expect(opened.page.locator("[data-link=live]")).to_be_visible(timeout=SLOW_MS)
    assert refusals == []
    expect(opened.card(job["number"])).to_be_visible(timeout=SLOW_MS)
