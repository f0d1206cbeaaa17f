"""Two windows of one tablet, and a new version of the app that comes while work is queued."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.crew_tablet import CrewTablet, eventually
from tests.web.link import Link
from tests.web.release import NextRelease
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


def started_from(page: Page, release: NextRelease) -> Locator:
    """The page's script, where it is this release's."""
    return page.locator(f"script[src$='{release.mark}']")


def test_a_new_version_is_offered_not_forced_and_takes_the_queue_along(
    site: Site, link: Link, tablet: CrewTablet
) -> None:
    tablet.open_job(site.number)
    link.cut("/sync/")
    tablet.step("accepted")
    tablet.open_form()
    tablet.write("voltage_v", "231")
    queued = [row["op"] for row in tablet.work()]
    before = tablet.page.evaluate(SCHEMA)

    link.release = NextRelease()
    tablet.page.evaluate(LOOK_FOR_UPDATE)
    offer = tablet.page.locator("[data-testid=update]")
    expect(offer).to_be_visible(timeout=20_000)
    tablet.page.go_back()
    expect(tablet.job_badge("pending")).to_be_visible()
    expect(started_from(tablet.page, link.release)).to_have_count(0)

    offer.get_by_role("button").click()
    expect(started_from(tablet.page, link.release)).to_have_count(1, timeout=20_000)
    expect(tablet.reached("accepted")).to_be_visible()
    assert tablet.page.evaluate(SCHEMA) > before
    assert [row["op"] for row in tablet.work()] == queued

    link.fair()
    tablet.sync_now()
    eventually(lambda: tablet.unsent() == 0, what="the delivery")
    assert site.answers()["voltage_v"] == 231
    assert site.differences(tablet) == []


def test_a_new_version_waits_for_the_form_that_is_open_in_another_tab(
    site: Site, link: Link, tablet: CrewTablet
) -> None:
    tab = second_tab(tablet, f"jobs/{site.job['id']}/form")
    box = tab.page.locator("[id='answers.action'] .input")
    box.press_sequentially("更换")
    link.release = NextRelease()
    tablet.page.evaluate(LOOK_FOR_UPDATE)
    for one in (tablet, tab):
        expect(one.page.locator("[data-testid=update]")).to_be_visible(timeout=20_000)
    eventually(lambda: tab.unsent() == 0, what="the delivery")
    tablet.tab("settings")
    tablet.tab("jobs")
    expect(box).to_have_value("更换")
    expect(started_from(tab.page, link.release)).to_have_count(0)

    tab.page.locator("main .start").click()
    for one in (tablet, tab):
        expect(started_from(one.page, link.release)).to_have_count(1, timeout=20_000)
