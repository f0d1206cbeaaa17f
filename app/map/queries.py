"""Tiles and live features, made whole by PostGIS."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Text, func, literal, literal_column, select
from sqlalchemy.orm import Session
from sqlalchemy.types import JSON, LargeBinary, NullType

from app.map.layers import LAYERS, Layer
from app.map.models import MapVersion
from app.map.sources import Rows, Scope
from app.map.tiles import BUFFER, EXTENT, Tile

WEB_MERCATOR = 3857
SIMPLIFY_UNITS = 4  # a quarter of a pixel: 4096 units to 256 or 512 pixels
COORDINATE_DIGITS = 6  # about a decimetre


def tile_bytes(session: Session, layer: Layer, scope: Scope, tile: Tile) -> bytes:
    """A Mapbox vector tile with the layer's source-layers, in one round trip each; empty where nothing lies."""
    parts = []
    for name, source in layer.sources.items():
        rows = source(scope)
        if rows is not None:
            parts.append(cast("bytes | None", session.scalar(_encoded(name, rows.limit(layer.cap), tile))) or b"")
    return b"".join(parts)


def _encoded(name: str, rows: Rows, tile: Tile) -> Select[bytes]:
    """ST_AsMVT over the rows; it leaves out rows whose shape vanishes in this tile (a filter makes shapes twice)."""
    plain = rows.subquery("plain")
    properties = [column for column in plain.c if column.key != "shape"]
    drawn = select(*properties, _in_tile(plain.c.shape, tile).label("geom")).subquery("tile")
    row: ColumnElement[Any] = literal_column("tile.*")
    encoded = func.ST_AsMVT(row, name, EXTENT, "geom", "fid", type_=LargeBinary())
    return select(encoded).select_from(drawn)


def _in_tile(shape: ColumnElement[Any], tile: Tile) -> ColumnElement[Any]:
    """The shape in the tile's own units, clipped with a margin, without detail that cannot be seen."""
    web = func.ST_Transform(shape, WEB_MERCATOR, type_=NullType())
    simple = func.ST_Simplify(web, tile.unit_m * SIMPLIFY_UNITS, True, type_=NullType())
    envelope = func.ST_TileEnvelope(tile.z, tile.x, tile.y, type_=NullType())
    return func.ST_AsMVTGeom(simple, envelope, EXTENT, BUFFER, True, type_=NullType())


def version_of(session: Session, layer: Layer) -> int:
    """How often the tables of a layer have changed; 0 for a ground that never did."""
    query = select(func.coalesce(func.sum(MapVersion.version), 0)).where(MapVersion.source.in_(layer.tables))
    return int(session.scalar(query) or 0)


def features_json(session: Session, names: list[str], scopes: dict[str, Scope]) -> bytes:
    """One GeoJSON FeatureCollection of live layers, as bytes ready to send."""
    parts = [cast("str | None", session.scalar(_features(name, scopes[name]))) or "[]" for name in names]
    inner = ",".join(part[1:-1] for part in parts if part != "[]")
    return f'{{"type":"FeatureCollection","features":[{inner}]}}'.encode()


def _features(name: str, scope: Scope) -> Select[str]:
    layer = LAYERS[name]
    (source,) = layer.sources.values()
    rows = source(scope)
    if rows is None:
        raise LookupError(name)  # live layers are there at every zoom
    plain = rows.limit(layer.cap).subquery("plain")
    properties = [part for column in plain.c if column.key not in {"fid", "shape"} for part in (column.key, column)]
    feature = func.json_build_object(
        "type",
        "Feature",
        "id",
        plain.c.fid,
        "geometry",
        func.ST_AsGeoJSON(plain.c.shape, COORDINATE_DIGITS, 0, type_=NullType()).cast(JSON),
        "properties",
        func.json_build_object("layer", literal(name), *properties),
    )
    return select(func.json_agg(feature, type_=NullType()).cast(Text)).select_from(plain)
