"""Serves the built screens: `/desk/`, `/crew/`, the tablet's service worker and the hashed files under `/ui/`."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Flask, Response, redirect, request, send_file
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

UI = Path(__file__).resolve().parent.parent / "static" / "ui"
BUILD_COMMAND = "python -m app.web build"

ONE_YEAR_S = 31_536_000
FOREVER = f"public, max-age={ONE_YEAR_S}, immutable"
ASK_EACH_TIME = "no-cache"
ONE_HOUR = "public, max-age=3600"

MIMETYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}

NOT_BUILT = f"""<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>Lamplighter</title>
<h1>界面尚未构建 · The screens are not built</h1>
<p>请在项目目录运行 · Run this in the project folder:</p><pre>{BUILD_COMMAND}</pre>
<p>接口仍可使用 · The API answers all the same: <a href="/api/docs">/api/docs</a></p></html>"""


def register_pages(app: Flask, *, stream_origin: str, ui: Path = UI) -> None:
    """Add the pages to the application.

    `stream_origin` is where browsers reach the event stream ("" = the same origin); `ui` the folder of built files.
    """
    pages = Blueprint("pages", __name__)
    headers = security_headers(content_policy(stream_origin))

    def desk(screen: str = "") -> Response:  # noqa: ARG001  # the page reads its own address
        return page(ui, "desk")

    def crew(screen: str = "") -> Response:  # noqa: ARG001
        return page(ui, "crew")

    def asset(name: str) -> Response:
        return built_file(ui, name, FOREVER if "/assets/" in name else ONE_HOUR)

    def guard(response: Response) -> Response:
        response.headers.update(headers)
        return response

    pages.add_url_rule("/", "home", lambda: redirect("/desk/"))
    for view in (desk, crew):
        pages.add_url_rule(f"/{view.__name__}/", view_func=view)
        pages.add_url_rule(f"/{view.__name__}/<path:screen>", view_func=view)
    pages.add_url_rule("/crew/sw.js", "service_worker", lambda: service_worker(ui))
    pages.add_url_rule("/ui/<path:name>", view_func=asset)
    pages.after_request(guard)
    app.register_blueprint(pages)


def service_worker(ui: Path) -> Response:
    """The tablet's worker; the browser asks for a newer one at each start."""
    response = built_file(ui, "crew/sw.js", ASK_EACH_TIME)
    response.headers["Service-Worker-Allowed"] = "/crew/"
    return response


def content_policy(stream_origin: str) -> str:
    """Only our own files run; the one other place a page may talk to is the event stream."""
    talk_to = " ".join(filter(None, ["'self'", stream_origin]))
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            f"connect-src {talk_to}",
            "worker-src 'self'",
            "manifest-src 'self'",
            "font-src 'self'",
            "media-src 'self' blob:",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def security_headers(policy: str) -> dict[str, str]:
    """What every page and file carries."""
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    }


def page(ui: Path, name: str) -> Response:
    """The one HTML file of an app, or a plain page that names the command when the screens are not built."""
    if not (ui / name / f"{name}.html").is_file():
        return Response(NOT_BUILT, 503, content_type=MIMETYPES[".html"], headers={"Cache-Control": "no-store"})
    return built_file(ui, f"{name}/{name}.html", ASK_EACH_TIME)


def built_file(ui: Path, name: str, caching: str) -> Response:
    """A built file, compressed as the browser likes it.

    Raises:
        NotFound: no such file, or a path that leads out of the folder or to Vite's own notes.
    """
    path = safe_join(str(ui), name)
    file = Path(path) if path else ui
    if not file.is_file() or file.suffix not in MIMETYPES or ".vite" in file.parts:
        raise NotFound
    encoding, chosen = compressed(file)
    response = send_file(chosen, mimetype=MIMETYPES[file.suffix], conditional=True, etag=True)
    response.headers["Cache-Control"] = caching
    response.headers["Vary"] = "Accept-Encoding"
    if encoding:
        response.headers["Content-Encoding"] = encoding
    return response


def compressed(file: Path) -> tuple[str, Path]:
    """`("br", file.br)`, `("gzip", file.gz)` or `("", file)`, by what the browser accepts and what was built."""
    for encoding, suffix in (("br", ".br"), ("gzip", ".gz")):
        candidate = file.with_name(file.name + suffix)
        if request.accept_encodings[encoding] > 0 and candidate.is_file():
            return encoding, candidate
    return "", file
