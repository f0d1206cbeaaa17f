"""Whom an outage cut off, on the console, in a real browser against the whole product."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.bench.browser.pages import SLOW_MS
from app.story.desk import Desk
from tests.web.desk_console import OpenConsole, given_a_call

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=SLOW_MS)


def test_a_cause_is_confirmed_the_cut_off_are_called_and_restored(console: OpenConsole, desk: Desk) -> None:
    job = given_a_call(desk)
    lin = console()
    page = lin.page
    page.goto(f"{lin.origin}/desk/?outage={job['outage_id']}")
    page.get_by_role("button", name="确认为故障设备").click()
    page.get_by_role("combobox", name="原因").select_option("tree")
    page.get_by_role("textbox", name="影响范围").fill("支线断线")
    page.get_by_role("button", name="确认", exact=True).click()
    part = page.get_by_role("region", name="受影响用户")
    expect(part.locator("dl")).to_contain_text("树障")

    page.get_by_role("button", name="通知名单").click()
    first = page.locator("li[data-account]").first
    first.get_by_role("button", name="未接通").click()
    expect(first.get_by_role("button", name="未接通")).to_have_attribute("aria-pressed", "true")
    assert lin.violations() == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Call list")).to_be_visible()
    assert lin.raw_keys() == []

    page.get_by_role("button", name="Notices").click()
    expect(page.get_by_role("list", name="Notices").get_by_text("Supply lost").first).to_be_visible()
    assert lin.violations() == []
    page.keyboard.press("Escape")

    page.get_by_role("button", name="All have supply again").click()
    page.get_by_role("textbox", name="Why").fill("checked by the crew")
    page.get_by_role("button", name="Note", exact=True).click()
    expect(page.get_by_text("Stage 1")).to_be_visible()
    assert desk.get(f"/api/v1/outages/{job['outage_id']}")["state"] == "restored"
