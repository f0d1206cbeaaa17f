"""The dispatcher's console as a person uses it, for tests in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from app.bench.browser.pages import SLOW_MS, Console
from app.story.desk import Desk
from tests.web.accessible import violations

# `tray.empty.all`: what a screen shows when a word is missing.
RAW_KEY = re.compile(r"\b[a-z][a-zA-Z]+\.[a-z][a-zA-Z_.]+[a-z]\b")

NO_WEBGL = """
const getContext = HTMLCanvasElement.prototype.getContext
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith('webgl') ? null : getContext.call(this, kind, ...rest)
}
"""


class DeskConsole(Console):
    """One page of the console, and what is wrong with it."""

    def open_job(self, job: dict[str, Any], tab: str = "overview") -> None:
        """Straight to a job by its address."""
        self.page.goto(f"{self.origin}/desk/?job={job['id']}&tab={tab}")
        expect(self.page.locator(".panel-head", has_text=job["number"])).to_be_visible(timeout=SLOW_MS)

    def violations(self) -> list[str]:
        """What axe finds against WCAG 2.2 A and AA, a line each."""
        return violations(self.page)

    def raw_keys(self) -> list[str]:
        """Names of words that stand where a word should."""
        return RAW_KEY.findall(self.page.locator("body").inner_text())


OpenConsole = Callable[..., DeskConsole]


def given_a_call(desk: Desk, *, q: str = "街道") -> dict[str, Any]:
    """A power cut somebody called about; returns its job."""
    home = next(hit for hit in desk.get("/api/v1/search", q=q)["items"] if hit["kind"] == "premises")
    call = {"channel": "phone", "symptom": "no_supply", "premises_id": home["id"], "join": "new"}
    job: dict[str, Any] = desk.get("/api/v1/jobs/" + desk.post("/api/v1/calls", call)["job_id"])
    return job


def a_switch_above(desk: Desk, job: dict[str, Any]) -> dict[str, Any]:
    """The last switch before the place of a call."""
    suspected = desk.get(f"/api/v1/outages/{job['outage_id']}")["suspected_node_id"]
    way = desk.get("/api/v1/network/supply", node_id=suspected, way="up")["features"]
    ids = [one["id"] for one in way if "id" in one and one["properties"]["kind"] in {"switch", "breaker"}]
    links = [desk.get(f"/api/v1/network/links/{one}") for one in ids]
    return min(links, key=lambda link: int(link["accounts"]))
