"""The tablet app in a real browser against the whole product."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Playwright, expect
from sqlalchemy import create_engine, text

from app.bench.browser.chromium import browser_options
from app.story.desk import Desk
from tests.web.accessible import violations
from tests.web.conftest import Strict, eventually
from tests.web.crew_tablet import CAMERA, REPAIR_ANSWERS, CrewTablet, kill_browser
from tests.web.looks import misfits
from tests.web.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Start = Callable[..., BrowserContext]
PLACE = {"longitude": 114.2781, "latitude": 22.6474, "accuracy": 8}
ALLOWED = {"permissions": ["geolocation", "camera"], "geolocation": PLACE}
REPAIR_CREWS = {"R1": "r1", "R2": "r2", "R3": "zhaoqiang", "R4": "r4"}


@pytest.fixture
def desk(product: Product) -> Desk:
    return Desk(product.origin, "linxiao", product.password)


@pytest.fixture
def code(product: Product) -> str:
    admin = Desk(product.origin, "admin", product.password)
    made: dict[str, str] = admin.post("/api/v1/devices/enrolment-codes", {"name": "tablet of the test"})
    return made["code"]


def given_a_repair(desk: Desk) -> tuple[dict[str, Any], str]:
    """An outage call whose job is with a free repair crew; returns the job and the crew leader's login."""
    home = next(hit for hit in desk.get("/api/v1/search", q="街道")["items"] if hit["kind"] == "premises")
    call = {"channel": "phone", "symptom": "no_supply", "premises_id": home["id"], "join": "new"}
    job_id = desk.post("/api/v1/calls", call)["job_id"]
    ranked = desk.get(f"/api/v1/jobs/{job_id}/candidates")["items"]
    crew = next(one for one in ranked if one["ok"] and one["code"] in REPAIR_CREWS)
    desk.post(f"/api/v1/jobs/{job_id}/assignments", {"crew_id": crew["crew_id"]})
    return desk.get(f"/api/v1/jobs/{job_id}"), REPAIR_CREWS[crew["code"]]


def tablet_on(context: BrowserContext, product: Product, strict: Strict) -> CrewTablet:
    return CrewTablet(strict.watch(context.pages[0]), product.origin)


def test_a_job_done_without_a_link_survives_a_kill_and_arrives_whole_and_once(
    product: Product, desk: Desk, code: str, persistent: Start, strict: Strict, tmp_path: Path
) -> None:
    job, login = given_a_repair(desk)
    context = persistent(**ALLOWED)
    tablet = tablet_on(context, product, strict)
    tablet.enrol(code=code, login=login, password=product.password)
    expect(tablet.page.locator(f"[data-job='{job['number']}']")).to_be_visible(timeout=20_000)

    context.set_offline(True)
    tablet.page.reload()
    tablet.open_job(job["number"])
    for reached in ("accepted", "en_route", "arrived", "working", "restored"):
        tablet.step(reached)
    tablet.open_form()
    for item, value in REPAIR_ANSWERS.items():
        tablet.choose(item, value)
    tablet.write("voltage_v", "228.5")
    tablet.photograph("before", (200, 30, 30))
    tablet.photograph_in_page("after")
    tablet.sign("customer", "周桂兰")
    tablet.page.click("[data-testid=form-next]")
    tablet.page.click("[data-testid=next]")
    expect(tablet.page.locator("li[data-step='completed'].done")).to_be_visible()
    made = tablet.work()
    assert len(made) == 5 + 7 + 3 + 1
    assert all(row["state"] == "pending" for row in made)

    kill_browser(tmp_path / "profile")
    context = persistent(**ALLOWED, offline=True)
    tablet = tablet_on(context, product, strict)
    tablet.page.goto(f"{product.origin}/crew/jobs")
    tablet.page.locator("[data-value='done']").click()
    expect(tablet.page.locator(f"[data-job='{job['number']}'] [data-badge='pending']")).to_be_visible()
    here = tablet.page.locator(f"[data-job='{job['number']}'] [data-testid=files-here]")
    expect(here).to_have_attribute("data-missing", "3")
    expect(here).to_contain_text("还有 3 个文件未送到")
    assert [row["op"] for row in tablet.work()] == [row["op"] for row in made]
    assert desk.get(f"/api/v1/jobs/{job['id']}")["state"] == "assigned"

    context.set_offline(False)
    eventually(lambda: tablet.unsent() == 0, within_s=60, what="the delivery")
    assert [row["result"]["status"] for row in tablet.work()] == ["applied"] * len(made)

    there = desk.get(f"/api/v1/jobs/{job['id']}")
    assert there["state"] == "completed"
    assert there["files"] == {"declared": 3, "here": 3}
    expect(here).to_have_attribute("data-missing", "0")
    files = {row["sha256"]: row["slot"] for row in tablet.rows("files") if row["kind"] != "thumb"}
    arrived = desk.get(f"/api/v1/jobs/{job['id']}/attachments")["items"]
    assert {one["sha256"]: one["slot"] for one in arrived} == files
    for one in arrived:
        content = desk.raw(f"/api/v1/attachments/{one['id']}/content")
        assert hashlib.sha256(content).hexdigest() == one["sha256"]
    eventually(lambda: CAMERA in cameras(desk, job), what="a look at the photos")
    small = [row for row in tablet.rows("files") if row["kind"] == "thumb"]
    assert len(small) == 2
    assert all(row["size"] <= 30_000 and row["state"] == "verified" for row in small)
    assert ledger_of(product, device_of(tablet)) == len(tablet.rows("ops"))
    tablet.tab("sync")
    expect(tablet.page.locator("[data-testid=light]")).to_have_attribute("data-safe", "true")


def cameras(desk: Desk, job: dict[str, Any]) -> set[str | None]:
    """What took the job's photos, as the files themselves say."""
    return {one["exif_device"] for one in desk.get(f"/api/v1/jobs/{job['id']}/attachments")["items"]}


def device_of(tablet: CrewTablet) -> str:
    [row] = [row for row in tablet.rows("settings") if row["key"] == "device"]
    device: str = row["value"]["device_id"]
    return device


def ledger_of(product: Product, device_id: str) -> int:
    """How many ops of the tablet stand in the server's ledger."""
    engine = create_engine(product.env["DATABASE_URL"])
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT count(*) FROM sync_op WHERE device_id = :id"), {"id": device_id})
    engine.dispose()
    return int(found or 0)


# Chromium without a screen refuses at once; one with a screen asks, and goes on asking until somebody answers.
NOBODY_ANSWERS = "navigator.geolocation.getCurrentPosition = () => {}"


@pytest.mark.parametrize("asked", ["refused", "left open"])
def test_a_photo_without_leave_for_the_position_is_kept_and_its_place_is_unknown(
    product: Product, desk: Desk, code: str, persistent: Start, strict: Strict, asked: str
) -> None:
    job, login = given_a_repair(desk)
    tablet = tablet_on(persistent(permissions=["camera"]), product, strict)
    tablet.enrol(code=code, login=login, password=product.password)
    tablet.open_job(job["number"])
    for reached in ("accepted", "en_route", "arrived"):
        tablet.step(reached)
    if asked == "left open":
        tablet.page.evaluate(NOBODY_ANSWERS)
    tablet.step("working")
    tablet.open_form()
    tablet.photograph("before", (200, 30, 30))
    eventually(lambda: tablet.unsent() == 0, within_s=60, what="the delivery")
    [photo] = desk.get(f"/api/v1/jobs/{job['id']}/attachments")["items"]
    assert (photo["slot"], photo["location"]) == ("before", None)


def test_what_the_office_refuses_is_shown_in_words_and_stays_on_the_tablet(
    product: Product, desk: Desk, code: str, persistent: Start, strict: Strict
) -> None:
    job, login = given_a_repair(desk)
    context = persistent(**ALLOWED)
    tablet = tablet_on(context, product, strict)
    tablet.enrol(code=code, login=login, password=product.password)
    tablet.open_job(job["number"])

    context.set_offline(True)
    tablet.step("accepted")
    desk.post(f"/api/v1/jobs/{job['id']}/transitions", {"to": "cancelled", "reason": "called off"})
    context.set_offline(False)

    eventually(lambda: any(row["result"] for row in tablet.work()), what="an answer")
    tablet.page.goto(f"{product.origin}/crew/sync")
    expect(tablet.page.locator("[data-parked]")).to_be_visible()
    expect(tablet.page.locator("[data-testid=light]")).to_have_attribute("data-safe", "false")
    [row] = tablet.work()
    assert row["result"]["status"] in {"rejected", "conflict"}
    assert row["op"]["fields"]["state"] == "accepted"
    tablet.page.locator("[data-parked] button").first.click()
    expect(tablet.page.locator("[data-parked]")).to_have_count(0)


def test_what_was_typed_is_there_after_a_kill_in_the_middle_of_a_word(
    product: Product, desk: Desk, code: str, persistent: Start, strict: Strict, tmp_path: Path
) -> None:
    job, login = given_a_repair(desk)
    tablet = tablet_on(persistent(**ALLOWED), product, strict)
    tablet.enrol(code=code, login=login, password=product.password)
    tablet.open_job(job["number"])
    tablet.open_form()
    box = tablet.page.locator("[id='answers.action'] .input")
    box.press_sequentially("更换低压线路断")
    tablet.page.wait_for_timeout(DURABLE_WITHIN_MS)
    kill_browser(tmp_path / "profile")

    tablet = tablet_on(persistent(**ALLOWED), product, strict)
    tablet.page.goto(f"{product.origin}/crew/jobs/{job['id']}/form")
    expect(tablet.page.locator("[id='answers.action'] .input")).to_have_value("更换低压线路断")


# Notes when each state of the typed answer was on the disk: a strict transaction is complete after that.
NOTE_COMMITS = """
window.keys = []
window.committed = []
addEventListener('keydown', (event) => { window.pressed = event.timeStamp }, true)
addEventListener('input', (event) => window.keys.push({ text: event.target.value, at: window.pressed }), true)
const put = IDBObjectStore.prototype.put
IDBObjectStore.prototype.put = function (row, ...rest) {
  if (this.name === 'drafts') {
    const durable = this.transaction.durability
    const note = () => window.committed.push({ text: row.value, at: performance.now(), durable })
    this.transaction.addEventListener('complete', note)
  }
  return put.call(this, row, ...rest)
}
"""
# A later state holds the letter too: of states that come while one is written only the newest is.
WAITS = """
() => window.keys.map(({ text, at }) =>
  Math.min(...window.committed.filter((one) => one.text.startsWith(text) && one.durable === 'strict')
    .map((one) => one.at - at)))
"""


@pytest.mark.usefixtures("crews_are_free")
def test_each_letter_is_on_the_disk_a_moment_after_its_key(
    product: Product, desk: Desk, code: str, persistent: Start, strict: Strict
) -> None:
    job, login = given_a_repair(desk)
    context = persistent(**ALLOWED)
    context.add_init_script(NOTE_COMMITS)
    tablet = tablet_on(context, product, strict)
    tablet.enrol(code=code, login=login, password=product.password)
    tablet.open_job(job["number"])
    tablet.open_form()
    tablet.page.evaluate("window.keys = []")  # those of the enrolment
    typed = "replaced the broken low voltage line by hand"
    tablet.page.locator("[id='answers.action'] .input").press_sequentially(typed, delay=25)
    tablet.page.wait_for_timeout(DURABLE_WITHIN_MS)

    waits: list[float | None] = tablet.page.evaluate(WAITS)
    assert len(waits) == len(typed)
    assert max(DURABLE_WITHIN_MS + 1 if wait is None else wait for wait in waits) <= DURABLE_WITHIN_MS


def test_plain_http_by_name_says_that_nothing_works_offline(product: Product, chromium: Playwright) -> None:
    options = browser_options()
    options["args"] = [*options["args"], "--host-resolver-rules=MAP tablet.test 127.0.0.1"]
    browser = chromium.chromium.launch(**options)
    page = browser.new_page(locale="zh-CN")
    page.goto(f"http://tablet.test:{product.address.port}/crew/")
    expect(page.get_by_text("此地址不是 HTTPS，离线功能不可用")).to_be_visible()
    browser.close()


DURABLE_WITHIN_MS = 500  # a letter is on the disk, not only handed to it; alone on the machine it takes 15 to 25 ms
LOOKS = (("zh-CN", "sun"), ("zh-CN", "night"), ("en", "sun"))


def test_every_screen_passes_axe_and_fits_glove_and_glass_in_both_languages_and_themes(
    product: Product, desk: Desk, code: str, persistent: Start, strict: Strict
) -> None:
    job, login = given_a_repair(desk)
    tablet = tablet_on(persistent(**ALLOWED), product, strict)
    tablet.enrol(code=code, login=login, password=product.password)
    expect(tablet.page.locator(f"[data-job='{job['number']}']")).to_be_visible(timeout=20_000)
    here = f"jobs/{job['id']}"
    broken = {}
    for locale, theme in LOOKS:
        tablet.page.goto(f"{product.origin}/crew/settings")
        tablet.page.click(f"[data-value='{theme}']")
        tablet.page.click(f"[data-value='{locale}']")
        expect(tablet.page.locator(f"html[data-theme='{theme}'][lang='{locale}']")).to_be_attached()
        own = ("form", "photo/before", "sign/customer")
        for path in ("", "jobs", here, *(f"{here}/{name}" for name in own), "sync", "settings", "login", "enrol"):
            tablet.page.goto(f"{product.origin}/crew/{path}")
            expect(tablet.page.locator("h1").first).to_be_visible()
            broken[f"{locale} {theme} {path}"] = violations_of(tablet) + misfits(tablet.page)
    assert {where: found for where, found in broken.items() if found} == {}


def violations_of(tablet: CrewTablet) -> list[str]:
    """On a glass as high as the page: what the foot covers at the moment is scrolled out from under it, not small."""
    page, glass = tablet.page, tablet.page.viewport_size
    assert glass is not None
    found: list[str] = []
    seen = 0
    while (height := page.evaluate("document.documentElement.scrollHeight")) > seen:  # a list may have come meanwhile
        seen = max(glass["height"], height)
        page.set_viewport_size({"width": glass["width"], "height": seen})
        found = violations(page)
    page.set_viewport_size(glass)
    return found
