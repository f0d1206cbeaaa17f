"""The conflict desk in a real browser: two tablets answer one question, a person decides, everybody learns of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, expect
from sqlalchemy import create_engine, text

from app.bench.browser.pages import SLOW_MS
from app.story.desk import Desk
from app.story.tablet import Tablet
from tests.web.desk_console import DeskConsole, OpenConsole, given_a_call
from tests.web.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("crews_are_free")]
expect.set_options(timeout=SLOW_MS)  # a busy machine is no fault of the screens

REPAIR_CREWS = {"R1": "r1", "R2": "r2", "R3": "zhaoqiang", "R4": "r4"}


@dataclass
class Quarrel:
    """A job whose checklist two tablets of its crew hold; the second has not heard of the first."""

    desk: Desk
    job: dict[str, Any]
    first: Tablet
    second: Tablet

    def answer(self, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
        """Theirs arrives first."""
        for tablet, answers in ((self.first, theirs), (self.second, mine)):
            record_id, _ = tablet.one("form_record", job_id=self.job["id"])
            tablet.record("form_record", record_id, {f"answers.{item}": value for item, value in answers.items()})
            tablet.push()

    def answers(self) -> dict[str, Any]:
        """What the record holds now."""
        record = self.desk.get(f"/api/v1/jobs/{self.job['id']}")["record"]
        answers: dict[str, Any] = record["answers"]
        return answers

    def open_ids(self) -> list[str]:
        """Conflicts about this job that nobody has settled."""
        items = self.desk.get("/api/v1/conflicts", limit="200")["items"]
        return [one["id"] for one in items if one["job_id"] == self.job["id"]]


@pytest.fixture
def quarrel(product: Product, desk: Desk) -> Quarrel:
    job = given_a_call(desk)
    ranked = desk.get(f"/api/v1/jobs/{job['id']}/candidates")["items"]
    crew = next(one for one in ranked if one["ok"] and one["code"] in REPAIR_CREWS)
    desk.post(f"/api/v1/jobs/{job['id']}/assignments", {"crew_id": crew["crew_id"]})
    tablets = [tablet_of(product, REPAIR_CREWS[crew["code"]]) for _ in range(2)]
    return Quarrel(desk, job, *tablets)


def tablet_of(product: Product, login: str) -> Tablet:
    admin = Desk(product.origin, "admin", product.password)
    code = admin.post("/api/v1/devices/enrolment-codes", {"name": f"tablet of {login}"})["code"]
    tablet = Tablet.enrol(product.origin, login=login, password=product.password, code=code)
    tablet.pull()
    return tablet


@pytest.fixture
def second_dispatcher(product: Product) -> Iterator[str]:
    """The demo has one; for this test the team leader dispatches too."""
    engine = create_engine(product.env["DATABASE_URL"])
    grant = """INSERT INTO role_grant (id, person_id, role, branch_id)
               SELECT gen_random_uuid(), id, 'dispatcher', branch_id FROM person WHERE login = 'luowei' RETURNING id"""
    with engine.begin() as connection:
        granted = connection.scalar(text(grant))
    yield "luowei"
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM role_grant WHERE id = :id"), {"id": granted})
    engine.dispose()


def conflict_desk(console: DeskConsole, quarrel: Quarrel) -> Locator:
    """The open conflicts of the job, by address; returns its cards."""
    console.page.goto(f"{console.origin}/desk/conflicts?job={quarrel.job['id']}")
    cards = console.page.locator("[data-conflict]")
    expect(cards.first).to_be_visible()
    return cards


def decide(console: DeskConsole, settle: str, reason: str = "") -> None:
    dialog = console.page.get_by_role("dialog")
    if reason:
        dialog.get_by_label(re.compile("^(理由|Reason)")).fill(reason)
    dialog.get_by_role("button", name=settle, exact=True).click()


def test_a_dispatcher_sees_both_values_decides_and_the_tablet_gets_it(console: OpenConsole, quarrel: Quarrel) -> None:
    lin = console()
    lin.wait_live()
    count = lin.page.locator("nav.rail .counted")
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    expect(count).to_contain_text(re.compile(r"\d"))  # the stream told of it; nobody asked

    lin.open_job(quarrel.job)
    lin.page.get_by_role("link", name="1 项冲突").click()
    card = lin.page.locator("[data-conflict]")
    expect(card).to_have_count(1)
    expect(card.get_by_role("heading", level=3)).to_have_text("故障原因")
    expect(card.locator("section").nth(0)).to_contain_text("空")
    expect(card.locator("[data-side=theirs]")).to_contain_text("大风雷雨")
    expect(card.locator("[data-side=mine]")).to_contain_text("树")
    expect(card.locator("[data-side=mine]")).to_contain_text(re.compile("平板 .+平板时间 .+时钟准确"))
    expect(card).to_contain_text(re.compile("还剩 .*小时"))

    card.get_by_role("button", name="由我处理").click()
    expect(card.get_by_role("button", name="退回")).to_be_visible()
    card.get_by_role("button", name="采用平板的值").click()
    decide(lin, "确定", reason="照片上是树")
    expect(lin.page.get_by_role("status").filter(has_text=quarrel.job["number"])).to_contain_text("“故障原因”已定为")
    expect(card).to_have_count(0)
    assert quarrel.answers() == {"cause": "tree"}

    lin.tab("已处理").click()
    row = lin.page.locator("[data-settled]")
    expect(row).to_contain_text("照片上是树")
    expect(row).to_contain_text("林晓")
    quarrel.first.pull()
    assert quarrel.first.one("form_record", job_id=quarrel.job["id"])[1]["answers"] == {"cause": "tree"}


def test_of_two_dispatchers_the_slower_is_told_and_changes_nothing(
    console: OpenConsole, quarrel: Quarrel, second_dispatcher: str
) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    fast, slow = console(), console(second_dispatcher)
    conflict_desk(slow, quarrel).get_by_role("button", name="采用平板的值").click()
    expect(slow.page.get_by_role("dialog")).to_be_visible()
    conflict_desk(fast, quarrel).get_by_role("button", name="保留系统的值").click()
    decide(fast, "确定")
    expect(fast.page.locator("[data-conflict]")).to_have_count(0)

    decide(slow, "确定")
    expect(slow.page.get_by_text("该冲突已由他人处理")).to_be_visible()
    expect(slow.page.get_by_text("列表已刷新")).to_be_visible()
    expect(slow.page.get_by_role("dialog")).to_have_count(0)
    expect(slow.page.get_by_text("该工单没有未处理的冲突")).to_be_visible()
    assert quarrel.answers() == {"cause": "storm"}


def test_a_record_that_moved_on_is_shown_again_before_it_is_decided(console: OpenConsole, quarrel: Quarrel) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    lin = console(language="en")
    conflict_desk(lin, quarrel).get_by_role("button", name="Take the tablet's").click()
    quarrel.answer(mine={"result": "restored"}, theirs={"action": "line cleared"})
    decide(lin, "Settle")
    expect(lin.page.get_by_text("please look once more")).to_be_visible()
    assert quarrel.answers()["cause"] == "storm"
    lin.page.get_by_role("button", name="Take the tablet's").click()
    decide(lin, "Settle")
    expect(lin.page.locator("[data-conflict]")).to_have_count(0)
    assert quarrel.answers()["cause"] == "tree"


def test_one_decision_settles_all_of_a_cause_by_keyboard_alone(console: OpenConsole, quarrel: Quarrel) -> None:
    quarrel.answer(mine={"cause": "tree", "voltage_v": 230}, theirs={"cause": "storm", "voltage_v": 210})
    lin = console(language="en")
    expect(conflict_desk(lin, quarrel)).to_have_count(2)
    press = lin.page.keyboard.press
    lin.page.get_by_role("button", name="Select all 2 of this cause").focus()
    press("Enter")
    bulk = lin.page.get_by_role("region", name="Selected conflicts")
    expect(bulk).to_contain_text("2 selected")
    bulk.get_by_role("button", name="Take the tablet's for all").focus()
    press("Enter")
    dialog = lin.page.get_by_role("dialog")
    expect(dialog).to_contain_text("230")
    dialog.get_by_label("Reason").focus()
    lin.page.keyboard.type("The crew saw it")
    press("Enter")
    expect(lin.page.get_by_role("status").filter(has_text="2 settled")).to_be_visible()
    assert quarrel.answers() == {"cause": "tree", "voltage_v": 230}
    assert quarrel.open_ids() == []
    expect(lin.page.get_by_role("heading", level=1)).to_be_focused()


def test_another_value_is_given_in_the_questions_own_control_and_checked(
    console: OpenConsole, quarrel: Quarrel
) -> None:
    quarrel.answer(mine={"voltage_v": 230, "cause": "tree"}, theirs={"voltage_v": 210, "cause": "storm"})
    lin = console()
    cards = conflict_desk(lin, quarrel)
    dialog = lin.page.get_by_role("dialog")
    cards.filter(has_text="210").get_by_role("button", name="另填一个值").click()
    expect(dialog).to_contain_text("V")
    dialog.get_by_role("textbox").first.fill("900")
    decide(lin, "确定")
    expect(dialog.get_by_role("alert")).to_be_visible()
    assert quarrel.answers()["voltage_v"] == 210
    dialog.get_by_role("textbox").first.fill("221.5")
    decide(lin, "确定")
    expect(cards).to_have_count(1)
    cards.get_by_role("button", name="另填一个值").click()
    dialog.get_by_role("combobox").select_option(label="外力破坏")
    decide(lin, "确定")
    expect(cards).to_have_count(0)
    assert quarrel.answers() == {"voltage_v": 221.5, "cause": "third_party"}


def test_who_does_not_dispatch_reads_and_has_nothing_to_press(console: OpenConsole, quarrel: Quarrel) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    ma = console("mali")
    card = conflict_desk(ma, quarrel)
    expect(card).to_contain_text("平板填的值")
    expect(card.get_by_role("button")).to_have_count(0)
    expect(card.get_by_role("checkbox")).to_have_count(0)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_screen_has_no_barrier_and_no_missing_word(console: OpenConsole, quarrel: Quarrel, language: str) -> None:
    opened = console(language=language)
    opened.page.goto(f"{opened.origin}/desk/conflicts?job={quarrel.job['id']}")
    expect(
        opened.page.get_by_text(re.compile("该工单没有未处理的冲突|No open conflict about this job"))
    ).to_be_visible()
    assert (opened.violations(), opened.raw_keys()) == ([], [])
    quarrel.answer(mine={"cause": "tree", "voltage_v": 230}, theirs={"cause": "storm", "voltage_v": 210})
    cards = conflict_desk(opened, quarrel)
    cards.first.get_by_role("checkbox").check()
    assert (opened.violations(), opened.raw_keys()) == ([], [])
    cards.last.get_by_role("button", name=re.compile("另填一个值|Another value")).click()
    expect(opened.page.get_by_role("dialog")).to_be_visible()
    opened.page.wait_for_timeout(400)  # a dialog that is still fading in has no contrast yet
    assert (opened.violations(), opened.raw_keys()) == ([], [])
    opened.page.keyboard.press("Escape")
    cards.first.get_by_role("button", name=re.compile("保留系统的值|Keep the system's")).click()
    decide(opened, {"zh-CN": "确定", "en": "Settle"}[language])
    expect(cards).to_have_count(1)
    opened.tab("已处理|Settled").click()
    expect(opened.page.locator("[data-settled]")).to_have_count(1)
    assert (opened.violations(), opened.raw_keys()) == ([], [])
