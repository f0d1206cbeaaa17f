"""A tablet that has run out of room: what is on the screen stays there, nothing kept is lost, and it recovers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.crew_tablet import no_room, picture
from tests.web.outpost import Outpost

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_words_typed_while_the_tablet_is_full_stay_and_are_kept_when_there_is_room(outpost: Outpost) -> None:
    tablet, page = outpost.tablet, outpost.tablet.page
    tablet.choose("cause", "storm")
    told, box = page.locator("[data-testid=full]"), page.locator("[id='answers.action'] .input")
    with no_room(tablet):
        box.press_sequentially("更换低压线路")
        expect(told).to_be_visible()
        page.locator("[id='answers.result'] [data-value='restored']").click()
        expect(page.locator(".toast")).to_contain_text("没有保存")
        expect(page.locator("[id='answers.result'] [data-value='restored'][aria-checked=true]")).to_have_count(0)
        page.locator("main .start").click()
        page.click("[data-testid=next]")
        expect(page.locator(".toast")).to_contain_text("没有保存")
        tablet.open_form()
        expect(box).to_have_value("更换低压线路")
        expect(told).to_be_visible()
    expect(told).to_have_count(0, timeout=10_000)
    tablet.choose("result", "restored")
    outpost.site.everything_arrives(tablet)
    answers = outpost.site.answers()
    assert (answers["cause"], answers["result"], answers["action"]) == ("storm", "restored", "更换低压线路")


def test_a_photo_taken_while_the_tablet_is_full_is_not_lost(outpost: Outpost) -> None:
    page = outpost.tablet.page
    page.click("[data-slot='before'] .btn")
    with no_room(outpost.tablet):
        photo = {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": picture((200, 30, 30))}
        page.set_input_files("input[type=file]", photo)
        expect(page.locator("[data-testid=preview]")).to_be_visible(timeout=15_000)
        expect(page.locator("[data-testid=full]")).to_be_visible()
        page.click("[data-testid=use-photo]")
        expect(page.locator(".toast")).to_contain_text("没有保存")
        assert outpost.tablet.rows("files") == []
    expect(page.locator("[data-testid=full]")).to_have_count(0, timeout=10_000)
    page.click("[data-testid=use-photo]")
    expect(page.locator("[data-slot='before'] img")).to_be_visible()
    outpost.site.everything_arrives(outpost.tablet)
    assert {row["kind"] for row in outpost.tablet.rows("files")} == {"photo", "thumb"}


def test_a_pull_that_finds_no_room_says_so_and_goes_on_when_there_is(outpost: Outpost) -> None:
    site, page = outpost.site, outpost.tablet.page
    with no_room(outpost.tablet):
        site.desk.patch(f"/api/v1/jobs/{site.job['id']}", {"note": "院内有狗"}, rev=site.now()["rev"])
        assert "存储已满" in outpost.tablet.sync_now()
        expect(page.locator("[data-fault=full]")).to_be_visible()
        outpost.tablet.tab("jobs")
        expect(page.locator(f"[data-job='{site.number}']")).to_be_visible()
    site.everything_arrives(outpost.tablet)
    expect(page.locator("[data-fault=full]")).to_have_count(0)
