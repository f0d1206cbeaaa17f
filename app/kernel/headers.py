"""What every answer of the API carries: it is data of somebody, to be kept nowhere and taken for nothing else."""

from __future__ import annotations

from flask import Flask, Response, request

DATA = ("/api/v1/", "/sync/v1/")


def install_headers(app: Flask) -> None:
    """Add them where a door has not chosen its own."""
    app.after_request(_guard)


def _guard(response: Response) -> Response:
    if request.path.startswith(DATA):
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response
