"""A conflict on both screens at once: raised by a tablet without a link, settled at the desk or on the tablet."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from app.bench.browser.chromium import TABLET
from app.bench.browser.pages import SLOW_MS
from app.story.desk import Desk
from app.story.tablet import Tablet
from tests.web.conftest import Strict, eventually
from tests.web.crew_tablet import CrewTablet
from tests.web.desk_console import DeskConsole, OpenConsole, given_a_call
from tests.web.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("crews_are_free")]
expect.set_options(timeout=SLOW_MS)  # a busy machine is no fault of the screens

REPAIR_CREWS = {"R1": "r1", "R2": "r2", "R3": "zhaoqiang", "R4": "r4"}
METRE_DEG = 1 / 111_195.0


@dataclass
class Crew:
    """A job on two tablets of its crew: one on this screen, the other a colleague's."""

    desk: Desk
    job: dict[str, Any]
    tablet: CrewTablet
    context: BrowserContext
    colleague: Tablet

    def colleague_answers(self, **answers: Any) -> None:
        """Arrives at once."""
        record_id, _ = self.colleague.one("form_record", job_id=self.job["id"])
        fields = {f"answers.{item}": value for item, value in answers.items()}
        self.colleague.record("form_record", record_id, fields)
        self.colleague.push()

    def online(self) -> None:
        """The link is back; until all has been sent and the next pull is in."""
        self.context.set_offline(False)
        eventually(lambda: self.tablet.unsent() == 0, within_s=30, what="the delivery")

    def sync(self) -> None:
        """Ask for news by hand."""
        self.tablet.page.goto(f"{self.tablet.origin}/crew/sync")
        self.tablet.page.click("[data-testid=sync-now]")
        expect(self.tablet.page.locator("[data-testid=answer]")).to_be_visible()

    def record(self) -> dict[str, Any]:
        """What the centre holds now."""
        found: dict[str, Any] = self.desk.get(f"/api/v1/jobs/{self.job['id']}")
        return found


@pytest.fixture
def crew(product: Product, desk: Desk, context: Callable[..., BrowserContext], strict: Strict) -> Crew:
    job = given_a_call(desk)
    ranked = desk.get(f"/api/v1/jobs/{job['id']}/candidates")["items"]
    sent = next(one for one in ranked if one["ok"] and one["code"] in REPAIR_CREWS)
    desk.post(f"/api/v1/jobs/{job['id']}/assignments", {"crew_id": sent["crew_id"]})
    login = REPAIR_CREWS[sent["code"]]
    admin = Desk(product.origin, "admin", product.password)
    codes = [admin.post("/api/v1/devices/enrolment-codes", {"name": f"{login} {n}"})["code"] for n in (1, 2)]
    colleague = Tablet.enrol(product.origin, login=login, password=product.password, code=codes[0])
    lon, lat = job["location"]["coordinates"]
    own = context(
        viewport=TABLET,
        has_touch=True,
        permissions=["geolocation"],
        geolocation={"longitude": lon, "latitude": lat + 80 * METRE_DEG, "accuracy": 6},
    )
    tablet = CrewTablet(strict.watch(own.new_page()), product.origin)
    tablet.enrol(code=codes[1], login=login, password=product.password)
    tablet.open_job(job["number"])
    for reached in ("accepted", "en_route", "arrived"):
        tablet.step(reached)
    eventually(lambda: tablet.unsent() == 0, within_s=30, what="the delivery")
    colleague.pull()
    return Crew(desk, job, tablet, own, colleague)


def the_desks_list(console: DeskConsole, job: dict[str, Any]) -> None:
    console.page.goto(f"{console.origin}/desk/conflicts?job={job['id']}")
    console.page.evaluate("document.fonts.ready.then(() => true)")


def test_one_is_settled_at_the_desk_and_one_on_the_tablet_and_both_screens_show_it(
    console: OpenConsole, crew: Crew
) -> None:
    lin, page = console(), crew.tablet.page
    the_desks_list(lin, crew.job)
    crew.context.set_offline(True)
    page.click("[data-testid=place]")
    page.click("[data-testid=put-here]")
    crew.tablet.open_form()
    crew.tablet.choose("cause", "tree")
    crew.colleague_answers(cause="storm")
    lon, lat = crew.job["location"]["coordinates"]
    elsewhere = {"type": "Point", "coordinates": [lon + 60 * METRE_DEG, lat]}
    crew.desk.patch(f"/api/v1/jobs/{crew.job['id']}", {"location": elsewhere}, rev=crew.record()["rev"])
    crew.online()

    cards = lin.page.locator("[data-conflict]")
    expect(cards).to_have_count(2)  # the stream told of them
    place = cards.filter(has_text="工单位置")
    expect(place).to_contain_text(re.compile(r"平板给出的位置在系统位置西北方向 \d+ 米处"))
    place.get_by_role("button", name="采用平板的值").click()
    lin.page.get_by_role("dialog").get_by_role("button", name="确定", exact=True).click()
    expect(cards).to_have_count(1)
    assert crew.record()["location"]["coordinates"] == pytest.approx([lon, lat + 80 * METRE_DEG], abs=1e-6)

    page.goto(f"{crew.tablet.origin}/crew/jobs")
    card = page.locator(f"[data-job='{crew.job['number']}']")
    expect(card.locator("[data-testid=disputed]")).to_be_visible()
    crew.sync()
    expect(page.locator("[data-testid=disputes]")).to_be_visible()
    page.goto(f"{crew.tablet.origin}/crew/jobs/{crew.job['id']}")
    expect(page.locator("[data-testid=disputes]")).to_contain_text("1 项需要裁定")
    page.click("[data-testid=disputes]")
    expect(page.locator("[data-side=theirs]")).to_contain_text("大风雷雨")
    page.click("[data-side=theirs]")
    page.click("[data-side=mine]")
    expect(page.locator("[data-testid=result]")).to_contain_text("树")
    page.fill("[data-testid=reason]", "现场是树压线")
    crew.context.set_offline(True)
    page.click("[data-testid=settle]")
    expect(page.locator("[data-testid=result]")).to_have_attribute("data-stage", "decided")
    crew.online()
    expect(cards).to_have_count(0)  # and nobody touched the desk
    expect(page.locator("[data-testid=result]")).to_have_attribute("data-stage", "settled")
    expect(page.locator("[data-testid=result]")).to_contain_text("现场是树压线")
    expect(page.locator("[data-side=theirs]")).to_contain_text(
        "大风雷雨"
    )  # what was decided against, not what stands now
    [row] = [row for row in crew.tablet.rows("ops") if row["attention"] == "open"]
    assert "location" in row["op"]["fields"]  # the desk decided about it, which is still to be seen here
    assert crew.record()["record"]["answers"]["cause"] == "tree"
    page.goto(f"{crew.tablet.origin}/crew/decide?job={crew.job['id']}")
    expect(page.locator("[data-stage=settled]")).to_have_count(2)


def test_a_clash_about_safety_alarms_both_screens_and_locks_the_next_step(console: OpenConsole, crew: Crew) -> None:
    lin, page = console(language="en"), crew.tablet.page
    lin.wait_live()
    crew.context.set_offline(True)
    crew.tablet.open_form()
    crew.tablet.choose("isolation", "live_work")
    crew.colleague_answers(isolation="isolated_proved")
    crew.online()

    alarm = lin.page.get_by_role("alert").locator("[data-alarm]", has_text=crew.job["number"])
    expect(alarm).to_be_visible()
    assert lin.violations() == []
    on_tablet = page.locator("[data-testid=alarm]", has_text=crew.job["number"])
    expect(on_tablet).to_be_visible()
    expect(page.locator("[id='answers.isolation'] a")).to_be_visible()
    page.goto(f"{crew.tablet.origin}/crew/jobs/{crew.job['id']}")
    page.click("[data-testid=locked]")
    expect(page.locator("[data-testid=result]")).to_contain_text("由调度裁定")
    expect(page.locator("[data-testid=settle]")).to_have_count(0)

    alarm.get_by_role("button", name="Acknowledge").click()
    expect(alarm).to_have_count(0)
    the_desks_list(lin, crew.job)
    card = lin.page.locator("[data-conflict]")
    expect(card).to_contain_text("seen by")
    card.get_by_role("button", name="Keep the system's").click()
    lin.page.get_by_role("dialog").get_by_role("button", name="Settle", exact=True).click()
    expect(card).to_have_count(0)
    crew.sync()
    expect(on_tablet).to_have_count(0)
    page.goto(f"{crew.tablet.origin}/crew/jobs/{crew.job['id']}")
    expect(page.locator("[data-testid=next]")).to_be_visible()
