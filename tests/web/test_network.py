"""The networks at work on the console, in a real browser against the whole product."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.bench.browser.pages import SLOW_MS
from app.story.desk import Desk
from tests.web.desk_console import OpenConsole, a_switch_above, given_a_call

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=SLOW_MS)


def test_a_switch_is_traced_and_operated_before_the_eyes_of_another_and_put_back(
    console: OpenConsole, desk: Desk
) -> None:
    switch = a_switch_above(desk, given_a_call(desk))
    lin, ma = console(), console("mali")
    for opened in (lin, ma):
        opened.page.goto(f"{opened.origin}/desk/?link={switch['id']}")
        opened.page.get_by_role("button", name="查下游").click()
        expect(opened.page.locator(".traced .sum")).to_contain_text(f"{switch['accounts']} 户")
        opened.wait_live()
    expect(ma.page.get_by_role("button", name="记录")).to_have_count(0)

    lin.page.get_by_role("button", name="记录：已拉开").click()
    expect(lin.page.get_by_role("status").filter(has_text=f"{switch['accounts']} 户停供")).to_be_visible()
    expect(ma.page.locator("dd", has_text="非正常方式")).to_be_visible()
    expect(ma.page.locator(".traced .sum")).to_contain_text("0 户")

    lin.page.get_by_role("status").get_by_role("button", name="撤销").click()
    expect(ma.page.locator(".traced .sum")).to_contain_text(f"{switch['accounts']} 户")
    assert desk.get(f"/api/v1/network/links/{switch['id']}")["state"] == "closed"
