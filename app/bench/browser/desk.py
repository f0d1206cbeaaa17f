"""`browser.desk`: how soon the console answers a dispatcher at work (Interaction to Next Paint).

A scripted session with the map open: a call is taken, a crew sent and called back, the tray walked by keyboard, the
search asked, layers switched, the map zoomed, the language changed. The browser itself times every interaction from the
input to the next paint, in steps of 8 ms; INP is the slowest but one in fifty. Software draws the map here, which a
desk with a graphics card does not wait for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page, expect

from app.bench.browser.chromium import DESK, HERE
from app.bench.browser.house import DISPATCHER, PASSWORD, open_house
from app.bench.browser.pages import SLOW_MS, Console
from app.bench.browser.probes import INTERACTIONS
from app.bench.figures import Figure, at_most
from app.kernel.unit_of_work import Runtime

INP_MS = 200.0
FORGIVEN = 50  # of so many interactions the slowest does not count
PAUSE_MS = 150  # a person reads before the next key
WALK = 12


def measure(runtime: Runtime) -> Iterator[Figure]:
    """Milliseconds of the slowest interaction of a session, but one in fifty."""
    with open_house(runtime) as house, house.browser() as browser:
        context = house.watch.over(browser.new_context(viewport=DESK, **HERE))
        page = context.new_page()
        page.add_init_script(INTERACTIONS)
        work(Console(page, house.origin))
        yield inp(page)
        yield house.loyalty("desk")


def inp(page: Page) -> Figure:
    """INP of what was done on the page, as the browser timed it."""
    page.wait_for_timeout(500)  # entries are told after the paint
    timed: dict[str, dict[str, Any]] = page.evaluate("probe.interactions")
    count = int(page.evaluate("performance.interactionCount"))
    slowest = sorted(timed.values(), key=lambda one: -float(one["ms"]))
    worst = slowest[min(len(slowest) - 1, count // FORGIVEN)]
    told = f"{count} interactions, {len(timed)} of 16 ms or more; {worst['name']} on {worst['on']}"
    return at_most("desk.inp", float(worst["ms"]), "ms", INP_MS, told)


def work(console: Console) -> None:
    """The session."""
    console.sign_in(DISPATCHER, PASSWORD)
    console.wait_live()
    take_call(console)
    send_and_call_back(console)
    walk_the_tray(console)
    look_around(console)


def take_call(console: Console) -> None:
    """An outage call by keyboard and mouse, until its job is open."""
    page = console.page
    page.keyboard.press("n")
    page.locator(".premises-search input").press_sequentially("街道", delay=PAUSE_MS)
    page.locator(".premises-search [role=option]").first.wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="全部没电").check()
    page.get_by_role("radio", name="另立新停电").check()
    page.get_by_role("button", name="受理", exact=True).click()
    page.get_by_role("region", name="接报").get_by_role("button", name="派班").click()
    page.locator(".panel-head p").wait_for()


def send_and_call_back(console: Console) -> None:
    """The first crew that fits, and undo."""
    page = console.page
    console.tab("派班").click()
    page.locator(".fit > li").first.wait_for(timeout=SLOW_MS)
    console.send_first()
    page.get_by_role("button", name="撤销").click()
    page.wait_for_timeout(PAUSE_MS)


def walk_the_tray(console: Console) -> None:
    """Every list, and jobs one after the other by key."""
    for name in ("进行中", "全部", "待派"):
        console.tab(name).click()
        console.page.wait_for_timeout(PAUSE_MS)
    for key in ["j"] * WALK + ["k"] * WALK:
        console.page.keyboard.press(key)
        console.page.wait_for_timeout(PAUSE_MS)
    console.page.keyboard.press("Escape")


def look_around(console: Console) -> None:
    """Search, layers, zoom, list and map, the other language and back."""
    page = console.page
    page.keyboard.press("/")
    page.keyboard.type("抢修", delay=PAUSE_MS)
    page.wait_for_timeout(PAUSE_MS * 3)
    page.keyboard.press("Escape")
    page.locator(".map-pane .tools .head").click()
    for switch in page.locator(".map-pane .tools input[type=checkbox]").all():
        switch.click()
        page.wait_for_timeout(PAUSE_MS)
        switch.click()
        page.wait_for_timeout(PAUSE_MS)
    for name in ("maplibregl-ctrl-zoom-in", "maplibregl-ctrl-zoom-out"):
        page.locator(f".{name}").click()
        page.wait_for_timeout(PAUSE_MS * 3)
    views = page.locator(".centre .views button")
    views.nth(1).click()
    page.wait_for_timeout(PAUSE_MS)
    views.nth(0).click()
    page.get_by_role("button", name="English").click()
    expect(console.tab("To send")).to_be_visible()
    page.get_by_role("button", name="中文").click()
    expect(console.tab("待派")).to_be_visible()
