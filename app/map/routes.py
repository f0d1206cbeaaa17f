"""Doors to the map."""

from __future__ import annotations

import gzip

from flask import Response, request

from app.kernel.web import Blueprint, current_uow, gis_too
from app.map import service
from app.map.schemas import FeatureCollection, FeaturesArgs, document, names_of

blp = Blueprint("map", __name__, url_prefix="/api/v1", description="Vector tiles and live features")

MVT = "application/vnd.mapbox-vector-tile"
# Always asked again, cheaply: the next reader of this browser may have other branches.
PRIVATE = "private, no-cache"


@blp.get("/tiles/<string:layer>/<int:z>/<int:x>/<int:y>.mvt")
@blp.response(200, document(), content_type=MVT)
@blp.alt_response(304, description="The tile has not changed")
@gis_too
def get_tile(layer: str, z: int, x: int, y: int) -> Response:
    """A vector tile of a layer, of the reader's branches; see app/map for what it holds"""
    known = frozenset(request.if_none_match.as_set(include_weak=True))
    return _sent(service.tile(current_uow(), layer=layer, z=z, x=x, y=y, known=known))


def _sent(tile: service.Encoded) -> Response:
    response = Response(status=304) if tile.body is None else Response(tile.body, mimetype=MVT)
    response.set_etag(tile.etag)
    response.headers["Cache-Control"] = PRIVATE
    response.headers["Vary"] = "Accept-Encoding, Cookie, Authorization"
    if tile.body is not None and request.accept_encodings["gzip"]:
        response.headers["Content-Encoding"] = "gzip"
    elif tile.body is not None:
        response.set_data(gzip.decompress(tile.body))
    return response


@blp.get("/map/features")
@blp.arguments(FeaturesArgs, location="query")
@blp.response(200, FeatureCollection, content_type="application/geo+json")
def get_live_features(args: dict[str, str]) -> Response:
    """Open jobs, crews and outages as GeoJSON"""
    body = service.live_features(current_uow(), layers=names_of(args["layers"]))
    response = Response(body, mimetype="application/geo+json")
    response.headers["Cache-Control"] = PRIVATE
    return response
