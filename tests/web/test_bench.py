"""The browser benchmarks' own counting, on a district small enough to count by hand."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from sqlalchemy import create_engine, text

from app.bench.browser.chromium import DESK, HERE, Watch
from app.bench.browser.map import MIDDLE, open_map
from app.bench.browser.pages import Console
from tests.web.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AT_THIS_ZOOM = """
    SELECT (SELECT count(*) FROM network_node WHERE commodity = 'gas' AND kind IN ('regulator', 'gate_station'))
         + (SELECT count(*) FROM network_link WHERE kind = 'valve')
"""


def test_the_map_benchmark_counts_the_features_the_map_holds_and_the_frames_it_draws(
    product: Product, browser: Browser
) -> None:
    engine = create_engine(product.env["DATABASE_URL"])
    with engine.connect() as connection:
        lon, lat = connection.execute(text(MIDDLE)).one()
        gas_points = connection.scalar(text(AT_THIS_ZOOM))
    engine.dispose()
    watch = Watch(product.address.host)
    context = watch.over(browser.new_context(viewport=DESK, **HERE))
    Console(context.new_page(), product.origin).sign_in("linxiao", product.password, at="/desk/?view=table")

    pane = open_map(product.origin, context, (lon, lat))
    pane.settle()
    counted, at_rest = pane.features(), pane.frames()
    pane.drag()
    moved = pane.frames()
    context.close()

    assert counted["gas_points"] == gas_points
    assert counted["streets"] > 0
    assert moved > at_rest > 0
    assert watch.requests > len(pane.tiles)
    assert not watch.foreign


def test_a_request_that_leaves_the_product_is_told_by_its_address() -> None:
    watch = Watch("127.0.0.1")
    for url in ("http://127.0.0.1:8000/", "http://127.0.0.1:8001/api/v1/stream", "data:,", "https://cdn.example/x.js"):
        watch.note(url)
    assert watch.requests == 3
    assert list(watch.foreign) == ["https://cdn.example/x.js"]
