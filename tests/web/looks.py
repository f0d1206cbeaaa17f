"""What a hand in a glove and a small screen ask of every screen of the tablet."""

from __future__ import annotations

from playwright.sync_api import Page, ViewportSize

from tests.web.desk_console import RAW_KEY

GLOVE_PX = 48
HELD: tuple[ViewportSize, ...] = ({"width": 1280, "height": 800}, {"width": 390, "height": 844})
# Things to tap, but for links within a sentence; a label is the target of the input it hides.
SMALL = """
(least) => [...document.querySelectorAll('button, a[href], textarea, input:not(.sr), label.btn')]
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.width < least || box.height < least))
  .map(([one, box]) => `small: ${one.outerHTML.slice(0, 80)} ${Math.round(box.width)}x${Math.round(box.height)}`)
"""
CLIPPED = """
() => [...document.querySelectorAll('body *')]
  .filter((one) => !one.closest('.sr, dialog:not([open])'))
  .filter((one) => {
    const box = one.getBoundingClientRect()
    const cut = getComputedStyle(one).overflowX === 'hidden' && one.scrollWidth > one.clientWidth + 1
    return box.width > 0 && (cut || box.right > innerWidth + 1 || box.left < -1)
  })
  .map((one) => `clipped at ${innerWidth}: ${one.outerHTML.slice(0, 80)}`)
  .slice(0, 3)
"""


def misfits(page: Page) -> list[str]:
    """Targets too small for a glove, things out of the picture on any glass, words that are missing."""
    found = page.evaluate(SMALL, GLOVE_PX) + page.evaluate(CLIPPED) + RAW_KEY.findall(page.inner_text("body"))
    now = page.viewport_size
    for held in HELD:
        page.set_viewport_size(held)
        found += page.evaluate(CLIPPED)
    if now is not None:
        page.set_viewport_size(now)
    return [str(one) for one in found]
