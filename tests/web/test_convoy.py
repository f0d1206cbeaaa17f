"""Work travels by another tablet, and a tablet that is told to erase itself loses none of it: in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect
from sqlalchemy import create_engine, text

from app.story.desk import Desk
from tests.web.conftest import TABLET, OpenConsole, Strict, eventually
from tests.web.crew_tablet import CrewTablet
from tests.web.product import Product
from tests.web.test_crew import given_a_repair

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("crews_are_free")]

Open = Callable[..., BrowserContext]
OpenTablet = Callable[..., CrewTablet]
SHOTS = os.environ.get("SHOTS")


def shot(tablet: CrewTablet, name: str) -> None:
    """A picture for a person to look at, where one is wanted."""
    if SHOTS:
        tablet.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.fixture
def open_tablet(product: Product, context: Open, strict: Strict) -> OpenTablet:
    """Enrols a tablet of its own browser."""
    admin = Desk(product.origin, "admin", product.password)

    def start(login: str, name: str, language: str = "zh-CN") -> CrewTablet:
        code = admin.post("/api/v1/devices/enrolment-codes", {"name": name})["code"]
        page = context(viewport=TABLET, has_touch=True, locale=language, accept_downloads=True).new_page()
        tablet = CrewTablet(strict.watch(page), product.origin)
        tablet.enrol(code=code, login=login, password=product.password)
        return tablet

    return start


def has_keys(tablet: CrewTablet) -> bool:
    """The centre's keys are fetched after the first round."""
    return any(row["key"] == "server_keys" for row in tablet.rows("settings"))


def downloaded(tablet: CrewTablet, press: str, path: Path) -> Path:
    """A file that the tablet hands out."""
    with tablet.page.expect_download() as got:
        tablet.page.locator(press).click()
    got.value.save_as(path)
    return path


def test_a_crew_without_a_link_hands_its_work_to_another(
    product: Product, desk: Desk, open_tablet: OpenTablet, tmp_path: Path
) -> None:
    job, login = given_a_repair(desk)
    far = open_tablet(login, "far away")
    eventually(lambda: has_keys(far), what="the keys")
    far.page.context.set_offline(True)
    far.open_job(job["number"])
    far.step("accepted")
    far.open_form()
    far.photograph("before", (200, 30, 30))
    far.page.goto(f"{product.origin}/crew/sync")
    far.page.locator("[data-value='much']").click()
    far.page.locator("[data-testid=seal]").click()
    expect(far.page.locator("[data-testid=sealed]")).to_be_visible()
    shot(far, "far-sealed-zh")
    bundle = downloaded(far, "[data-testid=save-sealed]", tmp_path / "work.msb")
    assert far.unsent() == 4  # two edits, the photo itself and its small picture

    near = open_tablet("r4" if login != "r4" else "r3", "near", "en")
    near.page.goto(f"{product.origin}/crew/sync")
    near.page.set_input_files("[data-testid=take-bundle]", bundle)
    expect(near.page.locator("[data-carried][data-state=delivered]")).to_be_visible(timeout=20_000)
    shot(near, "near-carried-en")
    assert desk.get(f"/api/v1/jobs/{job['id']}")["state"] == "accepted"
    assert len(desk.get(f"/api/v1/jobs/{job['id']}/attachments")["items"]) == 1
    receipt = downloaded(near, "[data-carried] .btn.main", tmp_path / "receipt.txt")

    far.page.set_input_files("[data-testid=take-receipt]", receipt)
    expect(far.page.locator("[data-testid=carry-answer].tone-good")).to_be_visible()
    eventually(lambda: far.unsent() == 0, what="the receipt")
    shot(far, "far-receipt-zh")


def test_a_tablet_that_is_told_to_erase_itself_hands_over_first(
    product: Product, desk: Desk, open_tablet: OpenTablet, console: OpenConsole
) -> None:
    job, login = given_a_repair(desk)
    tablet = open_tablet(login, "to be erased")
    eventually(lambda: has_keys(tablet), what="the keys")
    [device] = [row["value"]["device_id"] for row in tablet.rows("settings") if row["key"] == "device"]
    tablet.page.context.set_offline(True)
    tablet.open_job(job["number"])
    tablet.step("accepted")
    tablet.open_form()
    tablet.photograph("before", (30, 200, 30))
    [photo] = [row["sha256"] for row in tablet.rows("files") if row["kind"] == "photo"]

    admin = console("admin")
    admin.page.goto(f"{product.origin}/desk/tablets")
    row = admin.page.locator("tbody tr", has_text="to be erased")
    row.locator("button").last.click()
    expect(admin.page.locator("[data-testid=leave]")).to_be_visible()
    if SHOTS:
        admin.page.screenshot(path=f"{SHOTS}/desk-erase-zh.png")
    admin.page.locator("[data-testid=leave]").click()
    expect(row).to_have_attribute("data-state", "wipe")

    tablet.page.context.set_offline(False)
    tablet.page.goto(f"{product.origin}/crew/")
    expect(tablet.page.locator("[data-testid=erased]")).to_be_visible(timeout=30_000)
    shot(tablet, "erased-zh")
    known = Desk(product.origin, "admin", product.password).get("/api/v1/devices")["items"]
    assert next(one for one in known if one["id"] == device)["wiped_at"] is not None
    engine = create_engine(product.env["DATABASE_URL"])
    with engine.connect() as connection:
        asked = {"id": device, "sha256": bytes.fromhex(photo)}
        ops = connection.execute(
            text("SELECT body ->> 'entity', status FROM sync_op WHERE device_id = :id"), asked
        ).all()
        kept = connection.scalar(text("SELECT state FROM blob WHERE sha256 = :sha256"), asked)
    engine.dispose()
    assert {("job", "quarantined"), ("attachment", "quarantined")} <= {tuple(one) for one in ops}
    assert kept == "verified"

    tablet.page.goto(f"{product.origin}/crew/")
    expect(tablet.page.locator("input[name=code]")).to_be_visible()
    assert tablet.rows("ops") == tablet.rows("settings") == tablet.rows("contents") == []
