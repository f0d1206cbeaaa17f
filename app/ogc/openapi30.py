"""Our part of the OpenAPI document, as version 3.0: the one that the standard's class `oas30` and its clients know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PREFIX = "#/components/"


def as_openapi_30(document: dict[str, Any], *, under: str, server: str) -> dict[str, Any]:
    """The paths below `under` of a 3.1 document of ours, with the components they need, as OpenAPI 3.0.3."""
    paths = {path: item for path, item in document["paths"].items() if path.startswith(under)}
    components: dict[str, dict[str, Any]] = {"securitySchemes": document["components"]["securitySchemes"]}
    _gather(paths, document, components)
    info = {"title": "Lamplighter GIS", "version": document["info"]["version"]}
    tags = [tag for tag in document.get("tags", []) if tag["name"] == under.strip("/")]
    shown = {"info": info, "servers": [{"url": server}], "tags": tags, "paths": paths, "components": components}
    return {"openapi": "3.0.3", **_older(shown)}


def _gather(part: Any, document: dict[str, Any], into: dict[str, dict[str, Any]]) -> None:
    """Copy what is referred to, and what that refers to."""
    for reference in _references(part):
        kind, name = reference.removeprefix(PREFIX).split("/")
        if name not in into.setdefault(kind, {}):
            into[kind][name] = document["components"][kind][name]
            _gather(into[kind][name], document, into)


def _references(part: Any) -> Iterator[str]:
    """Every `$ref` in a part of a document."""
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    if isinstance(part, dict) and isinstance(part.get("$ref"), str):
        yield part["$ref"]
    for one in parts:
        yield from _references(one)


def _older(part: Any) -> Any:
    """`type: [x, null]` was `nullable` then."""
    if isinstance(part, list):
        return [_older(one) for one in part]
    if not isinstance(part, dict):
        return part
    made = {name: _older(one) for name, one in part.items()}
    kinds = made.get("type")
    if isinstance(kinds, list) and "null" in kinds:
        (made["type"],) = [kind for kind in kinds if kind != "null"]
        made["nullable"] = True
    return made
