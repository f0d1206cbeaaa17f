"""A crew's tablet as a person holds it: taps, typing, pictures and a finger on the glass; and its local store."""

from __future__ import annotations

import io
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect

REPAIR_ANSWERS = {
    "risk_checked": "true",
    "isolation": "isolated_proved",
    "fault_location": "lv_line",
    "cause": "storm",
    "result": "restored",
    "customer_told": "true",
}
DATABASE = "lamplighter-crew"
GHOST_TAP_MS = 350  # a second tap on the same button within 300 ms is taken for a wet glove's
# Reads one object store whole; bytes are left out, because they do not cross the wire to the test.
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
class CrewTablet:
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
        expect(self.page.locator(".count")).to_be_visible(timeout=20_000)
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        self.tab("jobs")

    def tab(self, name: str) -> None:
        """One of the four places at the bottom."""
        self.page.click(f".tab[href$='{'/crew/' if name == 'shift' else '/crew/' + name}']")

    def open_job(self, number: str) -> None:
        """From the list, once the job has been pulled."""
        card = self.page.locator(f"[data-job='{number}']")
        expect(card).to_be_visible(timeout=20_000)
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

    def choose(self, item: str, value: str) -> None:
        """Tap one answer."""
        tile = self.page.locator(f"[id='answers.{item}'] [data-value='{value}']")
        tile.click()
        expect(tile).to_have_attribute("aria-checked", "true")

    def write(self, item: str, text: str) -> None:
        """Type an answer and leave the field."""
        box = self.page.locator(f"[id='answers.{item}'] .input")
        box.fill(text)
        box.blur()

    def photograph(self, slot: str, colour: tuple[int, int, int]) -> None:
        """Take a picture with the tablet's camera app and keep it."""
        self.page.click(f"[data-slot='{slot}'] .btn")
        self.page.set_input_files(
            "input[type=file]", {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": picture(colour)}
        )
        self._keep_photo(slot)

    def photograph_in_page(self, slot: str) -> None:
        """Take a picture with the camera inside the page and keep it."""
        self.page.click(f"[data-slot='{slot}'] .btn")
        self.page.click("[data-testid=in-page]")
        expect(self.page.locator("[data-testid=shutter][aria-disabled=false]")).to_be_visible()
        self.page.click("[data-testid=shutter]")
        self._keep_photo(slot)

    def _keep_photo(self, slot: str) -> None:
        expect(self.page.locator("[data-testid=preview]")).to_be_visible(timeout=15_000)
        self.page.click("[data-testid=use-photo]")
        expect(self.page.locator(f"[data-slot='{slot}'] img")).to_be_visible()

    def sign(self, slot: str, name: str) -> None:
        """Put a name and a stroke."""
        self.page.click(f"[data-slot='{slot}'] .btn")
        self.page.fill("input[name=signer]", name)
        box = self.page.locator("[data-testid=pad]").bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + 40, box["y"] + 90)
        self.page.mouse.down()
        for n in range(1, 25):
            self.page.mouse.move(box["x"] + 40 + n * 12, box["y"] + 90 + (n % 5) * 12)
        self.page.mouse.up()
        self.page.click("[data-testid=sign]")
        expect(self.page.locator(f"[data-slot='{slot}'] img")).to_be_visible()

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


def picture(colour: tuple[int, int, int]) -> bytes:
    """A photo larger than the app keeps, different for each colour."""
    out = io.BytesIO()
    Image.effect_noise((2600, 1950), 60).convert("RGB").point(lambda level: level).save(out, "JPEG", quality=80)
    image = Image.open(io.BytesIO(out.getvalue()))
    image.paste(colour, (200, 200, 1400, 1200))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def kill_browser(profile: Path) -> None:
    """SIGKILL the browser that runs on this profile, as a tablet whose battery is pulled; only that one."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
            continue
        is_main = not any(word.startswith(b"--type=") for word in command)
        if is_main and f"--user-data-dir={profile}".encode() in command:
            os.kill(int(entry.name), signal.SIGKILL)
