"""Doors for GIS programs: OGC API - Features, as JSON for programs and as pages for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn
from uuid import UUID

import orjson
from flask import Response, current_app, jsonify, request
from marshmallow import ValidationError

from app.kernel.problem_json import field_errors, language
from app.kernel.web import Blueprint, Parser, anyone, current_uow, gis_too
from app.ogc import links, service
from app.ogc.errors import BadParameter
from app.ogc.openapi30 import as_openapi_30
from app.ogc.pages import page
from app.ogc.schemas import (
    CollectionOut,
    CollectionsOut,
    ConformanceOut,
    FeatureArgs,
    FeatureOut,
    FeaturesOut,
    FormatArgs,
    ItemsArgs,
    LandingOut,
)

GEOJSON = "application/geo+json"
HTML = "text/html"
OPENAPI_30 = "application/vnd.oai.openapi+json;version=3.0"
CHALLENGE = 'Basic realm="Lamplighter GIS", charset="UTF-8", Bearer'


class OgcParser(Parser):
    """The house's, refusing a bad parameter with the status that the standard says."""

    DEFAULT_VALIDATION_STATUS = 400

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        """Raises BadParameter with what was found."""
        raise BadParameter(*field_errors(error.messages))  # type: ignore[arg-type]  # by place, as webargs makes them


class OgcBlueprint(Blueprint):
    """The house's, with that parser and an answer as a page."""

    ARGUMENTS_PARSER = OgcParser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_document_pages)


def _document_pages(doc: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
    """All but the definition can be had as a page too, and all of it with a key for GIS programs."""
    done = next(answer for status, answer in doc["responses"].items() if int(status) == 200)
    if OPENAPI_30 not in done["content"]:
        done["content"][HTML] = {"schema": {"type": "string"}}
        doc["security"] = [{"session": []}, {"bearer": []}, {"gis": []}]
    return doc


blp = OgcBlueprint("ogc", __name__, url_prefix="/ogc", description="OGC API - Features for GIS programs")


def door(rule: str, args: type, schema: type, content_type: str = "application/json") -> Callable[[Any], Any]:
    """A GET that answers JSON or a page, to people and to GIS programs."""

    def decorated(view: Any) -> Any:
        answering = blp.response(200, schema, content_type=content_type)(gis_too(view))
        asked = blp.arguments(args, location="query")(answering)
        return blp.get(rule, strict_slashes=False)(asked)

    return decorated


@blp.after_request
def challenge(response: Response) -> Response:
    """Programs that know only passwords may use one here; what is answered depends on who asks and how."""
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = CHALLENGE
    response.vary.update(("Accept", "Accept-Language", "Authorization", "Cookie"))
    return response


@door("", FormatArgs, LandingOut)
def landing(args: dict[str, Any]) -> Any:
    """Begin: what there is and where"""
    told = links.landing()
    return _page(told) if _wants_page(args) else jsonify(told)


@blp.get("/api")
@blp.response(200, {"type": "object"}, content_type=OPENAPI_30)
@anyone
def api() -> Response:
    """Read these doors' definition as OpenAPI 3.0"""
    spec = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()
    document = as_openapi_30(spec, under="/ogc", server=request.host_url.rstrip("/"))
    return Response(orjson.dumps(document), content_type=OPENAPI_30)


@door("/conformance", FormatArgs, ConformanceOut)
def conformance(args: dict[str, Any]) -> Any:
    """Say which parts of the standard are kept"""
    told = links.conformance()
    if not _wants_page(args):
        return jsonify(told)
    return _page(told, columns=("conformsTo",), rows=[[(uri, uri)] for uri in told["conformsTo"]])


@door("/collections", FormatArgs, CollectionsOut)
def list_collections(args: dict[str, Any]) -> Any:
    """List the collections of which one may see anything"""
    uow = current_uow()
    shown = [links.collection(name, one, service.extent(uow, one)) for name, one in service.seen(uow).items()]
    told = {"collections": shown, "links": links.of_collections()}
    if not _wants_page(args):
        return jsonify(told)
    rows = [[(links.href(f"collections/{one['id']}?f=html"), one["title"]), ("", one["description"])] for one in shown]
    return _page({**told, "title": links.word("collections")}, columns=("title", "description"), rows=rows)


@door("/collections/<string:collection_id>", FormatArgs, CollectionOut)
def read_collection(args: dict[str, Any], collection_id: str) -> Any:
    """Read what a collection holds and where it lies"""
    one = service.collection_of(collection_id)
    told = links.collection(collection_id, one, service.extent(current_uow(), one))
    if not _wants_page(args):
        return jsonify(told)
    rows = [[("", name), ("", "✓" if name in one.exact else "")] for name in one.properties]
    return _page(told, trail=links.trail(), columns=("property", "?property=value"), rows=rows)


@door("/collections/<string:collection_id>/items", ItemsArgs, FeaturesOut, GEOJSON)
def list_items(args: dict[str, Any], collection_id: str) -> Any:
    """Read features of a collection, a page at a time"""
    found = service.items(current_uow(), collection_id, args)
    told = links.items(collection_id, found, current_uow().now)
    if _wants_page(args):
        return _items_page(told, collection_id, found.features)
    head = orjson.dumps(told)[:-1]
    body = head + b',"features":[' + ",".join(found.features).encode() + b"]}"
    return Response(body, content_type=GEOJSON, headers=links.headers(told["links"], found.crs))


@door("/collections/<string:collection_id>/items/<uuid:feature_id>", FeatureArgs, FeatureOut, GEOJSON)
def read_item(args: dict[str, Any], collection_id: str, feature_id: UUID) -> Any:
    """Read one feature"""
    text, crs = service.feature(current_uow(), collection_id, feature_id, args.get("crs"))
    told = {**orjson.loads(text), "links": links.item(collection_id, feature_id)}
    if _wants_page(args):
        rows = [[("", name), ("", value)] for name, value in told["properties"].items()]
        trail = [*links.trail(), *links.trail_of(collection_id)]
        shown = {"title": str(feature_id), "links": told["links"]}
        return _page(shown, trail=trail, columns=("property", "value"), rows=rows)
    return Response(orjson.dumps(told), content_type=GEOJSON, headers=links.headers(told["links"], crs))


def _wants_page(args: dict[str, Any]) -> bool:
    """`f` decides, else the first choice of the Accept header."""
    if "f" in args:
        return bool(args["f"] == "html")
    return request.accept_mimetypes.best_match(["application/json", GEOJSON, HTML], default="application/json") == HTML


def _page(told: dict[str, Any], **more: Any) -> Response:
    title, description = told.get("title", "OGC API - Features"), told.get("description", "")
    return page(language(), links.href(""), title, told["links"], description=description, **more)


def _items_page(told: dict[str, Any], collection_id: str, features: Any) -> Response:
    parsed = [orjson.loads(text) for text in features]
    columns = tuple(parsed[0]["properties"]) if parsed else ()
    rows = [
        [
            (links.href(f"collections/{collection_id}/items/{one['id']}?f=html"), one["id"][-12:]),
            *(("", "" if value is None else value) for value in one["properties"].values()),
        ]
        for one in parsed
    ]
    title = service.collection_of(collection_id).title(language())
    trail = [*links.trail(), *links.trail_of(collection_id)]
    return _page({**told, "title": title}, trail=trail, columns=("id", *columns), rows=rows)
