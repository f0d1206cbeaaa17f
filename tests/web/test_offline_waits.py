"""A tablet that spares its battery or its link says what waits and why, and next morning what has come."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from app.bench.browser.chromium import HERE
from app.bench.browser.pages import SLOW_MS
from tests.web.crew_tablet import eventually
from tests.web.outpost import Outpost

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOME = ZoneInfo(HERE["timezone_id"])


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


def let_a_night_pass(page: Page, since: datetime) -> None:
    """The page's clock says a day later than `since` from now on, until the page is loaded again."""
    page.evaluate(
        """(now) => {
          const Real = Date
          window.Date = class extends Real {
            constructor(...given) { super(...(given.length ? given : [now])) }
            static now() { return now }
          }
        }""",
        (since + timedelta(days=1)).timestamp() * 1000,
    )


def test_in_the_morning_the_tablet_counts_what_of_yesterday_is_at_the_centre(outpost: Outpost) -> None:
    tablet, page = outpost.tablet, outpost.tablet.page
    outpost.form()
    volts = outpost.answer()
    tablet.photograph("after", (30, 30, 200))
    outpost.arrives(volts)
    ops = [row["op"] for row in tablet.work()]
    made = [(datetime.fromisoformat(op["device_at"]).astimezone(HOME), op) for op in ops]
    last = max(at for at, _ in made)
    let_a_night_pass(page, last)
    page.click(".tabs .tab >> nth=0")
    proof = page.locator("[data-testid=proof]")
    expect(proof).to_have_attribute("data-whole", "true", timeout=SLOW_MS)
    that_day = [op for at, op in made if at.date() == last.date()]
    photos = {file["sha256"] for op in that_day for file in op.get("files", []) if file["kind"] == "photo"}
    expect(proof).to_contain_text(f"{len(that_day)} 条记录、{len(photos)} 张照片，中心已全部收到。")
