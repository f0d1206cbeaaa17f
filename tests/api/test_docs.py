"""The documentation page is ours alone: no other host, nothing inline, nothing beside the files it needs."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.factories import visitor


def test_the_page_loads_files_of_our_own_and_nothing_inline(app: Flask) -> None:
    browser = visitor(app)
    page = browser.get("/api/docs")
    assert page.content_type == "text/html; charset=utf-8"
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 4
    for address in addresses:
        assert address.startswith("/api/docs/")
        assert browser.get(address).status_code == 200, address
    assert re.findall(r"<script(?! src=)|<style|style=|onload=", page.text) == []
    assert "/api/openapi.json" in browser.get("/api/docs/start.js").text


@pytest.mark.parametrize("address", ["/api/docs", "/api/docs/start.js", "/api/docs/swagger-ui-bundle.js"])
def test_its_files_carry_a_strict_policy(app: Flask, address: str) -> None:
    headers = visitor(app).get(address).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["index.html", "../flask_swagger_ui.py", "%2e%2e/README.md", "swagger-ui.js.map"])
def test_nothing_else_of_the_package_is_served(app: Flask, name: str) -> None:
    assert visitor(app).get(f"/api/docs/{name}").status_code == 404
