"""The day board in a real browser: drawn, dragged, moved by keys, undone, refused, seen live by another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from app.story.desk import Desk
from tests.web.conftest import Strict
from tests.web.desk_console import SLOW_MS, DeskConsole
from tests.web.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OpenBoard = Callable[..., DeskConsole]
LANES, BARS_A_LANE = 1_000, 10
LANE_PX = 48
SCROLLED_PX = 60 * 120
SCROLL = """async () => {
  const stage = document.querySelector('.board-stage')
  const lanes = new Set()
  let drawn = 0
  let most = 0
  const seen = new MutationObserver((changes) => {
    for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
      if (!node.dataset?.crew) continue
      lanes.add(node.dataset.crew)
      drawn++
    }
    most = Math.max(most, stage.querySelectorAll('.board-lane').length)
  })
  seen.observe(stage, { childList: true, subtree: true })
  for (let n = 0; n < 60; n++) {
    stage.scrollTop += 120
    await new Promise(requestAnimationFrame)
  }
  await new Promise((settled) => requestAnimationFrame(() => setTimeout(settled)))
  return { lanes: lanes.size, drawn, most }
}"""


@pytest.fixture
def opened(product: Product, context: Callable[..., BrowserContext], strict: Strict) -> OpenBoard:
    """Opens the board in a browser that stands in another time zone, over a made-up day where one is given."""

    def start(language: str = "zh-CN", *, at: str = "/desk/board", board: dict[str, Any] | None = None) -> DeskConsole:
        page = strict.watch(context(locale=language, timezone_id="America/Lima").new_page())
        if board is not None:
            answer = json.dumps(board)
            page.route("**/api/v1/board*", lambda route: route.fulfill(body=answer, content_type="application/json"))
        console = DeskConsole(page, product.origin)
        console.sign_in("linxiao", product.password, at=at)
        expect(page.locator(".board-stage[data-rendered]")).to_be_attached(timeout=SLOW_MS)
        return console

    return start


def test_the_board_shows_the_day_of_every_crew_on_duty(opened: OpenBoard, desk: Desk) -> None:
    board = desk.get("/api/v1/board")
    console = opened()
    expect(console.page.locator(".board-lane").first).to_be_visible()
    labels = console.page.locator(".board-lane").evaluate_all(
        "all => all.map((one) => one.getAttribute('aria-setsize'))"
    )
    assert set(labels) == {str(len(board["lanes"]))}
    expect(console.page.locator(".tools [type=date]")).to_have_value(board["day"])
    hours = console.page.locator(".board-hour").all_inner_texts()
    assert hours[:2] == ["00:00", "01:00"], "the branch's hours, not those of a console in Lima"


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_the_board_and_its_dialog_pass_axe_and_have_all_their_words(
    opened: OpenBoard, visit: dict[str, Any], locale: str
) -> None:
    console = opened(locale, at=f"/desk/board?day={visit['day']}&job={visit['job_id']}")
    page = console.page
    expect(page.locator(".visit")).to_be_visible()
    found = console.violations() + console.raw_keys()
    page.locator(f".board-bar[data-job='{visit['job_id']}']").focus()
    page.keyboard.press("m")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_timeout(400)  # the dialog fades in: half-faded text has no contrast to measure
    assert found + console.violations() + console.raw_keys() == []


@pytest.fixture
def visit(desk: Desk) -> Iterator[dict[str, Any]]:
    """A visit booked for tomorrow, in the middle of a shift that has room on both sides."""
    day, lane, start = free_time(desk)
    job = next(
        job
        for job in desk.get("/api/v1/jobs", state="new", limit="200")["items"]
        if job["required_skill"] in lane["skills"]
    )
    times = {"planned_start": start.isoformat(), "planned_end": (start + timedelta(hours=1)).isoformat()}
    made = desk.post(f"/api/v1/jobs/{job['id']}/visits", {"crew_id": lane["crew_id"], **times})
    yield {"day": day, "start": start, **made}
    for bar in desk.get("/api/v1/board", day=day, job_id=job["id"])["bars"]:
        desk.post(f"/api/v1/assignments/{bar['id']}/withdraw", {})


def free_time(desk: Desk) -> tuple[str, dict[str, Any], datetime]:
    """A crew with three hours of a shift and of a day ahead of it, unbooked: the day, its lane, the second of them."""
    waiting = {job["required_skill"] for job in desk.get("/api/v1/jobs", state="new", limit="200")["items"]}
    first = datetime.fromisoformat(desk.get("/api/v1/board")["day"])
    for days in range(3):
        board = desk.get("/api/v1/board", day=(first + timedelta(days=days)).date().isoformat())
        for lane in board["lanes"]:
            taken = [bar for bar in board["bars"] if bar["crew_id"] == lane["crew_id"]]
            for shift in lane["shifts"]:
                start, end = (datetime.fromisoformat(shift[name]) for name in ("starts_at", "ends_at"))
                end = min(end, datetime.fromisoformat(board["ends_at"]))  # late in the evening it is tomorrow's
                start = max(
                    start,
                    datetime.fromisoformat(board["starts_at"]),
                    datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1),
                )
                if not taken and end - start >= timedelta(hours=3) and waiting & set(lane["skills"]):
                    return board["day"], lane, start + timedelta(hours=1)
    raise AssertionError("the tiny district has no crew with three free hours")


def bar_of(console: DeskConsole, visit: dict[str, Any]) -> Locator:
    return console.page.locator(f".board-bar[data-job='{visit['job_id']}']")


def begins(desk: Desk, visit: dict[str, Any]) -> datetime:
    (bar,) = desk.get("/api/v1/board", day=visit["day"], job_id=visit["job_id"])["bars"]
    return datetime.fromisoformat(bar["planned_start"])


def drag(console: DeskConsole, bar: Locator, by_px: float, *, onto: Locator | None = None) -> None:
    """As a hand does it: on the bar, held, over the lane until it lights up, let go."""
    page, mouse = console.page, console.page.mouse
    expect(page.locator(".board-stage[data-rendered]")).to_be_visible()
    lane = onto or bar.locator("xpath=ancestor::li")
    # News draw the lanes anew: not to be waited upon.
    bar.evaluate("bar => bar.scrollIntoView({ block: 'nearest', inline: 'center' })")
    bar.hover(position={"x": 12, "y": 12})  # waits until it stands still with nothing before it
    at = bar.bounding_box()
    assert at is not None
    x, y = at["x"] + 12, at["y"] + 12
    mouse.down()
    mouse.move(x + by_px / 2, y + 6, steps=4)
    expect(page.locator(".board-held")).to_be_visible()
    there = lane.bounding_box()
    assert there is not None
    mouse.move(x + by_px, there["y"] + there["height"] / 2, steps=4)
    expect(lane).to_have_attribute("data-target", "")
    mouse.up()


def test_a_visit_is_dragged_undone_and_seen_by_another(opened: OpenBoard, desk: Desk, visit: dict[str, Any]) -> None:
    at = f"/desk/board?day={visit['day']}"
    mine, theirs = opened(at=at), opened(at=at)
    before = bar_of(theirs, visit).get_attribute("aria-label")
    drag(mine, bar_of(mine, visit), 44)  # half an hour at 88 pixels an hour
    toast = mine.page.locator(".toast", has=mine.page.locator(".toast-action"))
    expect(toast).to_contain_text("已改到", timeout=SLOW_MS)
    assert begins(desk, visit) == visit["start"] + timedelta(minutes=30)
    expect(bar_of(theirs, visit)).not_to_have_attribute("aria-label", str(before), timeout=SLOW_MS)
    toast.locator(".toast-action").click()
    expect(mine.page.locator(".toast", has_text="已恢复原安排")).to_be_visible(timeout=SLOW_MS)
    assert begins(desk, visit) == visit["start"]


def test_a_refused_drop_goes_back_with_the_reason_in_words(
    opened: OpenBoard, desk: Desk, visit: dict[str, Any]
) -> None:
    board = desk.get("/api/v1/board", day=visit["day"])
    (bar,) = [bar for bar in board["bars"] if bar["id"] == visit["id"]]
    unfit = next(lane for lane in board["lanes"] if bar["required_skill"] not in lane["skills"])
    console = opened("en", at=f"/desk/board?day={visit['day']}")
    label = bar_of(console, visit).get_attribute("aria-label")
    drag(console, bar_of(console, visit), 0, onto=console.page.locator(f".board-lane[data-crew='{unfit['crew_id']}']"))
    expect(console.page.locator(".toast[data-tone=bad]")).to_contain_text("qualification", timeout=SLOW_MS)
    expect(bar_of(console, visit)).to_have_attribute("aria-label", str(label))
    assert begins(desk, visit) == visit["start"]


def test_a_visit_is_moved_and_undone_by_keys_alone(opened: OpenBoard, desk: Desk, visit: dict[str, Any]) -> None:
    console = opened("en", at=f"/desk/board?day={visit['day']}")
    page = console.page
    bar_of(console, visit).focus()
    page.keyboard.press("m")
    minutes = page.get_by_role("spinbutton", name="Minutes")
    minutes.fill("45")
    minutes.press("Enter")
    expect(page.locator(".toast", has_text=re.compile("moved to"))).to_be_visible(timeout=SLOW_MS)
    (bar,) = desk.get("/api/v1/board", day=visit["day"], job_id=visit["job_id"])["bars"]
    lasts = datetime.fromisoformat(bar["planned_end"]) - datetime.fromisoformat(bar["planned_start"])
    assert lasts == timedelta(minutes=45)
    page.locator(".board-stage").focus()
    page.keyboard.press("Control+z")
    expect(page.locator(".toast", has_text="is back where it was")).to_be_visible(timeout=SLOW_MS)


def test_a_day_without_crews_helps_on(opened: OpenBoard) -> None:
    console = opened("en", at="/desk/board?day=2031-01-01")
    expect(console.page.locator(".nobody")).to_contain_text("No crew has a shift on this day")
    console.page.get_by_role("button", name="Back to today").click()
    expect(console.page.locator(".board-lane").first).to_be_visible(timeout=SLOW_MS)


def a_large_day(desk: Desk) -> dict[str, Any]:
    """A thousand crews with ten visits each, in the shape of the district's own day."""
    board = desk.get("/api/v1/board")
    start = datetime.fromisoformat(board["starts_at"])
    lane = board["lanes"][0]
    bar = {
        **dict.fromkeys(("started_at", "ended_at", "end_reason", "window_start", "window_end", "due_at", "arrived_at")),
        **{
            "live": False,
            "kind": "inspection",
            "state": "planned",
            "priority": "normal",
            "required_skill": "inspection",
        },
    }
    span = {"starts_at": (start + timedelta(hours=7)).isoformat(), "ends_at": (start + timedelta(hours=22)).isoformat()}
    lanes, bars = [], []
    for n in range(LANES):
        crew_id = f"00000000-0000-7000-8000-{n:012d}"
        lanes.append({**lane, "crew_id": crew_id, "code": f"T{n:04d}", "shifts": [span], "skills": ["inspection"]})
        for m in range(BARS_A_LANE):
            at = start + timedelta(hours=7.5 + 1.4 * m)
            times = {"planned_start": at.isoformat(), "planned_end": (at + timedelta(hours=1)).isoformat()}
            ids = {"id": f"v{n}-{m}", "job_id": f"j{n}-{m}", "crew_id": crew_id, "number": f"AJ{n}-{m}"}
            bars.append({**bar, **ids, **times, "address": f"龙衡路{n}号{m}栋"})
    return {**board, "lanes": lanes, "bars": bars}


def test_a_day_of_a_thousand_crews_draws_only_what_is_in_view(opened: OpenBoard, desk: Desk) -> None:
    console = opened(board=a_large_day(desk))
    page = console.page
    assert page.locator(".board-lane").count() < 60
    scrolled = page.evaluate(SCROLL)
    assert scrolled["most"] < 60
    assert abs(scrolled["lanes"] - SCROLLED_PX / LANE_PX) <= 1, "those that came into view"
    assert scrolled["drawn"] < LANES, "and none of them over and over, though news and the clock draw the view anew"
    page.locator(".tools [type=search]").fill("T0999")
    expect(page.locator(".board-lane")).to_have_count(1)
