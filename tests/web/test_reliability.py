"""The reliability report in a real browser: a year with a storm, by its address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from sqlalchemy import create_engine, text

from app.bench.browser.pages import SLOW_MS
from tests.web.desk_console import OpenConsole
from tests.web.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=SLOW_MS)

# Two years of interruptions, one every other day, and a storm in the later one that took everybody's supply for a day.
NOTE = text(
    """
    WITH account_of AS (
        SELECT id, branch_id, row_number() OVER (ORDER BY id) - 1 AS n, count(*) OVER () AS all
        FROM account WHERE service = 'power'
    ), cause AS (SELECT id, branch_id FROM outage WHERE commodity = 'power' ORDER BY id LIMIT 1),
    every_other AS (
        SELECT d, make_timestamptz(:year - 1, 1, 1, 1, 0, 0, 'UTC') + d * interval '2 days' AS begun_at,
               (1 + 7 * d % 11) * interval '9 minutes' AS lasted
        FROM generate_series(0, 360) AS d
    ), storm AS (SELECT make_timestamptz(:year, 7, 9, 2, 30, 0, 'UTC') AS begun_at)
    INSERT INTO interruption
        (id, branch_id, outage_id, commodity, cause_class, account_id, begun_at, restored_at, stage)
    SELECT gen_random_uuid(), c.branch_id, c.id, 'power', CASE WHEN e.d % 5 = 0 THEN 'planned' ELSE 'fault' END,
           a.id, e.begun_at, e.begun_at + e.lasted, 1
    FROM every_other e JOIN account_of a ON a.n = e.d * 37 % a.all CROSS JOIN cause c
    UNION ALL
    SELECT gen_random_uuid(), c.branch_id, c.id, 'power', 'fault', a.id, s.begun_at, s.begun_at + interval '20 hours', 1
    FROM storm s CROSS JOIN cause c CROSS JOIN account_of a
    ON CONFLICT DO NOTHING
    """
)


@pytest.fixture
def year(product: Product) -> Iterator[int]:
    """Last year, with interruptions."""
    engine, year = create_engine(product.env["DATABASE_URL"]), datetime.now(UTC).year - 1
    with engine.begin() as connection:
        connection.execute(NOTE, {"year": year})
    yield year
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM interruption"))
    engine.dispose()


def test_a_manager_reads_a_year_month_by_month(product: Product, console: OpenConsole, year: int) -> None:
    manager = console("manager", language="en")
    page = manager.page
    page.get_by_role("link", name="Indices").click()
    expect(page.get_by_role("heading", name="Reliability of supply")).to_be_visible()
    page.goto(f"{product.origin}/desk/reliability?from={year}-01-01&to={year}-12-31")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(12)
    expect(page.get_by_text("1 in this span")).to_be_visible()
    expect(rows.nth(6).get_by_role("rowheader")).to_have_text(f"July {year}")
    storm, without = (float(rows.nth(6).locator("td").nth(n).inner_text()) for n in (0, 8))
    assert storm > 1200 > 60 > without
    assert (manager.violations(), manager.raw_keys()) == ([], [])
