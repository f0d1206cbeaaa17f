"""A crew's tablet as a person holds it: taps, typing, pictures and a finger on the glass; and its local store."""

from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from app.bench.browser.pages import GHOST_TAP_MS, SLOW_MS, Tablet

REPAIR_ANSWERS = {
    "risk_checked": "true",
    "isolation": "isolated_proved",
    "fault_location": "lv_line",
    "cause": "storm",
    "result": "restored",
    "customer_told": "true",
}


CAMERA = "Canary Phone 12"
# Chromium goes on for half a minute with the room that it saw last; on a small disk that is soon filled up.
SMALL_DISK_BYTES = 24 << 20
FILL = """
async () => {
  const opening = indexedDB.open('ballast')
  opening.onupgradeneeded = () => opening.result.createObjectStore('rows', { autoIncrement: true })
  const ballast = await new Promise((done) => { opening.onsuccess = () => done(opening.result) })
  const fits = (size) => new Promise((done) => {
    const writing = ballast.transaction('rows', 'readwrite')
    writing.oncomplete = () => done(true)
    writing.onabort = () => done(false)
    writing.objectStore('rows').put(new Uint8Array(size))
  })
  for (let size = 1 << 20; size > 0; ) if (!(await fits(size))) size >>= 1
  ballast.close()
}
"""


class CrewTablet(Tablet):
    """One page of the crew app, with a person who fills forms, takes pictures and signs."""

    def device_id(self) -> str:
        """The name the office gave this tablet."""
        [row] = [row for row in self.rows("settings") if row["key"] == "device"]
        return str(row["value"]["device_id"])

    def job_badge(self, state: str) -> Locator:
        """The badge of the job that is open, in this state."""
        return self.page.locator(f"main [data-badge={state}]")

    def reached(self, step: str) -> Locator:
        """A step of the job that is open, ticked."""
        return self.page.locator(f"li[data-step='{step}'].done")

    def sync_now(self) -> str:
        """Press the button on the sync page; what it answers."""
        if not self.page.url.endswith("/crew/sync"):
            self.page.click(".strip")
        self.page.wait_for_timeout(GHOST_TAP_MS)
        self.page.click("[data-testid=sync-now]")
        answer = self.page.locator("[data-testid=answer]")
        expect(answer).to_be_visible(timeout=SLOW_MS)
        return answer.inner_text()

    def choose(self, item: str, value: str) -> None:
        """Tap one answer."""
        tile = self.page.locator(f"[id='answers.{item}'] [data-value='{value}']")
        tile.click()
        expect(tile).to_have_attribute("aria-checked", "true")
        confirm = self.page.locator(f"[id='answers.{item}'] [data-testid=confirm]")
        if confirm.count():  # safety hangs on it
            confirm.click()
            expect(confirm).to_have_count(0)

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
        pad = self.page.locator("[data-testid=pad]")
        expect(pad).to_be_visible()
        box = pad.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + 40, box["y"] + 90)
        self.page.mouse.down()
        for n in range(1, 25):
            self.page.mouse.move(box["x"] + 40 + n * 12, box["y"] + 90 + (n % 5) * 12)
        self.page.mouse.up()
        self.page.click("[data-testid=sign]")
        expect(self.page.locator(f"[data-slot='{slot}'] img")).to_be_visible()


def eventually(holds: Callable[[], bool], *, within_s: float = 20.0, what: str = "it") -> None:
    """Wait for something that happens in its own time."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, f"{what} did not happen within {within_s:.0f} s"
        time.sleep(0.1)


def picture(colour: tuple[int, int, int]) -> bytes:
    """A photo larger than the app keeps, different for each colour."""
    out = io.BytesIO()
    Image.effect_noise((2600, 1950), 60).convert("RGB").point(lambda level: level).save(out, "JPEG", quality=80)
    image = Image.open(io.BytesIO(out.getvalue()))
    image.paste(colour, (200, 200, 1400, 1200))
    exif = Image.Exif()
    exif[0x0110] = CAMERA
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80, exif=exif)
    return out.getvalue()


def give_room(page: Page, origin: str, size: int = SMALL_DISK_BYTES) -> None:
    """Say how many bytes the browser may keep for an address; before the app first wakes up there, to be sure."""
    page.context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": size})


@contextmanager
def no_room(tablet: CrewTablet) -> Iterator[None]:
    """Fill the tablet's small disk to the last byte, until the block ends."""
    give_room(tablet.page, tablet.origin, 1)
    tablet.page.evaluate(FILL)
    yield
    give_room(tablet.page, tablet.origin)


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
