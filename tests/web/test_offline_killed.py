"""A tablet that dies in the middle of something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.web.conftest import Strict
from tests.web.crew_tablet import CrewTablet, kill_browser
from tests.web.link import Held, Link
from tests.web.site import ALLOWED, Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Start = Callable[..., BrowserContext]


@pytest.fixture
def wake(persistent: Start, strict: Strict, link: Link, site: Site) -> Callable[..., CrewTablet]:
    """Starts the tablet's browser: for the first time, or over what the last one left."""

    def start(path: str | None = None, *, offline: bool = True) -> CrewTablet:
        context = persistent(**ALLOWED, offline=path is not None and offline)
        page = strict.watch(context.pages[0])
        if path is None:
            return site.tablet_on(context, link.origin)
        page.goto(f"{link.origin}/crew/{path}")
        return CrewTablet(page, link.origin)

    return start


Act = Callable[[CrewTablet, Site], None]


def change_at_the_office(tablet: CrewTablet, site: Site) -> None:
    site.desk.post(f"/api/v1/jobs/{site.job['id']}/transitions", {"to": "cancelled", "reason": "called off"})
    tablet.page.click(".strip")
    tablet.page.click("[data-testid=sync-now]")


def accept(tablet: CrewTablet, site: Site) -> None:
    tablet.open_job(site.number)
    tablet.step("accepted")


@pytest.mark.parametrize(
    ("method", "path", "answered", "act"),
    [
        pytest.param("POST", "/sync/v1/push", False, accept, id="in mid-push, unheard"),
        pytest.param("POST", "/sync/v1/push", True, accept, id="in mid-push, judged"),
        pytest.param("POST", "/sync/v1/pull", True, change_at_the_office, id="in mid-pull"),
    ],
)
def test_killed(
    method: str,
    path: str,
    answered: bool,
    act: Act,
    *,
    wake: Callable[..., CrewTablet],
    site: Site,
    link: Link,
    tmp_path: Path,
) -> None:
    tablet = wake()
    held: Held = link.hold(method, path, answered=answered)
    act(tablet, site)
    held.wait()
    made = [row["op"] for row in tablet.work()]
    files = [row["sha256"] for row in tablet.rows("files")]
    kill_browser(tmp_path / "profile")
    held.lose()

    tablet = wake("jobs")
    expect(tablet.page.locator(f"[data-job='{site.number}']")).to_be_visible()
    assert [row["op"] for row in tablet.work()] == made
    assert [row["sha256"] for row in tablet.rows("files")] == files
    tablet.page.context.set_offline(False)
    site.everything_arrives(tablet)
