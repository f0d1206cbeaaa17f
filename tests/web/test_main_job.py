"""The main job as two people do it: a dispatcher at a desk, a crew at a tablet without a link that is killed once."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.bench.browser.chromium import DESK
from app.story.desk import Desk
from tests.web.conftest import Strict, eventually
from tests.web.crew_tablet import REPAIR_ANSWERS, CrewTablet, kill_browser
from tests.web.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("crews_are_free")]

CREW, LEAD = "R3", "zhaoqiang"
STEPS = ("accepted", "en_route", "arrived", "working", "restored")
PATIENCE_MS = 20_000


def signed_in_desk(browser: Browser, product: Product, strict: Strict) -> Page:
    desk = Desk(product.origin, "linxiao", product.password)
    headers = {"Origin": product.origin, "Idempotency-Key": str(uuid.uuid4())}
    desk.http.patch(f"{product.origin}/api/v1/me", json={"locale": "zh-CN"}, headers=headers, timeout=10)
    context = browser.new_context(viewport=DESK, locale="zh-CN", timezone_id="Asia/Shanghai")
    page = strict.watch(context.new_page())
    page.goto(f"{product.origin}/desk/")
    page.get_by_label("用户名").fill("linxiao")
    page.get_by_label("密码").fill(product.password)
    page.get_by_role("button", name="登录").click()
    expect(page.locator("[data-link=live]")).to_be_visible(timeout=PATIENCE_MS)
    return page


def take_call(page: Page, place: str) -> str:
    """Intake by keyboard and search; returns the call's number."""
    page.keyboard.press("n")
    intake = page.get_by_role("region", name="接报")
    search = intake.get_by_role("combobox", name="搜索地址或拼音首字母")
    search.fill(place)
    intake.get_by_role("option").first.click(timeout=PATIENCE_MS)
    intake.locator("input[name=symptom][value=no_supply]").check(force=True)
    intake.locator("input[name=join][value=new]").check(force=True)
    intake.get_by_role("button", name="受理").click()
    expect(intake.get_by_role("status").last).to_contain_text("已新建停电与抢修工单", timeout=PATIENCE_MS)
    number = intake.get_by_role("heading", level=3).inner_text()
    intake.get_by_role("button", name="派班").click()
    return number


def test_a_call_is_dispatched_worked_offline_through_a_kill_and_seen_whole_by_the_dispatcher(
    product: Product,
    browser: Browser,
    persistent: Callable[..., BrowserContext],
    strict: Strict,
    tmp_path: Path,
) -> None:
    admin = Desk(product.origin, "admin", product.password)
    code = admin.post("/api/v1/devices/enrolment-codes", {"name": "main job"})["code"]
    tablet = CrewTablet(strict.watch(persistent().pages[0]), product.origin)
    tablet.enrol(code=code, login=LEAD, password=product.password)

    page = signed_in_desk(browser, product, strict)
    take_call(page, "街道")
    page.get_by_role("button", name="派出 抢修3组").click(timeout=PATIENCE_MS)
    drawer = page.locator("section.drawer")
    number = str(drawer.get_attribute("aria-label"))
    expect(drawer).to_contain_text("已派", timeout=PATIENCE_MS)

    tablet.tab("sync")
    tablet.page.click("[data-testid=sync-now]")
    expect(tablet.page.locator("[data-testid=answer]")).to_be_visible(timeout=PATIENCE_MS)
    tablet.tab("jobs")
    expect(tablet.page.locator(f"[data-job='{number}']")).to_be_visible(timeout=PATIENCE_MS)
    tablet.page.context.set_offline(True)
    tablet.open_job(number)
    for reached in STEPS:
        tablet.step(reached)
    kill_browser(tmp_path / "profile")

    tablet = CrewTablet(strict.watch(persistent(offline=True).pages[0]), product.origin)
    tablet.page.goto(f"{product.origin}/crew/jobs")
    tablet.open_job(number)
    expect(tablet.page.locator("li[data-step='restored'].done")).to_be_visible()
    tablet.open_form()
    for item, value in REPAIR_ANSWERS.items():
        tablet.choose(item, value)
    tablet.write("voltage_v", "228.5")
    tablet.photograph("before", (30, 30, 200))
    tablet.photograph("after", (30, 200, 30))
    tablet.sign("customer", "周桂兰")
    tablet.page.click("[data-testid=form-next]")
    tablet.page.click("[data-testid=next]")
    expect(tablet.page.locator("li[data-step='completed'].done")).to_be_visible()
    expect(drawer).to_contain_text("已派")

    tablet.page.context.set_offline(False)
    eventually(lambda: tablet.unsent() == 0, within_s=60, what="the delivery")

    expect(drawer).to_contain_text("已完成", timeout=PATIENCE_MS)  # by the event stream: nobody reloaded the page
    page.get_by_role("tab", name="表单与照片").click()
    expect(drawer.locator("figure img")).to_have_count(3, timeout=PATIENCE_MS)
    assert shown_hashes(product, number) == sorted(
        row["sha256"] for row in tablet.rows("files") if row["kind"] != "thumb"
    )


def shown_hashes(product: Product, number: str) -> list[str]:
    """SHA-256 of every file's bytes as the desk serves them."""
    desk = Desk(product.origin, "linxiao", product.password)
    [job] = desk.get("/api/v1/jobs", q=number)["items"]
    files = desk.get(f"/api/v1/jobs/{job['id']}/attachments")["items"]
    return sorted(hashlib.sha256(desk.raw(f"/api/v1/attachments/{file['id']}/content")).hexdigest() for file in files)
