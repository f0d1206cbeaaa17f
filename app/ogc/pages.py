"""The same answers for people with a browser: plain pages that run nothing and fetch nothing."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from flask import Response, render_template_string

STYLE = """
body{margin:0 auto;max-width:70rem;padding:1.5rem;color:#17313b;background:#fff;font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.1rem;margin:1.4rem 0 .3rem}a{color:#0b5a74}
nav{border-bottom:1px solid #b9c9cf;padding-bottom:.5rem}div{overflow-x:auto}
table{border-collapse:collapse;margin-top:.5rem}th,td{border:1px solid #b9c9cf;padding:.3rem .6rem;text-align:left}
th{background:#eef3f5}td{white-space:nowrap}
"""

PAGE = """<!doctype html>
<html lang="{{ language }}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} · Lamplighter GIS</title><style>{{ style | safe }}</style></head>
<body>
<nav><a href="{{ home }}?f=html">OGC API - Features</a>
{%- for href, word in trail %} › <a href="{{ href }}">{{ word }}</a>{% endfor %}</nav>
<main>
<h1>{{ title }}</h1>
{% if description %}<p>{{ description }}</p>{% endif %}
{% if rows %}<div tabindex="0" role="region" aria-label="{{ title }}"><table>
<tr>{% for name in columns %}<th scope="col">{{ name }}</th>{% endfor %}</tr>
{% for row in rows %}<tr>{% for href, word in row %}<td>
{%- if href %}<a href="{{ href }}">{{ word }}</a>{% else %}{{ word }}{% endif %}</td>{% endfor %}</tr>
{% endfor %}</table></div>{% endif %}
<h2>{{ links_title }}</h2>
<ul>{% for link in links %}<li>
{%- if link.templated %}{{ link.title or link.rel }}: <code>{{ link.href }}</code>
{%- else %}<a href="{{ link.href }}">{{ link.title or link.rel }}</a> {{ link.type }}{% endif %}</li>{% endfor %}</ul>
</main>
</body></html>
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

Cell = tuple[str, Any]


def page(
    language: str,
    home: str,
    title: str,
    links: list[dict[str, Any]],
    *,
    description: str = "",
    trail: list[Cell] | None = None,
    columns: tuple[str, ...] = (),
    rows: list[list[Cell]] | None = None,
) -> Response:
    """A page with a table of (address or "", word) and the links of the answer."""
    body = render_template_string(
        PAGE,
        language=language,
        home=home,
        title=title,
        links=links,
        links_title="链接" if language.startswith("zh") else "Links",
        description=description,
        trail=trail or [],
        columns=columns,
        rows=rows or [],
        style=STYLE,
    )
    return Response(body, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY})
