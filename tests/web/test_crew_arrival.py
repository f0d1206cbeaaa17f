"""Arriving: the tablet notices that it stands at its job, a person says that they are there."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.bench.browser.pages import SLOW_MS
from tests.web.crew_tablet import CrewTablet, eventually
from tests.web.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=SLOW_MS)

OUTSIDE_M, INSIDE_M = 130, 60
# On the tablet's clock, for a test that cannot stand still so long.
A_MINUTE_LATER = "{ const now = Date.now.bind(Date); Date.now = () => now() + 65_000 }"


def test_a_tablet_that_stands_at_its_job_asks_whether_the_crew_is_there(site: Site, tablet: CrewTablet) -> None:
    lon, lat = site.job["location"]["coordinates"]
    page = tablet.page

    def stand(metres: float) -> None:
        page.context.set_geolocation({"longitude": lon, "latitude": lat + metres / 111_195, "accuracy": 8})
        page.wait_for_timeout(2_000)  # the browser tells of it when it likes; and faster than this would be a jump
        page.evaluate(A_MINUTE_LATER)

    stand(OUTSIDE_M)
    tablet.tab("shift")
    page.locator("main .btn.next").click()
    tablet.tab("jobs")
    tablet.open_job(site.number)
    for reached in ("accepted", "en_route"):
        tablet.step(reached)
    asked = page.get_by_test_id("arrival")

    stand(INSIDE_M)
    expect(asked).to_contain_text(site.job["address"])
    page.get_by_test_id("arrival-no").click()
    expect(asked).to_have_count(0)

    stand(OUTSIDE_M)
    stand(INSIDE_M)
    page.get_by_test_id("arrival-yes").click()

    expect(page.locator("li[data-step=arrived].done")).to_be_visible()
    eventually(lambda: site.now()["state"] == "arrived", what="the arrival at the office")
