"""What axe finds on a page against WCAG 2.2 A and AA."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.web.product import ROOT

AXE = ROOT / "app/web/node_modules/axe-core/axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Every rule is tried on every element; of what passed only the count is kept, which saves half of the time.
RUN = """
async (tags) => {
  const only = { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }
  const report = await axe.run(document, only)
  return { tried: report.passes.length, found: report.violations.map((one) => `${one.id}: ${one.nodes[0].html}`) }
}
"""


def violations(page: Page) -> list[str]:
    """A line for each rule that is broken."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    report = page.evaluate(RUN, WCAG)
    assert report["tried"], "axe tried no rule"
    return [line[:160] for line in report["found"]]
