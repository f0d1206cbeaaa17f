"""The dispatcher's console and the crew's tablet as page objects: what tests and benchmarks both do with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

SLOW_MS = 20_000
GHOST_TAP_MS = 350  # a second tap on the same button within 300 ms is taken for a wet glove's
DATABASE = "lamplighter-crew"
# Reads one object store whole; bytes are left out, because they do not cross the wire to the reader.
READ_STORE = """
([database, store]) => new Promise((resolve, reject) => {
  const opening = indexedDB.open(database)
  opening.onerror = () => reject(opening.error)
  opening.onsuccess = () => {
    const asking = opening.result.transaction(store).objectStore(store).getAll()
    asking.onerror = () => reject(asking.error)
    asking.onsuccess = () => { opening.result.close(); resolve(asking.result.map((row) => ({ ...row, bytes: null }))) }
  }
})
"""


@dataclass
class Console:
    """One page of the dispatcher's console."""

    page: Page
    origin: str

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

    def send_first(self) -> str:
        """Send the crew at the top of the list; returns its code."""
        best = self.page.locator(".fit > li").first
        code = best.locator(".code").inner_text()
        best.get_by_role("button", name=re.compile("^(派出|Send)")).click()
        return code


@dataclass
class Tablet:
    """One page of the crew app."""

    page: Page
    origin: str

    def enrol(self, *, code: str, login: str, password: str) -> None:
        """Make the tablet known and wait for its first whole pull and its service worker."""
        self.page.goto(f"{self.origin}/crew/")
        self.page.fill("input[name=code]", code)
        self.page.fill("input[name=login]", login)
        self.page.fill("input[name=password]", password)
        self.page.click("button[type=submit]")
        expect(self.page.locator(".count")).to_be_visible(timeout=SLOW_MS)
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        self.tab("jobs")

    def tab(self, name: str) -> None:
        """One of the four places at the bottom."""
        self.page.click(f".tab[href$='{'/crew/' if name == 'shift' else '/crew/' + name}']")

    def open_job(self, number: str) -> None:
        """From the list, once the job has been pulled."""
        card = self.page.locator(f"[data-job='{number}']")
        expect(card).to_be_visible(timeout=SLOW_MS)
        card.click()

    def step(self, reached: str) -> None:
        """Press the one next button and see the step ticked."""
        self.page.wait_for_timeout(GHOST_TAP_MS)
        self.page.click("[data-testid=next]")
        expect(self.page.locator(f"li[data-step='{reached}'].done")).to_be_visible()

    def open_form(self) -> None:
        """The job's checklist."""
        self.page.click(".record")
        expect(self.page.locator("[data-testid=form-next]")).to_be_visible()

    def rows(self, store: str) -> list[dict[str, Any]]:
        """What stands in one of the tablet's own tables."""
        found: list[dict[str, Any]] = self.page.evaluate(READ_STORE, [DATABASE, store])
        return found

    def work(self) -> list[dict[str, Any]]:
        """Ops that a person made; positions are not counted."""
        return [row for row in self.rows("ops") if row["op"]["entity"] != "position"]

    def unsent(self) -> int:
        """Ops without a result and files without a receipt."""
        ops = [row for row in self.work() if row["state"] in {"pending", "held", "quarantined"}]
        return len(ops) + len([row for row in self.rows("files") if row["state"] != "verified"])
