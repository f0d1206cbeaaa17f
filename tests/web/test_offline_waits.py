"""A tablet that spares its battery or its link: what waits says why, what matters goes, and a person decides."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.web.crew_tablet import eventually
from tests.web.outpost import Outpost

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def say(page: Page, *, level: float, effective_type: str) -> None:
    """What the browser tells of battery and link from now on, until the page is loaded again."""
    page.evaluate(
        """([level, effectiveType]) => {
          navigator.getBattery = async () => ({ level, charging: false })
          Object.defineProperty(navigator, 'connection', { value: { effectiveType }, configurable: true })
        }""",
        [level, effective_type],
    )


def states(outpost: Outpost) -> dict[str, str]:
    """How far the files are, by kind."""
    return {row["kind"]: row["state"] for row in outpost.tablet.rows("files")}


def test_a_photo_waits_for_the_battery_in_words_and_goes_when_a_person_wants_it(outpost: Outpost) -> None:
    """The engine's rules have tests of their own; this is what the crew sees of them."""
    tablet, page = outpost.tablet, outpost.tablet.page
    say(page, level=0.15, effective_type="4g")
    volts = outpost.answer()
    tablet.photograph("before", (200, 30, 30))
    tablet.sync_now()
    card = page.locator("[data-testid=files-wait]")
    expect(card).to_have_attribute("data-why", "battery")
    expect(card).to_contain_text("电量低：1 个大文件")
    assert outpost.office() == volts
    assert states(outpost) == {"photo": "waiting", "thumb": "verified"}
    expect(page.locator("[data-testid=light]")).to_have_attribute("data-safe", "false")
    say(page, level=1.0, effective_type="2g")
    tablet.sync_now()
    expect(card).to_have_attribute("data-why", "link")
    expect(card).to_contain_text("网络较弱：1 个大文件")
    page.click("[data-testid=send-all]")
    expect(card).to_have_count(0)
    eventually(lambda: states(outpost) == {"photo": "verified", "thumb": "verified"}, what="the photo")
