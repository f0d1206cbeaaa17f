"""One tablet far out, and everything that can be wrong with its link, its clock, its permissions and its browser.

The rows of the offline matrix that need no tablet of their own: each types an answer, and each ends with the office
holding what was typed.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import create_engine, text

from tests.web.crew_tablet import CrewTablet, eventually
from tests.web.link import Asked, Foreign, Weather
from tests.web.outpost import Outpost
from tests.web.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOW_LINK_BYTES_PER_S = 30_000 // 8
WRONG_CLOCK = """
(() => {
  const Real = Date
  const off = Real.UTC(YEAR, 0, 1) - Real.now()
  window.Date = class extends Real {
    constructor(...given) { given.length ? super(...given) : super(Real.now() + off) }
    static now() { return Real.now() + off }
  }
})()
"""
LONG_GONE = """
    UPDATE session SET access_expires_at = now() - interval '99 days', expires_at = now() - interval '9 days'
    WHERE device_id = :device
"""


@pytest.mark.parametrize(
    ("weather", "words"),
    [
        pytest.param("lost", "连不上服务器", id="a cable that is cut"),
        pytest.param(Foreign(200), "回答的不是我们的服务器", id="a Wi-Fi that answers with its own page"),
        pytest.param(Foreign(200, "{}", "application/json"), "回答的不是我们的服务器", id="somebody else's JSON"),
        pytest.param(Foreign(401), "回答的不是我们的服务器", id="a Wi-Fi that wants a password"),
        pytest.param(Foreign(403), "回答的不是我们的服务器", id="a firewall that forbids"),
        pytest.param(Foreign(500), "服务器暂时忙", id="a server that breaks"),
        pytest.param(Foreign(502), "服务器暂时忙", id="a gateway without its office"),
    ],
)
def test_nothing_is_lost_or_given_up_behind(outpost: Outpost, weather: Weather, words: str) -> None:
    outpost.link.weather = lambda _asked: weather
    volts = outpost.answer()
    assert words in outpost.tablet.sync_now()
    assert outpost.tablet.unsent() == 1
    expect(outpost.tablet.page.locator("[data-link=online]")).to_have_count(0)
    assert [row["key"] for row in outpost.tablet.rows("settings")].count("tokens") == 1
    outpost.link.fair()
    outpost.arrives(volts)


def test_no_stranger_makes_the_tablet_give_up_a_file(outpost: Outpost) -> None:
    outpost.tablet.sign("customer", "周桂兰")
    for stranger in (Foreign(200), Foreign(403), Foreign(404), Foreign(204, "")):
        outpost.link.weather = lambda asked, by=stranger: by if asked.path.startswith("/sync/v1/files") else "fair"
        outpost.tablet.sync_now()
        assert {row["state"] for row in outpost.tablet.rows("files")} <= {"waiting", "verified"}
    outpost.link.fair()
    outpost.tablet.sync_now()
    eventually(lambda: outpost.tablet.unsent() == 0, what="the signature's delivery")


def test_over_a_lossy_link_each_edit_and_file_arrives_once(outpost: Outpost) -> None:
    fate = random.Random(7)

    def lossy(asked: Asked) -> Weather:
        return fate.choice(["fair", "lost", "unanswered"]) if asked.path.startswith("/sync/") else "fair"

    outpost.link.weather = lossy
    volts = outpost.answer()
    outpost.tablet.sign("customer", "周桂兰")
    for _ in range(40):
        outpost.tablet.sync_now()
        if outpost.tablet.unsent() == 0:
            break
    outpost.link.fair()
    outpost.arrives(volts)
    assert outpost.site.differences(outpost.tablet) == []


def test_over_thirty_kilobits_a_second_words_arrive_within_seconds(outpost: Outpost) -> None:
    outpost.link.bytes_per_s = SLOW_LINK_BYTES_PER_S
    volts = outpost.answer()
    eventually(lambda: outpost.office() == volts, within_s=15, what="the answer's arrival")


@pytest.mark.parametrize("year", [1970, 2040])
def test_a_tablet_whose_clock_stands_years_off_is_heard_at_the_office_s_time(outpost: Outpost, year: int) -> None:
    right = outpost.tablet
    outpost.tablet = CrewTablet(outpost.context.new_page(), outpost.link.origin)
    outpost.tablet.page.add_init_script(WRONG_CLOCK.replace("YEAR", str(year)))
    outpost.form()
    volts = outpost.answer()
    outpost.tablet.sign("customer", "周桂兰")
    outpost.arrives(volts)
    outpost.tablet.page.close()
    outpost.tablet = right
    signed = outpost.site.desk.get(f"/api/v1/jobs/{outpost.site.job['id']}/attachments")["items"]
    newest = max(datetime.fromisoformat(one["taken_at"]) for one in signed)
    assert abs(newest - datetime.now(UTC)) < timedelta(minutes=1)
    outpost.form()
    outpost.arrives(outpost.answer())
    assert outpost.site.differences(right) == []


def test_signatures_given_one_right_after_the_other_without_a_link_all_arrive(outpost: Outpost) -> None:
    outpost.context.set_offline(True)
    before = {row["sha256"] for row in outpost.tablet.rows("files")}
    for name in ("周桂兰", "周建国", "周小梅"):
        outpost.tablet.sign("customer", name)
    signed = {row["sha256"] for row in outpost.tablet.rows("files")} - before
    assert len(signed) == 3
    outpost.context.set_offline(False)
    outpost.tablet.sync_now()
    eventually(lambda: outpost.tablet.unsent() == 0, what="the delivery")
    there = outpost.site.desk.get(f"/api/v1/jobs/{outpost.site.job['id']}/attachments")["items"]
    assert signed <= {one["sha256"] for one in there}


def test_a_browser_that_promises_no_lasting_storage_is_shown_as_such(outpost: Outpost) -> None:
    page = outpost.tablet.page
    page.goto(f"{outpost.link.origin}/crew/sync")
    page.get_by_role("button", name="申请持久保存").click()
    expect(page.locator("[data-testid=answer]")).to_contain_text("浏览器未同意")


def test_every_address_opens_without_a_link(outpost: Outpost) -> None:
    page, here = outpost.tablet.page, f"jobs/{outpost.site.job['id']}"
    outpost.context.set_offline(True)
    for path in ("", "jobs", here, f"{here}/form", f"{here}/photo/before", f"{here}/sign/customer", "sync", "settings"):
        page.goto(f"{outpost.link.origin}/crew/{path}")
        page.reload()
        expect(page.locator("h1").first).not_to_be_empty()
        expect(page.locator("[data-link=offline]")).to_be_visible()


def test_files_of_the_app_that_the_browser_threw_away_are_fetched_again(outpost: Outpost) -> None:
    page = outpost.tablet.page
    thrown = page.evaluate("caches.keys().then((all) => Promise.all(all.map((one) => caches.delete(one))))")
    assert thrown == [True]
    page.goto(f"{outpost.link.origin}/crew/settings")
    expect(page.get_by_text("已就绪")).to_be_visible()
    outpost.context.set_offline(True)
    page.goto(f"{outpost.link.origin}/crew/jobs/{outpost.site.job['id']}/sign/customer")
    expect(page.locator("[data-testid=pad]")).to_be_visible()


def test_after_a_long_absence_a_person_signs_in_again_and_the_work_goes_out(outpost: Outpost, product: Product) -> None:
    page = outpost.tablet.page
    engine = create_engine(product.env["DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(text(LONG_GONE), {"device": outpost.tablet.device_id()})
    engine.dispose()
    volts = outpost.answer()
    expect(page.locator("[data-fault=auth]")).to_be_visible(timeout=20_000)
    assert outpost.tablet.unsent() == 1
    outpost.tablet.page.click(".strip")
    page.click("[data-testid=sync-now]")
    page.fill("input[name=login]", outpost.site.login)
    page.fill("input[name=password]", product.password)
    page.click("button[type=submit]")
    expect(page.locator(".count")).to_be_visible()
    outpost.arrives(volts)
    expect(page.locator("[data-fault=auth]")).to_have_count(0)
