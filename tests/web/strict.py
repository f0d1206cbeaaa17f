"""What a page must never do."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.web.product import Product


class Strict:
    """Notes what a page must never do: errors in scripts, broken policy, requests to another host."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.faults: list[str] = []

    def watch(self, page: Page) -> Page:
        """Watch a page from its first request."""
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("console", self._console)
        page.on("request", lambda request: self._request(request.url))
        return page

    def _console(self, message: Any) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.faults.append(message.text)

    def _request(self, url: str) -> None:
        if not url.startswith((f"http://{self.product.address.host}:", "blob:", "data:")):
            self.faults.append(f"left the origin: {url}")
