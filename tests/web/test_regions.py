"""Where crews serve, in a real browser: seen on the map, chosen and taken back with mouse and keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from app.bench.browser.pages import SLOW_MS
from app.story.desk import Desk
from tests.web.desk_console import OpenConsole
from tests.web.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=SLOW_MS)


@pytest.fixture
def crew(product: Product) -> Iterator[str]:
    """A crew that serves one sub-district of several; afterwards those it did before."""
    desk = Desk(product.origin, "linxiao", product.password)
    crews = desk.get("/api/v1/crews", limit="200")["items"]
    path = f"/api/v1/crews/{next(one['id'] for one in crews if one['code'] == 'R4')}/regions"
    regions = desk.get(path)["items"]
    desk.put(path, {"place_ids": [regions[0]["id"]]})
    yield path.split("/")[4]
    desk.put(path, {"place_ids": [one["id"] for one in regions if one["served"]]})


def served(product: Product, crew: str) -> set[str]:
    """What the office holds."""
    desk = Desk(product.origin, "linxiao", product.password)
    return {one["id"] for one in desk.get(f"/api/v1/crews/{crew}/regions")["items"] if one["served"]}


def ticked(page: Page) -> set[str | None]:
    return {one.get_attribute("data-region") for one in page.locator("label[data-region]:has(:checked)").all()}


def test_a_manager_gives_a_crew_a_sub_district_by_keyboard_and_takes_the_step_back(
    product: Product, console: OpenConsole, crew: str
) -> None:
    manager = console("manager", language="en")
    page = manager.page
    page.get_by_role("link", name="Crew regions").click()
    expect(page.get_by_text("Choose a crew to see")).to_be_visible()
    page.get_by_role("button", name="R4").focus()
    page.keyboard.press("Enter")
    expect(page.locator("label[data-region]").first).to_be_visible()
    before = served(product, crew)
    assert ticked(page) == before
    free = page.locator("label[data-region]:not(:has(:checked))").first
    chosen = free.get_attribute("data-region")
    page.locator(f"label[data-region='{chosen}'] input").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text(f"Serves {len(before) + 1} of")).to_be_visible()
    assert served(product, crew) == before | {chosen}
    assert (manager.violations(), manager.raw_keys()) == ([], [])
    page.keyboard.press("Control+z")
    expect(page.get_by_text(f"Serves {len(before)} of")).to_be_visible()
    expect(page.get_by_role("button", name="Undo the last step")).to_be_disabled()
    assert served(product, crew) == before


def test_a_sub_district_is_given_on_the_map_and_what_another_chose_meanwhile_stands(
    product: Product, console: OpenConsole, crew: str
) -> None:
    lin = console(with_map=True)
    page = lin.page
    page.goto(f"{lin.origin}/desk/regions?crew={crew}")
    map_box = page.get_by_test_id("region-map")
    expect(map_box).to_have_attribute("data-state", "drawn", timeout=60_000)
    expect(page.locator("label[data-region]").first).to_be_visible()
    before = served(product, crew)
    map_box.locator("canvas").click()
    expect(page.get_by_role("button", name="撤销上一步")).to_be_enabled()
    [chosen] = served(product, crew) ^ before
    assert (chosen in ticked(page)) == (chosen not in before)
    page.get_by_role("button", name="撤销上一步").click()
    expect(page.get_by_role("button", name="撤销上一步")).to_be_disabled()
    assert served(product, crew) == before

    desk = Desk(product.origin, "manager", product.password)
    everywhere = [one["id"] for one in desk.get(f"/api/v1/crews/{crew}/regions")["items"]]
    desk.put(f"/api/v1/crews/{crew}/regions", {"place_ids": everywhere})
    page.locator("label[data-region] input").first.click()
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("他人已更改")
    expect(page.locator("label[data-region]:has(:checked)")).to_have_count(len(everywhere))
    assert (lin.violations(), lin.raw_keys()) == ([], [])


def test_who_runs_no_crews_finds_no_way_there_and_may_only_look(console: OpenConsole, crew: str) -> None:
    hotline = console("mali")
    expect(hotline.page.get_by_role("link", name="班组片区")).to_have_count(0)
    hotline.page.goto(f"{hotline.origin}/desk/regions?crew={crew}")
    expect(hotline.page.get_by_text("无权更改")).to_be_visible()
    expect(hotline.page.locator("label[data-region] input").first).to_be_disabled()
