"""A tablet that dies in the middle of something, an office that comes back from its backup, and one bad day of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.web.conftest import Strict, eventually
from tests.web.crew_tablet import REPAIR_ANSWERS, CrewTablet, give_room, kill_browser, no_room
from tests.web.link import Held, Link
from tests.web.product import Product, backup
from tests.web.site import ALLOWED, PREVIEW, Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Start = Callable[..., BrowserContext]


@pytest.fixture
def wake(persistent: Start, strict: Strict, link: Link, site: Site) -> Callable[..., CrewTablet]:
    """Starts the tablet's browser: for the first time, or over what the last one left."""

    def start(path: str | None = None, *, offline: bool = True) -> CrewTablet:
        context = persistent(**ALLOWED, offline=path is not None and offline)
        page = strict.watch(context.pages[0])
        give_room(page, link.origin)
        if path is None:
            return site.tablet_on(context, link.origin)
        page.goto(f"{link.origin}/crew/{path}")
        return CrewTablet(page, link.origin)

    return start


Act = Callable[[CrewTablet, Site], None]


def change_at_the_office(tablet: CrewTablet, site: Site) -> None:
    site.desk.post(f"/api/v1/jobs/{site.job['id']}/transitions", {"to": "cancelled", "reason": "called off"})
    tablet.page.click(".strip")
    tablet.page.click("[data-testid=sync-now]")


def accept(tablet: CrewTablet, site: Site) -> None:
    tablet.open_job(site.number)
    tablet.step("accepted")


@pytest.mark.parametrize(
    ("method", "path", "answered", "act"),
    [
        pytest.param("POST", "/sync/v1/push", False, accept, id="in mid-push, unheard"),
        pytest.param("POST", "/sync/v1/push", True, accept, id="in mid-push, judged"),
        pytest.param("POST", "/sync/v1/pull", True, change_at_the_office, id="in mid-pull"),
    ],
)
def test_killed(
    method: str,
    path: str,
    answered: bool,
    act: Act,
    *,
    wake: Callable[..., CrewTablet],
    site: Site,
    link: Link,
    tmp_path: Path,
) -> None:
    tablet = wake()
    held: Held = link.hold(method, path, answered=answered)
    act(tablet, site)
    held.wait()
    made = [row["op"] for row in tablet.work()]
    files = [row["sha256"] for row in tablet.rows("files")]
    kill_browser(tmp_path / "profile")
    held.lose()

    tablet = wake("jobs")
    expect(tablet.page.locator(f"[data-job='{site.number}']")).to_be_visible()
    assert [row["op"] for row in tablet.work()] == made
    assert [row["sha256"] for row in tablet.rows("files")] == files
    tablet.page.context.set_offline(False)
    site.everything_arrives(tablet)


def test_an_office_killed_in_mid_upload_is_given_the_rest_and_no_byte_twice(
    site: Site, product: Product, link: Link, tablet: CrewTablet
) -> None:
    tablet.open_job(site.number)
    tablet.open_form()
    held = link.hold("PATCH", "/sync/v1/files/", answered=True)
    tablet.photograph("before", (30, 200, 30))
    held.wait()
    product.kill("web")
    held.lose()
    product.start("web")
    product.wait_ready()
    site.everything_arrives(tablet)
    chunks = [(asked.path, asked.offset) for asked in link.asked if asked.method == "PATCH"]
    assert len(chunks) == len(set(chunks)) > 1
    sent = sum(asked.size for asked in link.asked if asked.method == "PATCH")
    assert sent == sum(row["size"] for row in tablet.rows("files"))


def test_a_tablet_that_had_sent_all_before_the_office_s_backup_was_put_back_sends_it_again(
    site: Site, product: Product, tablet: CrewTablet
) -> None:
    tablet.open_job(site.number)
    tablet.step("accepted")
    eventually(lambda: tablet.unsent() == 0, what="the first delivery")
    with backup(product) as put_back:
        tablet.step("en_route")
        tablet.open_form()
        tablet.write("voltage_v", "231")
        tablet.sign("customer", "周桂兰")
        eventually(lambda: tablet.unsent() == 0, what="the second delivery")
        assert site.answers()["voltage_v"] == 231
        put_back()
    assert site.now()["state"] == "accepted"
    tablet.sync_now()
    tablet.sync_now()
    site.everything_arrives(tablet)
    assert site.now()["state"] == "en_route"
    assert site.answers()["voltage_v"] == 231


def test_killed_cut_off_and_full_in_one_day_the_tablet_ends_equal_to_the_office(
    site: Site, link: Link, wake: Callable[..., CrewTablet], tmp_path: Path
) -> None:
    profile = tmp_path / "profile"
    tablet = wake()
    tablet.open_job(site.number)
    link.cut("/sync/")
    for step in ("accepted", "en_route", "arrived"):
        tablet.step(step)
    kill_browser(profile)

    tablet = wake(f"jobs/{site.job['id']}")
    expect(tablet.reached("arrived")).to_be_visible()
    for step in ("working", "restored"):
        tablet.step(step)
    tablet.open_form()
    for item, value in REPAIR_ANSWERS.items():
        tablet.choose(item, value)
    tablet.write("voltage_v", "228.5")
    tablet.photograph("before", (200, 30, 30))
    typed = "更换低压线路"
    box = tablet.page.locator("[id='answers.action'] .input")
    with no_room(tablet):
        box.press_sequentially(typed)
        expect(tablet.page.locator("[data-testid=full]")).to_be_visible()
    expect(tablet.page.locator("[data-testid=full]")).to_have_count(0, timeout=10_000)
    held = link.hold("PATCH", "/sync/v1/files/", answered=True)
    link.fair()
    tablet.page.context.set_offline(False)
    held.wait()
    tablet.photograph("after", (30, 200, 30))
    kill_browser(profile)
    held.lose()

    tablet = wake(f"jobs/{site.job['id']}/form")
    expect(tablet.page.locator("[id='answers.action'] .input")).to_have_value(typed)
    tablet.sign("customer", "周桂兰")
    tablet.page.click("[data-testid=form-next]")
    tablet.page.click("[data-testid=next]")
    expect(tablet.reached("completed")).to_be_visible()
    tablet.page.context.set_offline(False)
    site.everything_arrives(tablet)
    expect(tablet.page.locator("[data-testid=light]")).to_have_attribute("data-safe", "true")
    there = site.now()
    assert there["state"] == "completed"
    assert there["record"]["answers"]["action"] == typed
    attachments = site.desk.get(f"/api/v1/jobs/{site.job['id']}/attachments")["items"]
    originals = sorted(row["sha256"] for row in tablet.rows("files") if row["kind"] != PREVIEW)
    assert sorted(one["sha256"] for one in attachments) == originals
    assert len(attachments) == 3
