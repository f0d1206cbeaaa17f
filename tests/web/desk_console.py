"""The dispatcher's console as a person uses it, for tests in a real browser."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from app.bench.browser.pages import SLOW_MS, Console
from tests.web.product import ROOT

AXE = ROOT / "app/web/node_modules/axe-core/axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# `tray.empty.all`: what a screen shows when a word is missing.
RAW_KEY = re.compile(r"\b[a-z][a-zA-Z]+\.[a-z][a-zA-Z_.]+[a-z]\b")


class DeskConsole(Console):
    """One page of the console, and what is wrong with it."""

    def open_job(self, job: dict[str, Any], tab: str = "overview") -> None:
        """Straight to a job by its address."""
        self.page.goto(f"{self.origin}/desk/?job={job['id']}&tab={tab}")
        expect(self.page.locator(".panel-head", has_text=job["number"])).to_be_visible(timeout=SLOW_MS)

    def violations(self) -> list[str]:
        """What axe finds against WCAG 2.2 A and AA, a line each."""
        self.page.evaluate(AXE.read_text())
        run = "(tags) => axe.run(document, { runOnly: { type: 'tag', values: tags } })"
        report = self.page.evaluate(run, WCAG)
        return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in report["violations"]]

    def raw_keys(self) -> list[str]:
        """Names of words that stand where a word should."""
        return RAW_KEY.findall(self.page.locator("body").inner_text())
