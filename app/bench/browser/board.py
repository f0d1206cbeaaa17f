"""`browser.board`: the day board with a thousand crews and ten thousand visits.

First render is the page's own mark: from the day's data at hand to the frame that shows them. Drag and scroll are timed
from each pointer move or wheel turn to the end of the frame that answers it, at whatever rate software paints here.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

from playwright.sync_api import Page, expect

from app.bench.browser.chromium import DESK, HERE
from app.bench.browser.crowd import crowd_board
from app.bench.browser.house import DISPATCHER, PASSWORD, open_house
from app.bench.browser.pages import SLOW_MS, Console
from app.bench.browser.probes import MOVES_TO_FRAME
from app.bench.figures import Figure, at_most, percentile
from app.bench.scratch import today
from app.kernel.unit_of_work import Runtime

LANES, BARS = 1_000, 10_000
ROUNDS, STEPS = 3, 60
STEP_PX, WHEEL_PX = 5, 120
RENDER_MS, FRAME_P95_MS = 200.0, 30.0
RENDERED = "[data-rendered]"
MARKS = """
() => {
  const at = (name) => performance.getEntriesByName(name)[0].startTime
  return at('board-rendered') - at('board-data')
}
"""


def measure(runtime: Runtime) -> Iterator[Figure]:
    """Milliseconds to the first render of the day, and from a move to its frame while dragging and scrolling."""
    with open_house(runtime) as house, house.browser() as browser:
        midnight = today().replace(hour=0, minute=0)
        crowd_board(house.runtime, lanes=LANES, bars=BARS, midnight=midnight)
        context = house.watch.over(browser.new_context(viewport=DESK, **HERE))
        page = context.new_page()
        Console(page, house.origin).sign_in(DISPATCHER, PASSWORD, at="/desk/?view=table")
        renders = []
        for _ in range(ROUNDS):
            page.goto(f"{house.origin}/desk/board")
            expect(page.locator(RENDERED)).to_be_visible(timeout=SLOW_MS)
            renders.append(float(page.evaluate(MARKS)))
        shown = page.locator(".tools [role=status]").inner_text()
        yield at_most("board.render", statistics.median(renders), "ms", RENDER_MS, f"median of {ROUNDS}; {shown}")
        page.evaluate(MOVES_TO_FRAME)
        yield frames(page, "board.drag.p95", drag)
        yield frames(page, "board.scroll.p95", scroll)
        yield house.loyalty("board")


def frames(page: Page, name: str, move: Callable[[Page], None]) -> Figure:
    """The 95th percentile of the milliseconds from a move to its frame."""
    page.evaluate("probe.moves.length = 0")
    move(page)
    took = [float(ms) for ms in page.evaluate("probe.moves")]
    told = f"{len(took)} moves, median {statistics.median(took):.1f} ms"
    return at_most(name, percentile(took, 0.95), "ms", FRAME_P95_MS, told)


def drag(page: Page) -> None:
    """Take a visit, carry it there and back, and let go of it by Escape: nothing is booked."""
    bar = page.locator(".board-bar[data-movable]").first
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    if box is None:
        raise RuntimeError("no visit is on the screen")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for n in [*range(STEPS), *range(STEPS, 0, -1)]:
        page.mouse.move(x + STEP_PX * n / 2, y + STEP_PX * n)
    page.keyboard.press("Escape")
    page.mouse.up()


def scroll(page: Page) -> None:
    """Through the crews by the wheel."""
    page.locator(RENDERED).hover()
    for _ in range(2 * STEPS):
        page.mouse.wheel(0, WHEEL_PX)
