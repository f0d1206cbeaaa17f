"""Serving the screens: what a browser gets, what it may do with it, and what it never gets."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web.pages import register_pages

SCRIPT = b"console.log('desk')" * 50


@pytest.fixture
def ui(tmp_path: Path) -> Path:
    """A built console, and a file beside it that is nobody's business."""
    ui = tmp_path / "ui"
    (ui / "desk" / "assets").mkdir(parents=True)
    (ui / "desk" / ".vite").mkdir()
    (ui / "desk" / "desk.html").write_text("<!doctype html><title>desk</title>")
    (ui / "desk" / ".vite" / "manifest.json").write_text("{}")
    script = ui / "desk" / "assets" / "desk-abc123.js"
    script.write_bytes(SCRIPT)
    script.with_name("desk-abc123.js.gz").write_bytes(gzip.compress(SCRIPT))
    script.with_name("desk-abc123.js.br").write_bytes(b"brotli")
    (tmp_path / "secret.json").write_text("{}")
    return ui


@pytest.fixture
def browser_of(ui: Path) -> FlaskClient:
    app = Flask(__name__, static_folder=None)
    register_pages(app, stream_origin="http://127.0.0.1:8001", ui=ui)
    return app.test_client()


def test_every_address_of_the_console_answers_with_its_page_and_asks_again_each_time(browser_of: FlaskClient) -> None:
    for address in ("/desk/", "/desk/tablets", "/desk/a/b"):
        answer = browser_of.get(address)
        assert answer.status_code == 200
        assert b"<title>desk</title>" in answer.data
        assert answer.headers["Cache-Control"] == "no-cache"


def test_the_start_page_leads_to_the_console(browser_of: FlaskClient) -> None:
    assert browser_of.get("/").headers["Location"] == "/desk/"


def test_a_hashed_file_is_kept_for_a_year(browser_of: FlaskClient) -> None:
    assert "immutable" in browser_of.get("/ui/desk/assets/desk-abc123.js").headers["Cache-Control"]


@pytest.mark.parametrize(
    ("accepts", "encoding"),
    [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("", None), ("identity", None)],
)
def test_a_browser_gets_the_copy_it_can_read(browser_of: FlaskClient, accepts: str, encoding: str | None) -> None:
    answer = browser_of.get("/ui/desk/assets/desk-abc123.js", headers={"Accept-Encoding": accepts})
    assert answer.headers.get("Content-Encoding") == encoding
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "Accept-Encoding" in answer.headers["Vary"]
    if encoding is None:
        assert answer.data == SCRIPT


def test_only_our_own_files_and_the_event_stream_may_be_reached_from_a_page(browser_of: FlaskClient) -> None:
    policy = browser_of.get("/desk/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy.split("; ")
    assert "connect-src 'self' http://127.0.0.1:8001" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_files_too_are_guarded(browser_of: FlaskClient) -> None:
    headers = browser_of.get("/ui/desk/assets/desk-abc123.js").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" in headers


@pytest.mark.parametrize(
    "address",
    [
        "/ui/../secret.json",
        "/ui/%2e%2e/secret.json",
        "/ui/desk/.vite/manifest.json",
        "/ui/desk/assets/none.js",
        "/ui/desk",
        "/ui/desk/assets/desk-abc123.js.br",
        "/crew/sw.js",
    ],
)
def test_nothing_else_is_served(browser_of: FlaskClient, address: str) -> None:
    assert browser_of.get(address).status_code == 404


def test_screens_that_are_not_built_name_the_command(browser_of: FlaskClient) -> None:
    answer = browser_of.get("/crew/")
    assert answer.status_code == 503
    assert "python -m app.web build" in answer.get_data(as_text=True)


def test_the_tablets_worker_may_govern_its_app_and_is_never_kept(browser_of: FlaskClient, ui: Path) -> None:
    (ui / "crew").mkdir()
    (ui / "crew" / "sw.js").write_text("self")
    headers = browser_of.get("/crew/sw.js").headers
    assert headers["Service-Worker-Allowed"] == "/crew/"
    assert headers["Cache-Control"] == "no-cache"
