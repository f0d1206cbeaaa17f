"""One tablet far out that the tests of a module share: enrolling takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, expect

from app.bench.browser.chromium import HERE, TABLET
from tests.web.crew_tablet import CrewTablet, eventually, give_room
from tests.web.link import Link, running_link
from tests.web.site import ALLOWED, Site
from tests.web.strict import Strict

VOLTS = (str(volts) for volts in range(200, 400))  # each answer differs from the one before


@dataclass
class Outpost:
    """An enrolled tablet with a job's checklist open."""

    site: Site
    link: Link
    context: BrowserContext
    tablet: CrewTablet
    strict: Strict

    def form(self) -> None:
        """Open the checklist by its address."""
        self.tablet.page.goto(f"{self.link.origin}/crew/jobs/{self.site.job['id']}/form")
        expect(self.tablet.page.locator("[data-testid=form-next]")).to_be_visible()

    def answer(self) -> float:
        """Type an answer that was never given before."""
        volts = next(VOLTS)
        self.tablet.write("voltage_v", volts)
        eventually(lambda: self.tablet.unsent() > 0 or self.office() == float(volts), what="the edit")
        return float(volts)

    def office(self) -> object:
        """That answer as the office has it."""
        return self.site.answers().get("voltage_v")

    def arrives(self, volts: float) -> None:
        """Everything that was kept back is at the office, and nobody has to look at anything."""
        self.tablet.sync_now()
        eventually(lambda: self.tablet.unsent() == 0, what="the delivery")
        assert self.office() == volts
        assert [row for row in self.tablet.rows("ops") if row["attention"] == "open"] == []


@contextmanager
def standing_outpost(site: Site, browser: Browser) -> Iterator[Outpost]:
    """Enrol it over a link of its own, until the block ends."""
    strict = Strict(site.product)
    context = browser.new_context(viewport=TABLET, has_touch=True, **HERE, **ALLOWED)
    context.on("page", strict.watch)
    with running_link(site.product.origin) as link:
        give_room(context.new_page(), link.origin)
        yield Outpost(site, link, context, site.tablet_on(context, link.origin), strict)
        context.close()
