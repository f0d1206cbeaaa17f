"""A job's clocks and the keys of GIS programs on the desk, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.bench.browser.pages import SLOW_MS
from app.story.desk import Desk
from tests.web.desk_console import OpenConsole, given_a_call

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=SLOW_MS)


@pytest.mark.parametrize(
    ("language", "title", "pause", "resume", "screen"),
    [("zh-CN", "时限", "暂停时限", "恢复计时", "时限"), ("en", "Deadlines", "Pause clocks", "Resume", "Clocks")],
)
def test_a_dispatcher_sees_three_clocks_and_lets_them_stand_still(
    desk: Desk, console: OpenConsole, language: str, title: str, pause: str, resume: str, screen: str
) -> None:
    job = given_a_call(desk)
    dispatcher = console(language=language)
    page = dispatcher.page
    dispatcher.open_job(job)
    panel = page.get_by_role("region", name=title)
    expect(panel.get_by_role("listitem")).to_have_count(4)
    panel.get_by_role("button", name=pause).click()
    expect(panel.locator("[data-state=paused]")).to_have_count(3)
    panel.get_by_role("button", name=resume).click()
    expect(panel.locator("[data-state=running]")).to_have_count(3)
    assert dispatcher.violations() == []
    assert dispatcher.raw_keys() == []
    page.get_by_role("link", name=screen, exact=True).click()
    expect(page.get_by_role("link", name=job["number"])).to_be_visible()
    assert dispatcher.violations() == []
    assert dispatcher.raw_keys() == []


def test_somebody_makes_a_key_for_a_gis_program_and_ends_it(console: OpenConsole) -> None:
    dispatcher = console(language="en")
    page = dispatcher.page
    page.goto(f"{dispatcher.origin}/desk/gis")
    expect(page.get_by_text(f"{dispatcher.origin}/ogc", exact=True)).to_be_visible()
    page.get_by_role("button", name="New key").click()
    page.get_by_placeholder("For example").fill("Planning office")
    page.get_by_role("button", name="Make key").click()
    expect(page.locator(".made output")).to_contain_text("gis_")
    assert dispatcher.violations() == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Revoke Planning office").click()
    page.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_role("row", name="Planning office")).to_contain_text("Revoked")
    assert dispatcher.raw_keys() == []
