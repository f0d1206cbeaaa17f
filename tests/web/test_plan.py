"""A day's plan in a real browser: asked for, watched, read as a list of changes, taken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from sqlalchemy import create_engine, text

from app.bench.browser.pages import SLOW_MS
from app.story.desk import Desk
from tests.web.desk_console import OpenConsole
from tests.web.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=SLOW_MS)

MIDNIGHT = "date_trunc('day', (now() + interval '21 days') AT TIME ZONE 'Asia/Shanghai') AT TIME ZONE 'Asia/Shanghai'"
SHIFTS = f"""
INSERT INTO shift (id, branch_id, crew_id, starts_at, ends_at)
SELECT gen_random_uuid(), branch_id, id, {MIDNIGHT} + interval '8 hours', {MIDNIGHT} + interval '17 hours'
FROM crew WHERE deleted_at IS NULL
"""  # noqa: S608  # fixed fragments
# The third asks for a moment that is before every shift.
VISITS = f"""
INSERT INTO job
SELECT (jsonb_populate_record(j, jsonb_build_object(
    'id', gen_random_uuid(), 'number', 'PLAN-' || n, 'state', 'new', 'outage_id', NULL, 'arrived_at', NULL,
    'restored_at', NULL, 'completed_at', NULL, 'due_at', NULL, 'kind', 'inspection',
    'window_start', {MIDNIGHT} + CASE n WHEN 3 THEN interval '1 hour' ELSE interval '9 hours' END,
    'window_end', {MIDNIGHT} + CASE n WHEN 3 THEN interval '2 hours' ELSE interval '12 hours' END))).*
FROM job j, generate_series(1, 3) n
WHERE j.id = (SELECT id FROM job WHERE kind = 'inspection' ORDER BY number LIMIT 1)
"""  # noqa: S608  # as above
LEAVE_NOTHING = [
    "DELETE FROM plan_stop",
    "DELETE FROM plan",
    "UPDATE assignment SET ended_at = now(), end_reason = 'withdrawn' WHERE ended_at IS NULL AND job_id IN "
    "(SELECT id FROM job WHERE number LIKE 'PLAN-%')",
    "UPDATE job SET deleted_at = now() WHERE number LIKE 'PLAN-%'",
    f"DELETE FROM shift WHERE starts_at = {MIDNIGHT} + interval '8 hours'",  # noqa: S608  # as above
]


@pytest.fixture
def day_ahead(product: Product) -> Iterator[str]:
    """A day three weeks ahead with every crew on duty and three visits to make, one of them at an hour nobody works."""
    engine = create_engine(product.env["DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(text(SHIFTS))
        connection.execute(text(VISITS))
        shown = f"SELECT to_char(({MIDNIGHT}) AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')"
        day = str(connection.scalar(text(shown)))
    yield day
    with engine.begin() as connection:
        for left in LEAVE_NOTHING:
            connection.execute(text(left))
    engine.dispose()


def test_a_day_is_planned_read_as_changes_and_taken(
    product: Product, console: OpenConsole, desk: Desk, day_ahead: str
) -> None:
    dispatcher = console(language="en")
    page = dispatcher.page
    page.get_by_role("link", name="Plan", exact=True).click()
    expect(page.get_by_role("heading", name="Day plan")).to_be_visible()
    page.goto(f"{product.origin}/desk/plan?day={day_ahead}")
    expect(page.get_by_text("There is no plan for this day yet.")).to_be_visible()

    page.get_by_role("button", name="Make a plan").click()

    expect(page.locator("[data-act=accept-all]")).to_be_enabled(timeout=2 * SLOW_MS)
    refused = page.locator("tr", has_text="PLAN-3")
    expect(refused).to_be_visible()
    expect(page.locator("tr", has_text="PLAN-1").get_by_role("checkbox")).to_be_visible()
    expect(refused.get_by_role("checkbox")).to_have_count(0)
    assert (dispatcher.violations(), dispatcher.raw_keys()) == ([], [])

    page.locator("[data-act=accept-all]").click()

    expect(page.locator("tr", has_text="PLAN-1")).to_contain_text("Booked")
    expect(page.locator("tr", has_text="PLAN-2")).to_contain_text("Booked")
    [found] = desk.get("/api/v1/search", q="PLAN-1")["items"]
    assert desk.get(f"/api/v1/jobs/{found['id']}")["state"] == "planned"
