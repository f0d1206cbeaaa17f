"""The links and words around the features: landing page, conformance, collections, pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import request

from app.kernel.problem_json import language
from app.ogc.collections import COLLECTIONS, Collection
from app.ogc.rules import Crs
from app.ogc.service import Found

Link = dict[str, Any]

JSON, GEOJSON, HTML = "application/json", "application/geo+json", "text/html"
OPENAPI_30 = "application/vnd.oai.openapi+json;version=3.0"
MVT = "application/vnd.mapbox-vector-tile"
TILES = "http://www.opengis.net/def/rel/ogc/1.0/tiles-vector"
CLASSES = (
    *(
        f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}"
        for name in ("core", "oas30", "html", "geojson")
    ),
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
)
WORDS = {
    "title": ("GIS 数据服务", "Data for GIS programs"),
    "description": (
        "工单、班组、停电停气事件、管网和用户地址，按您的权限范围提供",
        "Jobs, crews, outages, networks and premises, as far as you may see them",
    ),
    "self": ("本页 (JSON)", "This answer as JSON"),
    "alternate": ("网页", "This answer as a page"),
    "api": ("接口定义 (OpenAPI 3.0)", "Definition (OpenAPI 3.0)"),
    "docs": ("接口文档", "Documentation"),
    "conformance": ("符合的标准部分", "Conformance"),
    "collections": ("数据集", "Collections"),
    "items": ("要素", "Features"),
    "next": ("下一页", "Next page"),
    "tiles": ("矢量瓦片", "Vector tiles"),
    "collection": ("所属数据集", "Collection"),
}


def word(name: str) -> str:
    """In the reader's language."""
    return WORDS[name][0 if language().startswith("zh") else 1]


def href(path: str) -> str:
    """An address of ours, as the caller reaches us."""
    return f"{request.host_url}ogc/{path}".rstrip("/")


def _link(rel: str, address: str, media: str, title: str, **more: Any) -> Link:
    return {"rel": rel, "href": address, "type": media, "title": word(title), **more}


def _itself(path: str, media: str = JSON) -> list[Link]:
    return [
        _link("self", href(path + "?f=json"), media, "self"),
        _link("alternate", href(path + "?f=html"), HTML, "alternate"),
    ]


def landing() -> dict[str, Any]:
    """The landing page."""
    found = [
        *_itself(""),
        _link("service-desc", href("api"), OPENAPI_30, "api"),
        _link("service-doc", f"{request.host_url}api/docs", HTML, "docs"),
        _link("conformance", href("conformance"), JSON, "conformance"),
        _link("data", href("collections"), JSON, "collections"),
    ]
    return {"title": word("title"), "description": word("description"), "links": found}


def conformance() -> dict[str, Any]:
    """The classes that are kept."""
    return {"conformsTo": list(CLASSES), "links": _itself("conformance")}


def of_collections() -> list[Link]:
    """Of the list of collections."""
    return _itself("collections")


def collection(name: str, one: Collection, extent: list[float] | None) -> dict[str, Any]:
    """A collection as it is told."""
    told: dict[str, Any] = {
        "id": name,
        "title": one.title(language()),
        "description": one.description(language()),
        "itemType": "feature",
        "crs": [crs.uri for crs in Crs],
        "storageCrs": Crs.CRS84.uri,
        "links": [
            *_itself(f"collections/{name}"),
            _link("items", href(f"collections/{name}/items?f=json"), GEOJSON, "items"),
            _link("items", href(f"collections/{name}/items?f=html"), HTML, "items"),
            *(_tiles(layer) for layer in one.tiles),
        ],
    }
    if extent is not None:
        told["extent"] = {"spatial": {"bbox": [extent], "crs": Crs.CRS84.uri}}
    return told


def _tiles(layer: str) -> Link:
    address = f"{request.host_url}api/v1/tiles/{layer}/{{z}}/{{x}}/{{y}}.mvt"
    return {**_link(TILES, address, MVT, "tiles", templated=True), "title": f"{word('tiles')}: {layer}"}


def items(name: str, found: Found, now: datetime) -> dict[str, Any]:
    """A page of features, without them."""
    asked = {key: value for key, value in request.args.items() if key not in {"f", "cursor"}}
    here = f"collections/{name}/items"
    cursor = {"cursor": request.args["cursor"]} if "cursor" in request.args else {}
    shown = [
        _link("self", _address(here, asked | cursor | {"f": "json"}), GEOJSON, "self"),
        _link("alternate", _address(here, asked | cursor | {"f": "html"}), HTML, "alternate"),
        _link("collection", href(f"collections/{name}"), JSON, "collection"),
    ]
    if found.next is not None:
        shown.append(_link("next", _address(here, {**asked, "cursor": found.next, "f": "json"}), GEOJSON, "next"))
        shown.append(_link("next", _address(here, {**asked, "cursor": found.next, "f": "html"}), HTML, "next"))
    matched = {} if found.matched is None else {"numberMatched": found.matched}
    head = {"type": "FeatureCollection", "timeStamp": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return {**head, **matched, "numberReturned": len(found.features), "links": shown}


def _address(path: str, query: dict[str, str]) -> str:
    return href(path) + "?" + urlencode(query)


def item(name: str, feature_id: UUID) -> list[Link]:
    """Of one feature."""
    itself = _itself(f"collections/{name}/items/{feature_id}", GEOJSON)
    return [*itself, _link("collection", href(f"collections/{name}"), JSON, "collection")]


def headers(shown: list[Link], crs: Crs) -> dict[str, str]:
    """What is told of an answer outside of it: its reference system, its links."""
    told = ", ".join(f'<{link["href"]}>; rel="{link["rel"]}"; type="{link["type"]}"' for link in shown)
    return {"Content-Crs": f"<{crs.uri}>", "Link": told}


def trail() -> list[tuple[str, str]]:
    """The way to a collection, for people."""
    return [(href("collections?f=html"), word("collections"))]


def trail_of(name: str) -> list[tuple[str, str]]:
    """The way to what is in a collection."""
    return [(href(f"collections/{name}?f=html"), COLLECTIONS[name].title(language()))]
