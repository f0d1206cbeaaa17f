"""`browser.map`: what the live desk's map costs with a large city on it.

The map is drawn by software here, so frames a second say nothing of a desk with a graphics card; the main thread's own
work does. It is CPU time of the thread (not wall time) while a mouse drags the map, divided by the frames that the hand
sees: pictures newly drawn, and between them the last picture moved with the camera. How many of each and how many a
second, and what a newly drawn picture costs with all that happens until the next, is told beside it.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle

import mapbox_vector_tile
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from sqlalchemy import text

from app.bench.browser.chromium import DESK, HERE
from app.bench.browser.crowd import Crowd, crowd_crews, crowd_network, move_crews
from app.bench.browser.house import DISPATCHER, PASSWORD, House, open_house
from app.bench.browser.pages import SLOW_MS, Console
from app.bench.browser.probes import MAP_FRAMES
from app.bench.figures import Figure, at_most
from app.kernel.unit_of_work import Runtime

ZOOM = 12.6  # a view of 8 by 10 km: switchgear is drawn, streets of a quarter are not
MIDDLE = "SELECT avg(ST_X(geometry(location))), avg(ST_Y(geometry(location))) FROM premises"
ROUNDS = 3
DRAWN, STEPS, STEP_PX = 8, 24, 8  # a drag goes on, there and back, until so many pictures are drawn
FRAME_WITHIN_MS = 3_000  # a map drawn aside holds up nobody: without waiting, a drag is over before its second frame
MOVES = 500
QUIET_S = 2.0  # longer than a map waits for tiles on their way before it draws without them
PATIENCE_S = 120.0
FRAME_MS, IDLE_MS, MOVES_MS = 12.0, 4_000.0, 600.0


def measure(runtime: Runtime) -> Iterator[Figure]:
    """A frame's main-thread milliseconds while panning, first idle, and moved crews on screen."""
    crowd = Crowd()
    with open_house(runtime) as house, house.browser() as browser:
        crowd_network(house.runtime)
        yield first_idle(house, browser, crowd)
        crowd_crews(house.runtime, crowd.crews)
        pane = open_map(house.origin, signed_in(house, browser), middle_of(house))
        pane.settle()
        yield panning(pane, crowd)
        yield moving(house, pane)
        yield house.loyalty("map")


def signed_in(house: House, browser: Browser) -> BrowserContext:
    """A browser of its own, whose cookie is a dispatcher's."""
    context = house.watch.over(browser.new_context(viewport=DESK, **HERE))
    page = context.new_page()
    Console(page, house.origin).sign_in(DISPATCHER, PASSWORD, at="/desk/?view=table")
    page.close()
    return context


def middle_of(house: House) -> tuple[float, float]:
    """Longitude and latitude among the district's premises."""
    with house.runtime.sessions() as session:
        lon, lat = session.execute(text(MIDDLE)).one()
    return lon, lat


def open_map(origin: str, context: BrowserContext, middle: tuple[float, float]) -> MapPane:
    """The live desk with the map over a place."""
    page = context.new_page()
    page.add_init_script(MAP_FRAMES)
    pane = MapPane(page)
    page.goto(f"{origin}/desk/?at={middle[0]:.5f},{middle[1]:.5f},{ZOOM}")
    expect(page.locator("canvas.maplibregl-canvas")).to_be_visible(timeout=SLOW_MS)
    return pane


@dataclass
class MapPane:
    """The map on a page: frames drawn, requests under way, tiles received."""

    page: Page
    under_way: set[str] = field(default_factory=set)
    tiles: list[Response] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self._begin(request.url))
        self.page.on("requestfinished", lambda request: self.under_way.discard(request.url))
        self.page.on("requestfailed", lambda request: self.under_way.discard(request.url))
        self.page.on("response", self._answered)

    def _begin(self, url: str) -> None:
        if "/api/v1/stream" not in url:
            self.under_way.add(url)

    def _answered(self, response: Response) -> None:
        if "/api/v1/tiles/" in response.url:
            self.tiles.append(response)

    def settle(self) -> float:
        """Wait until nothing is drawn or asked for any more; when the page had the last picture, in its milliseconds.

        Raises:
            TimeoutError
        """
        until = time.monotonic() + PATIENCE_S
        since, seen = time.monotonic(), -1
        while time.monotonic() < until:
            frames = self.frames()
            if frames != seen or self.under_way or not (frames and self.tiles):
                since, seen = time.monotonic(), frames
            if time.monotonic() - since > QUIET_S:
                return float(self.page.evaluate("probe.last"))
            self.page.wait_for_timeout(50)
        raise TimeoutError(f"the map does not come to rest: {len(self.under_way)} requests under way")

    def frames(self) -> int:
        """Frames drawn so far."""
        return int(self.page.evaluate("probe.frames"))

    def moved(self) -> int:
        """Frames so far in which the page moved the picture it had."""
        return int(self.page.evaluate("probe.moved"))

    def features(self) -> Counter[str]:
        """Different features in the tiles the map has got, by source layer; one that crosses tiles counts once."""
        found: set[tuple[str, int]] = set()
        for response in self.tiles:
            for name, layer in mapbox_vector_tile.decode(response.body()).items():
                found.update((name, feature["id"]) for feature in layer["features"])
        return Counter(name for name, _ in found)

    def drag(self) -> None:
        """There and back with the left button, a step each frame."""
        box = self.page.locator("canvas.maplibregl-canvas").bounding_box()
        if box is None:
            raise RuntimeError("the map is not on the screen")
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        drawn, shown = self.frames() + DRAWN, self.frames() + self.moved()
        for n in cycle([*range(STEPS), *range(STEPS, 0, -1)]):
            self.page.mouse.move(x + STEP_PX * n, y + STEP_PX * n / 2)
            shown = self.page.evaluate("([n, ms]) => probe.after(n, ms)", [shown, FRAME_WITHIN_MS])
            if self.frames() >= drawn:
                break
        self.page.mouse.up()


def first_idle(house: House, browser: Browser, crowd: Crowd) -> Figure:
    """From navigation to the map at rest, each time with an empty browser cache; the server's tiles are kept."""
    at_rest, features = [], Counter[str]()
    for turn in range(ROUNDS + 1):
        context = signed_in(house, browser)
        pane = open_map(house.origin, context, middle_of(house))
        at_rest.append(pane.settle())
        if turn == 0:
            features = pane.features()
        context.close()
    if features.total() < crowd.features:
        raise RuntimeError(f"the map holds too few features: {features.total()}, {dict(features)}")
    cold, kept = at_rest[0], statistics.median(at_rest[1:])
    told = f"median of {ROUNDS} loads of the desk, {features.total()} features; {cold:.0f} ms while tiles are made"
    return at_most("map.first-idle", kept, "ms", IDLE_MS, told)


def panning(pane: MapPane, crowd: Crowd) -> Figure:
    """Main-thread CPU a frame; the first drag also loads what comes into view."""
    client = pane.page.context.new_cdp_session(pane.page)
    client.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> dict[str, float]:
        return {one["name"]: one["value"] for one in client.send("Performance.getMetrics")["metrics"]}

    shown, drawn, took, costs, scripts = 0, 0, 0.0, [], []
    for turn in range(ROUNDS + 1):
        frames, moved, before, began = pane.frames(), pane.moved(), spent(), time.monotonic()
        pane.drag()
        ended, frames, moved, after = time.monotonic(), pane.frames() - frames, pane.moved() - moved, spent()
        pane.settle()
        if turn:
            shown, drawn, took = shown + frames + moved, drawn + frames, took + ended - began
            costs.append((after["TaskDuration"] - before["TaskDuration"]) * 1000 / (frames + moved))
            scripts.append((after["ScriptDuration"] - before["ScriptDuration"]) * 1000 / (frames + moved))
    each = statistics.mean(costs) * shown / drawn
    told = (
        f"main-thread CPU a frame, {statistics.median(scripts):.1f} ms of it script; "
        f"{shown} frames, {shown / took:.0f} a second: {drawn} newly drawn ({each:.0f} ms for each), "
        f"in the others the last picture moves; "
        f"{crowd.features}+ features, {crowd.crews} labelled crews"
    )
    return at_most("map.pan.task", statistics.median(costs), "ms", FRAME_MS, told)


def moving(house: House, pane: MapPane) -> Figure:
    """From before the commit of many crews' new positions until the page shows the last picture with them."""
    took = []
    for turn in range(ROUNDS):
        frames = pane.frames()
        began = float(pane.page.evaluate("performance.now()"))
        move_crews(house.runtime, MOVES, skip=turn * MOVES)
        until = time.monotonic() + PATIENCE_S
        while pane.frames() == frames and time.monotonic() < until:
            pane.page.wait_for_timeout(50)
        took.append(pane.settle() - began)
    told = f"median of {ROUNDS}: one commit, event stream, reading again, the last picture; of {Crowd().crews} crews"
    return at_most(f"map.{MOVES}-moves", statistics.median(took), "ms", MOVES_MS, told)
