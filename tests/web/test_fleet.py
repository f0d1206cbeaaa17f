"""The fleet page in a real browser: the worst tablet first, and what nobody could judge dealt with in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import requests
from playwright.sync_api import Locator, expect

from app.bench.browser.pages import SLOW_MS
from app.kernel.clock import utc_now
from app.story.desk import Desk
from app.story.tablet import Tablet
from mobile_sync.wire import write_time
from tests.web.desk_console import DeskConsole, OpenConsole, given_a_call
from tests.web.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("crews_are_free")]
expect.set_options(timeout=SLOW_MS)

REPAIR_CREWS = {"R1": "r1", "R2": "r2", "R3": "zhaoqiang", "R4": "r4"}


@dataclass
class Lost:
    """A tablet that was signed out while it held a note and an answer about its job."""

    desk: Desk
    job: dict[str, Any]
    tablet: Tablet

    def record(self) -> dict[str, Any]:
        return {**self.desk.get(f"/api/v1/jobs/{self.job['id']}")}


@pytest.fixture
def lost(product: Product, desk: Desk) -> Lost:
    job = given_a_call(desk)
    ranked = desk.get(f"/api/v1/jobs/{job['id']}/candidates")["items"]
    crew = next(one for one in ranked if one["ok"] and one["code"] in REPAIR_CREWS)
    desk.post(f"/api/v1/jobs/{job['id']}/assignments", {"crew_id": crew["crew_id"]})
    admin = Desk(product.origin, "admin", product.password)
    code = admin.post("/api/v1/devices/enrolment-codes", {"name": "lost"})["code"]
    login = REPAIR_CREWS[crew["code"]]
    tablet = Tablet.enrol(product.origin, login=login, password=product.password, code=code)
    tablet.pull()
    record_id, _ = tablet.one("form_record", job_id=job["id"])
    tablet.record("job", job["id"], {"note": "院内有狗"})
    tablet.record("form_record", record_id, {"answers.cause": "tree"})
    admin.post(f"/api/v1/devices/{tablet.device_id}/revoke", {})
    tablet.push()
    return Lost(desk, job, tablet)


def fleet_page(console: DeskConsole, lost: Lost) -> Locator:
    """The page with the tablet opened; returns its panel."""
    console.page.goto(f"{console.origin}/desk/fleet?tablet={lost.tablet.device_id}")
    panel = console.page.locator("aside")
    expect(panel).to_be_visible()
    return panel


def test_the_worst_tablet_comes_first_and_its_records_are_dealt_with_in_words(console: OpenConsole, lost: Lost) -> None:
    lin = console()
    lin.page.get_by_role("link", name="平板状况").click()
    first = lin.page.locator("tbody tr").first
    expect(first).to_contain_text("有隔离的记录")
    row = lin.page.locator(f"[data-tablet='{lost.tablet.device_id}']")
    expect(row).to_contain_text("已停用")
    expect(row).to_contain_text("隔离 2")
    row.get_by_role("button").click()

    cards = lin.page.locator("aside [data-op]")
    expect(cards).to_have_count(2)
    note = cards.filter(has_text="院内有狗")
    expect(note).to_contain_text("平板已停用")
    expect(note).to_contain_text(lost.job["number"])
    note.get_by_role("button", name="重新处理").click()
    lin.page.get_by_role("dialog").get_by_role("button", name="重新处理").click()
    expect(lin.page.get_by_role("status").filter(has_text="已采用")).to_be_visible()
    expect(cards).to_have_count(1)
    assert lost.record()["note"] == "院内有狗"

    cards.get_by_role("button", name="修改后处理").click()
    dialog = lin.page.get_by_role("dialog")
    act = dialog.get_by_role("button", name="修改并处理")
    expect(act).to_be_disabled()
    dialog.get_by_label("另填一个值").check()
    dialog.get_by_role("combobox").select_option(label="外力破坏")
    dialog.get_by_label(re.compile("^理由")).fill("照片上是挖掘机")
    act.click()
    expect(cards).to_have_count(0)
    assert lost.record()["record"]["answers"] == {"cause": "third_party"}
    lin.tab("已处理").click()
    done = lin.page.locator("aside [data-op='2']")
    expect(done).to_contain_text("照片上是挖掘机")
    expect(done).to_contain_text("林晓")
    [told] = [one for one in lost.tablet.push() if one["op_no"] == 2]
    assert (told["status"], told["centre"]["verb"]) == ("merged", "repaired")


def test_a_record_is_refused_by_keyboard_alone_and_the_tablet_is_told_why(console: OpenConsole, lost: Lost) -> None:
    lin = console(language="en")
    panel = fleet_page(lin, lost)
    refuse = panel.locator("[data-op='1']").get_by_role("button", name="Do not apply")
    refuse.focus()
    lin.page.keyboard.press("Enter")
    dialog = lin.page.get_by_role("dialog")
    reason = dialog.get_by_label(re.compile("^Reason"))
    reason.focus()
    lin.page.keyboard.type("Another house")
    lin.page.keyboard.press("Enter")
    expect(panel.locator("[data-op='1']")).to_have_count(0)
    [told] = [one for one in lost.tablet.push() if one["op_no"] == 1]
    assert (told["problem"]["code"], told["centre"]["reason"]) == ("not_applied", "Another house")


def test_who_only_manages_sees_how_tablets_fare_and_nothing_of_what_was_recorded(
    console: OpenConsole, lost: Lost
) -> None:
    manager = console("manager")
    panel = fleet_page(manager, lost)
    expect(panel).to_contain_text("最后联系")
    expect(panel.get_by_role("tab")).to_have_count(0)
    expect(panel.locator("[data-op]")).to_have_count(0)


@pytest.fixture
def differing(product: Product) -> Tablet:
    """A tablet that tells of a record of its crew's that was missing, and half a minute later there again."""
    code = Desk(product.origin, "admin", product.password).post("/api/v1/devices/enrolment-codes", {"name": "rot"})
    tablet = Tablet.enrol(product.origin, login="zhaoqiang", password=product.password, code=code["code"])
    tablet.pull()
    now = utc_now()
    told = {
        "bucket": next(key for key in tablet.cursors if key.startswith("crew:")),
        **{"expected_rows": 4, "expected_checksum": "0" * 16, "rows": 3, "checksum": "f" * 16},
        **{"found_at": write_time(now), "healed_at": write_time(now + timedelta(seconds=30))},
    }
    body = {"schema_version": 1, "epoch": tablet.epoch, "cursors": tablet.cursors, "incidents": [told]}
    headers = {"Authorization": f"Bearer {tablet.token}"}
    answer = requests.post(f"{product.origin}/sync/v1/pull", json=body, headers=headers, timeout=15)
    assert answer.status_code == 200, answer.text
    return tablet


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-CN", ["核对差异 1 次", "的工单", "少 1 条：应有 4 条，只有 3 条", "已自动重新下载"]),
        ("en", ["1 difference found", "Work of R", "1 record was missing: 3 of 4", "Fetched again by itself"]),
    ],
)
def test_a_difference_that_healed_is_counted_and_told_and_every_column_stays_in_sight(
    console: OpenConsole, differing: Tablet, language: str, words: list[str]
) -> None:
    opened = console("manager", language=language)
    opened.page.goto(f"{opened.origin}/desk/fleet?tablet={differing.device_id}")
    expect(opened.page.locator(f"[data-tablet='{differing.device_id}']")).to_contain_text(words[0])
    told = opened.page.locator(".incidents li")
    for word in words[1:]:
        expect(told).to_contain_text(word)
    for width in (1440, 1280):
        opened.page.set_viewport_size({"width": width, "height": 900})
        assert opened.page.locator(".list").evaluate("(list) => list.scrollWidth - list.clientWidth") == 0
    assert (opened.violations(), opened.raw_keys()) == ([], [])


def test_the_list_is_narrowed_and_exported_as_it_is_shown(console: OpenConsole, lost: Lost) -> None:
    lin = console()
    lin.page.goto(f"{lin.origin}/desk/fleet")
    row = lin.page.locator(f"[data-tablet='{lost.tablet.device_id}']")
    expect(row).to_be_visible()
    lin.page.get_by_label("状态").select_option(label="使用中")
    expect(row).to_have_count(0)
    lin.page.get_by_label("状态").select_option(label="已停用")
    expect(row).to_be_visible()
    with lin.page.expect_download() as download:
        lin.page.get_by_role("main").get_by_role("link", name="导出 CSV").click()
    assert "state=revoked" in download.value.url
    assert lost.tablet.device_id in download.value.path().read_text("utf-8-sig")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_screen_has_no_barrier_and_no_missing_word(console: OpenConsole, lost: Lost, language: str) -> None:
    opened = console(language=language)
    panel = fleet_page(opened, lost)
    expect(panel.locator("[data-op]")).to_have_count(2)
    assert (opened.violations(), opened.raw_keys()) == ([], [])
    opened.tab("状况|Condition").click()
    assert (opened.violations(), opened.raw_keys()) == ([], [])
    opened.tab("等待处理|Waiting").click()
    panel.locator("[data-op='2']").get_by_role("button", name=re.compile("修改后处理|Repair")).click()
    expect(opened.page.get_by_role("dialog")).to_be_visible()
    opened.page.wait_for_timeout(400)  # a dialog that is still fading in has no contrast yet
    assert (opened.violations(), opened.raw_keys()) == ([], [])
    opened.page.goto(f"{opened.origin}/desk/fleet?q=nobody-has-this-name")
    expect(opened.page.get_by_text(re.compile("没有符合条件的平板|No such tablet"))).to_be_visible()
    assert (opened.violations(), opened.raw_keys()) == ([], [])
