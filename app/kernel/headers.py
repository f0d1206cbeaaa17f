"""What every answer of the API carries: it is data of somebody, to be kept nowhere and taken for nothing else."""

from __future__ import annotations

from flask import Flask, Response, request

DATA = ("/api/v1/", "/sync/v1/", "/ogc")
GUARD = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def install_headers(app: Flask) -> None:
    """Add them where a door has not chosen its own."""
    app.after_request(_guard)


def _guard(response: Response) -> Response:
    if request.path.startswith(DATA):
        for name, value in GUARD.items():
            response.headers.setdefault(name, value)
    return response
