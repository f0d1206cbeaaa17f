"""The documentation page of the API: Swagger UI from its package, no CDN, under a strict content policy."""

from __future__ import annotations

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, send_from_directory
from werkzeug.exceptions import NotFound

DIST = Path(flask_swagger_ui.__file__).parent / "dist"
SERVED = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-16x16.png", "favicon-32x32.png"})
DOCUMENT = "/api/openapi.json"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Lamplighter API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" type="image/png" href="/api/docs/favicon-32x32.png">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="documentation"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
"""

START = f"""'use strict'
SwaggerUIBundle({{
  url: '{DOCUMENT}',
  dom_id: '#documentation',
  deepLinking: true,
  docExpansion: 'list',
  validatorUrl: null,
  persistAuthorization: false,
}})
"""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

docs = Blueprint("docs", __name__)


@docs.get("/api/docs")
@docs.get("/api/docs/<path:name>")
def show(name: str = "") -> Response:
    """The page, or one of its files."""
    if not name:
        return Response(PAGE, content_type="text/html; charset=utf-8")
    if name == "start.js":
        return Response(START, content_type="text/javascript; charset=utf-8")
    if name not in SERVED:
        raise NotFound
    return send_from_directory(DIST, name, max_age=86_400)


@docs.after_request
def guard(response: Response) -> Response:
    """Only our own files run on this page."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response
