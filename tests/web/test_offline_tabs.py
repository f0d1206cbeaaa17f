"""Two windows of one tablet, and a new version of the app that comes while work is queued."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.crew_tablet import CrewTablet
from tests.web.link import Link
from tests.web.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOOK_FOR_UPDATE = "navigator.serviceWorker.ready.then((registration) => registration.update()).then(() => true)"
SCHEMA = "indexedDB.databases().then((all) => all.find((one) => one.name === 'lamplighter-crew').version)"


def second_tab(tablet: CrewTablet, path: str) -> CrewTablet:
    """Another window of the same tablet."""
    tab = CrewTablet(tablet.page.context.new_page(), tablet.origin)
    tab.page.goto(f"{tablet.origin}/crew/{path}")
    return tab


def test_two_tabs_show_the_same_and_one_of_them_sends(site: Site, link: Link, tablet: CrewTablet) -> None:
    tablet.open_job(site.number)
    tab = second_tab(tablet, f"jobs/{site.job['id']}")
    expect(tab.job_badge("synced")).to_be_visible()
    held = link.hold("POST", "/sync/v1/push", answered=False)
    tablet.step("accepted")
    held.wait()
    expect(tab.reached("accepted")).to_be_visible()
    expect(tab.job_badge("pending")).to_be_visible()
    tab.step("en_route")
    expect(tablet.reached("en_route")).to_be_visible()
    held.release()
    for one in (tablet, tab):
        expect(one.job_badge("synced")).to_be_visible(timeout=10_000)
    assert link.pushed() == sorted(set(link.pushed()))
    assert link.most_pushes_at_once == 1
    assert site.now()["state"] == "en_route"


def test_when_the_sending_tab_is_closed_in_mid_push_the_other_takes_over(
    site: Site, link: Link, tablet: CrewTablet
) -> None:
    tablet.open_job(site.number)
    tab = second_tab(tablet, f"jobs/{site.job['id']}")
    expect(tab.job_badge("synced")).to_be_visible()
    held = link.hold("POST", "/sync/v1/push", answered=True)
    tablet.step("accepted")
    held.wait()
    tab.step("en_route")
    tablet.page.close()
    held.lose()
    expect(tab.job_badge("synced")).to_be_visible(timeout=10_000)
    assert [row["result"]["status"] for row in tab.work()] == ["applied", "applied"]
    site.everything_arrives(tab)
