"""The dispatcher's console in a real browser against the whole product."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import create_engine, text

from app.bench.browser.pages import SLOW_MS
from app.story.desk import Desk
from tests.web.conftest import Strict, eventually
from tests.web.desk_console import NO_WEBGL, DeskConsole, OpenConsole, a_switch_above, given_a_call
from tests.web.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=SLOW_MS)  # a busy machine is no fault of the screens


def test_a_wrong_password_is_refused_in_words(product: Product, context: Callable[..., BrowserContext]) -> None:
    page = context().new_page()
    page.goto(f"{product.origin}/desk/tablets")
    page.locator("input[name=username]").fill("linxiao")
    page.locator("input[name=password]").fill("not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"[\u4e00-\u9fff]{4,}"))
    expect(page.locator("input[name=username]")).to_have_value("linxiao")


def test_after_signing_in_a_reader_is_where_they_wanted_to_be(
    product: Product, context: Callable[..., BrowserContext], desk: Desk
) -> None:
    job = given_a_call(desk)
    opened = DeskConsole(context().new_page(), product.origin)
    opened.page.add_init_script(NO_WEBGL)
    opened.sign_in("linxiao", product.password, at=f"/desk/?job={job['id']}")
    expect(opened.page.locator(".panel-head", has_text=job["number"])).to_be_visible(timeout=SLOW_MS)


def test_a_call_taken_by_one_is_sent_and_undone_before_the_eyes_of_another(console: OpenConsole) -> None:
    lin, ma = console(), console("mali")
    lin.wait_live()
    ma.wait_live()

    ma.page.keyboard.press("n")
    ma.page.locator(".premises-search input").fill("街道")
    ma.page.locator(".premises-search [role=option]").first.wait_for()
    ma.page.keyboard.press("Enter")
    ma.page.get_by_role("radio", name="全部没电").check()
    ma.page.get_by_role("radio", name="另立新停电").check()
    ma.page.get_by_role("button", name="受理", exact=True).click()
    ma.page.get_by_role("button", name="查看工单").click()
    number = ma.page.locator(".panel-head p").inner_text().split(" · ")[0]

    card = lin.card(number)
    expect(card).to_be_visible(timeout=SLOW_MS)
    card.get_by_role("button").click()
    code = lin.send_first()
    expect(lin.page.get_by_role("status").filter(has_text=number)).to_be_visible()
    expect(ma.page.locator(".panel-head", has_text="已派出")).to_be_visible(timeout=SLOW_MS)
    lin.tab("进行中").click()
    expect(card).to_contain_text(code)

    lin.page.get_by_role("button", name="撤销").click()
    expect(card).to_have_count(0, timeout=SLOW_MS)
    lin.tab("待派").click()
    expect(card).to_contain_text("待派")
    expect(ma.page.locator(".panel-head", has_text="待派")).to_be_visible(timeout=SLOW_MS)


def test_a_job_is_dispatched_by_keyboard_alone(console: OpenConsole, desk: Desk) -> None:
    given_a_call(desk)
    opened = console()
    opened.wait_live()
    press = opened.page.keyboard.press
    press("j")
    expect(opened.page.locator(".fit > li").first).to_be_visible(timeout=SLOW_MS)
    number = opened.page.locator(".panel-head p").inner_text().split(" · ")[0]
    opened.page.locator("#drawer-panel").focus()
    for _ in range(2):  # the crew itself, then its send button
        press("Tab")
    press("Enter")
    expect(opened.page.get_by_role("status").filter(has_text=number)).to_be_visible()
    press("Escape")
    expect(opened.page.locator(".overview")).to_be_visible()


def test_a_busy_crew_stands_below_with_the_reason(console: OpenConsole, desk: Desk) -> None:
    first, second = given_a_call(desk), given_a_call(desk)
    opened = console()
    opened.open_job(first, "candidates")
    code = opened.send_first()
    expect(opened.page.get_by_role("button", name="撤销")).to_be_visible()

    opened.open_job(second, "candidates")
    opened.page.locator(".refused summary").click()
    expect(opened.page.locator(".refused li", has_text=code)).to_contain_text(f"正在 {first['number']}")


def test_of_two_who_edit_one_job_the_slower_is_told_what_it_reads_now(console: OpenConsole, desk: Desk) -> None:
    job = given_a_call(desk)
    slow = console()
    slow.open_job(job)
    slow.page.get_by_role("button", name="修改").click()
    fast = console()
    fast.open_job(job)
    fast.page.get_by_role("button", name="修改").click()
    fast.page.get_by_label("地址", exact=True).fill("龙衡区改后的地址 9 号")
    fast.page.get_by_role("button", name="保存").click()
    expect(fast.page.locator(".where")).to_contain_text("改后的地址")

    slow.page.get_by_label("备注", exact=True).fill("门口有狗")
    slow.page.get_by_role("button", name="保存").click()

    told = slow.page.get_by_role("alert").filter(has_text="内容已被他人修改")
    expect(told).to_contain_text("龙衡区改后的地址 9 号")
    slow.page.get_by_role("button", name="以最新内容重填").click()
    expect(slow.page.get_by_label("地址", exact=True)).to_have_value("龙衡区改后的地址 9 号")


def test_a_refused_field_says_so_at_the_field(console: OpenConsole, desk: Desk) -> None:
    opened = console()
    opened.open_job(given_a_call(desk))
    opened.page.get_by_role("button", name="修改").click()
    opened.page.get_by_label("联系电话", exact=True).fill("not a number")
    opened.page.get_by_role("button", name="保存").click()
    expect(opened.page.locator(".el-form-item", has_text="联系电话").locator(".el-form-item__error")).not_to_be_empty()


def test_what_is_chosen_survives_a_reload(console: OpenConsole, desk: Desk) -> None:
    job = given_a_call(desk)
    opened = console()
    opened.page.goto(f"{opened.origin}/desk/?job={job['id']}&tab=timeline&list=all&view=table&off=gas")
    expect(opened.page.locator(".panel-head", has_text=job["number"])).to_be_visible(timeout=SLOW_MS)
    opened.page.reload()
    expect(opened.tab("时间线")).to_have_attribute("aria-selected", "true", timeout=SLOW_MS)
    expect(opened.tab("全部")).to_have_attribute("aria-selected", "true")
    expect(opened.page.locator(".table-box tr[data-chosen]")).to_have_count(1)


@pytest.mark.parametrize("drawn_by", ["software", "a graphics card"])
def test_the_map_draws_streets_from_our_tiles_and_the_jobs_on_them(
    console: OpenConsole, desk: Desk, drawn_by: str
) -> None:
    given_a_call(desk)
    opened = console(with_map=True)
    page = opened.page
    page.add_init_script(renderer_called(drawn_by))
    warnings: list[str] = []
    page.on("console", lambda line: warnings.append(line.text) if "map:" in line.text or "Image" in line.text else None)
    page.goto(f"{opened.origin}/desk/")
    expect(page.locator("canvas.maplibregl-canvas")).to_be_visible(timeout=SLOW_MS)
    eventually(lambda: colours_of(page) >= {MAIN_STREET, WAITING_JOB}, within_s=60, what="streets and jobs on the map")
    assert warnings == []
    assert page.evaluate(IS_DRAWN_ASIDE) == (drawn_by == "software")
    assert follows_the_hand(page) == (drawn_by == "software")
    page.get_by_role("button", name="English").click()
    expect(page.locator(".maplibregl-ctrl-scale")).to_have_text(re.compile(r"^\d+\s(m|km)$"))


def follows_the_hand(page: Page) -> bool:
    """Whether the picture on the page is moved while a hand drags the map; it rests when the next one is there."""
    canvas, before = page.locator("canvas.maplibregl-canvas"), page.url
    box = canvas.bounding_box()
    assert box is not None
    canvas.evaluate(NOTE_MOVES)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=3)
    page.mouse.up()
    page.wait_for_url(lambda url: url != before, timeout=SLOW_MS)
    expect(canvas).to_have_css("transform", "none", timeout=SLOW_MS)
    return any(page.evaluate("moves"))


def renderer_called(name: str) -> str:
    """The map draws aside from the page where software stands in for a graphics card, which WebGL tells by its name."""
    told = "SwiftShader" if name == "software" else name
    return f"""
    const asked = WebGL2RenderingContext.prototype.getParameter
    WebGL2RenderingContext.prototype.getParameter = function (what) {{
      return what === 0x9246 ? '{told}' : asked.call(this, what) // UNMASKED_RENDERER_WEBGL
    }}
    """


IS_DRAWN_ASIDE = """
HTMLCanvasElement.prototype.getContext.call(document.querySelector('canvas.maplibregl-canvas'), '2d') !== null
"""
NOTE_MOVES = """
(canvas) => {
  window.moves = []
  new MutationObserver(() => moves.push(canvas.style.transform)).observe(canvas, { attributeFilter: ['style'] })
}
"""
MAIN_STREET = "a trunk or primary street"
WAITING_JOB = "a job that waits for a crew"
DRAWN_AS = {(243, 217, 160): MAIN_STREET, (248, 233, 196): MAIN_STREET, (179, 32, 31): WAITING_JOB}


def colours_of(page: Page) -> set[str]:
    """What is on the map, by the colours that a person sees."""
    picture = Image.open(BytesIO(page.locator(".map-pane").screenshot())).convert("RGB")
    seen = {colour for _, colour in picture.getcolors(picture.width * picture.height) or []}
    return {name for colour, name in DRAWN_AS.items() if colour in seen}


def test_a_machine_without_webgl_dispatches_from_the_list(
    product: Product, context: Callable[..., BrowserContext], strict: Strict, desk: Desk
) -> None:
    job = given_a_call(desk)
    page = context().new_page()
    page.add_init_script(NO_WEBGL)
    opened = DeskConsole(strict.watch(page), product.origin)
    opened.sign_in("linxiao", product.password)
    expect(page.get_by_text("WebGL")).to_be_visible(timeout=SLOW_MS)
    page.locator(".table-box tr", has_text=job["number"]).get_by_role("button").click()
    opened.send_first()
    expect(page.get_by_role("button", name="撤销")).to_be_visible()


SECOND_BRANCH = """
WITH made AS (
  INSERT INTO branch (id, code, name_zh, name_en, timezone, synthetic)
  VALUES (gen_random_uuid(), 'SCH', '舒特瓦尔德', 'Schutterwald', 'Europe/Berlin', true) RETURNING id
)
INSERT INTO role_grant (id, person_id, role, branch_id)
SELECT gen_random_uuid(), person.id, 'dispatcher', made.id FROM person, made WHERE person.login = 'linxiao'
"""
NO_SECOND_BRANCH = """
WITH theirs AS (DELETE FROM role_grant USING branch WHERE branch.id = role_grant.branch_id AND branch.code = 'SCH')
DELETE FROM branch WHERE code = 'SCH'
"""


@pytest.fixture
def branch_in_berlin(product: Product) -> Iterator[str]:
    """A town in another time zone is Lin Xiao's too, for the time of the test; its name."""
    engine = create_engine(product.env["DATABASE_URL"], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(SECOND_BRANCH))
        yield "舒特瓦尔德"
        connection.execute(text(NO_SECOND_BRANCH))
    engine.dispose()


def clock_in(zone: str, at: str) -> str:
    """How the console writes a moment of these minutes: the hour, with the day where it is another one there."""
    then, now = datetime.fromisoformat(at).astimezone(ZoneInfo(zone)), datetime.now(ZoneInfo(zone))
    return then.strftime("%H:%M" if then.date() == now.date() else "%m-%d %H:%M")


def test_every_time_is_that_of_the_branch_being_looked_at(
    console: OpenConsole, desk: Desk, branch_in_berlin: str
) -> None:
    job = given_a_call(desk)
    taken_at = desk.get(f"/api/v1/jobs/{job['id']}/timeline")["items"][0]["at"]
    opened = console()
    opened.open_job(job, "timeline")
    first = opened.page.locator("#drawer-panel time").first
    expect(first).to_have_text(clock_in("Asia/Shanghai", taken_at))
    expect(opened.page.locator(".clock")).not_to_contain_text("GMT")

    opened.page.get_by_label("单位", exact=True).select_option(label=branch_in_berlin)

    expect(first).to_have_text(clock_in("Europe/Berlin", taken_at))
    expect(opened.page.locator(".clock")).to_contain_text(re.compile(r"GMT\+[12]"))


def test_a_manager_enrols_a_tablet_by_a_code(console: OpenConsole) -> None:
    opened = console("manager")
    opened.page.get_by_role("link", name="平板", exact=True).click()
    opened.page.get_by_role("button", name="登记平板").click()
    opened.page.get_by_label("平板名称").fill("R9 班 1 号平板")
    opened.page.get_by_role("button", name="生成登记码").click()
    expect(opened.page.locator("output")).to_have_text(re.compile(r"^[A-Z0-9]{8,}$"))


def test_a_dispatcher_sees_no_tablets_page(console: OpenConsole) -> None:
    opened = console()
    expect(opened.page.get_by_role("link", name="调度台")).to_be_visible()
    expect(opened.page.get_by_role("link", name="平板", exact=True)).to_have_count(0)


def screens_of(opened: DeskConsole, job: dict[str, Any], switch: dict[str, Any]) -> Iterator[str]:
    """Walks through the console's screens, settled, and names each."""
    page = opened.page
    for tab in ("overview", "candidates", "timeline", "record"):
        opened.open_job(job, tab)
        expect(page.locator("#drawer-panel .skeleton")).to_have_count(0, timeout=SLOW_MS)
        yield tab
    page.goto(f"{opened.origin}/desk/?outage={job['outage_id']}")
    page.locator(".calls li").first.wait_for()
    yield "outage"
    page.goto(f"{opened.origin}/desk/?call=1&view=table")
    page.locator(".tiles label").first.wait_for()
    yield "intake and list"
    page.goto(f"{opened.origin}/desk/")
    opened.wait_live()
    yield "crews"
    page.locator("#overview-panel button").first.click()
    page.locator(".crew-panel .member").first.wait_for()
    yield "crew"
    page.goto(f"{opened.origin}/desk/?link={switch['id']}")
    page.locator(".asset .actions button").nth(2).click()
    page.locator(".plan li").first.wait_for()
    yield "switch"


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_every_screen_passes_axe_and_has_all_its_words(console: OpenConsole, desk: Desk, locale: str) -> None:
    job = given_a_call(desk)
    switch = a_switch_above(desk, job)
    opened = console(language=locale)
    assert opened.page.locator("html").get_attribute("lang") == locale
    broken = {name: opened.violations() + opened.raw_keys() for name in screens_of(opened, job, switch)}
    assert {name: found for name, found in broken.items() if found} == {}


LATE_STYLES = """
() => {
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
  const theirs = rules.filter((rule) => rule instanceof CSSLayerBlockRule && rule.name === 'element')
  const late = new CSSStyleSheet()
  late.replaceSync(theirs.map((rule) => rule.cssText).join(''))
  document.adoptedStyleSheets = [late]
  const style = getComputedStyle(document.documentElement)
  return { late: late.cssRules.length, primary: style.getPropertyValue('--el-color-primary') }
}
"""


def test_our_colours_win_also_over_styles_of_element_plus_that_come_late(console: OpenConsole) -> None:
    opened = console()
    accent = "getComputedStyle(document.documentElement).getPropertyValue('--accent')"
    after = opened.page.evaluate(LATE_STYLES)
    assert after["late"] > 0
    assert after["primary"] == opened.page.evaluate(accent)


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_the_tablets_page_and_its_dialog_pass_axe(console: OpenConsole, locale: str) -> None:
    opened = console("manager", language=locale)
    opened.page.goto(f"{opened.origin}/desk/tablets")
    opened.page.locator(".tablets h1").wait_for()
    page_only = opened.violations()
    opened.page.locator(".tablets header .el-button--primary").click()
    opened.page.locator(".el-dialog input").wait_for()
    opened.page.wait_for_timeout(400)  # the dialog fades in: half-faded text has no contrast to measure
    assert page_only + opened.violations() + opened.raw_keys() == []


def test_the_language_changes_on_the_spot_and_for_good(console: OpenConsole) -> None:
    opened = console()
    opened.page.get_by_role("button", name="English").click()
    expect(opened.tab("To send")).to_be_visible()
    expect(opened.page.locator("html")).to_have_attribute("lang", "en")
    opened.page.reload()
    expect(opened.tab("To send")).to_be_visible(timeout=SLOW_MS)


WRONG = """
() => {
  const pale = document.createElement('p')
  pale.textContent = 'pale'
  pale.style.cssText = 'position: fixed; top: 0; color: #eee; background: #fff; z-index: 9999'
  document.body.append(pale, document.createElement('button'))
}
"""


def test_axe_names_what_is_wrong(console: OpenConsole) -> None:
    """The check bites: a button that says nothing, words too pale to read."""
    opened = console()
    opened.page.evaluate(WRONG)
    assert {line.partition(":")[0] for line in opened.violations()} == {"button-name", "color-contrast"}
