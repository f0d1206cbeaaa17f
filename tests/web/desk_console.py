"""The dispatcher's console as a person uses it, for tests in a real browser."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.web.product import ROOT

AXE = ROOT / "app/web/node_modules/axe-core/axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SLOW_MS = 20_000
# `tray.empty.all`: what a screen shows when a word is missing.
RAW_KEY = re.compile(r"\b[a-z][a-zA-Z]+\.[a-z][a-zA-Z_.]+[a-z]\b")


class DeskConsole:
    """One page of the console."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin

    def sign_in(self, login: str, password: str, *, at: str = "/desk/") -> None:
        """From the first address to the live desk."""
        self.page.goto(self.origin + at)
        self.page.locator("input[name=username]").fill(login)
        self.page.locator("input[name=password]").fill(password)
        self.page.keyboard.press("Enter")
        expect(self.page.locator("nav.rail")).to_be_visible(timeout=SLOW_MS)

    def wait_live(self) -> None:
        """Until the event stream is open, so that nothing that happens from here on is missed."""
        expect(self.page.locator("[data-link=live]")).to_be_visible(timeout=SLOW_MS)
        expect(self.page.locator("#tray-rows [role=status]")).to_have_count(0, timeout=SLOW_MS)

    def tab(self, name: str) -> Locator:
        """A tab by the start of its name: counts follow it."""
        return self.page.get_by_role("tab", name=re.compile(f"^{name}"))

    def card(self, number: str) -> Locator:
        """A job's card in the tray."""
        return self.page.locator("#tray-rows li", has_text=number)

    def open_job(self, job: dict[str, Any], tab: str = "overview") -> None:
        """Straight to a job by its address."""
        self.page.goto(f"{self.origin}/desk/?job={job['id']}&tab={tab}")
        expect(self.page.locator(".panel-head", has_text=job["number"])).to_be_visible(timeout=SLOW_MS)

    def send_first(self) -> str:
        """Send the crew at the top of the list; returns its code."""
        best = self.page.locator(".fit > li").first
        code = best.locator(".code").inner_text()
        best.get_by_role("button", name=re.compile("^(派出|Send)")).click()
        return code

    def violations(self) -> list[str]:
        """What axe finds against WCAG 2.2 A and AA, a line each."""
        self.page.evaluate(AXE.read_text())
        run = "(tags) => axe.run(document, { runOnly: { type: 'tag', values: tags } })"
        report = self.page.evaluate(run, WCAG)
        return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in report["violations"]]

    def raw_keys(self) -> list[str]:
        """Names of words that stand where a word should."""
        return RAW_KEY.findall(self.page.locator("body").inner_text())
