"""Geography: WGS 84 points and shapes between GeoJSON, shapely and PostGIS (RFC 7946)."""

from __future__ import annotations

import math
from typing import Any

from geoalchemy2.shape import to_shape
from geoalchemy2.types import Geography
from shapely import set_srid, to_wkb, wkb
from shapely.geometry import Point, mapping, shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Dialect, cast, func
from sqlalchemy.types import TypeDecorator

from app.kernel.problems import FieldError, Invalid

WGS84 = 4326
EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG


class Shape(TypeDecorator[BaseGeometry]):
    """A geography column that speaks shapely. `kind` is the WKT type name; the index is declared on the model."""

    cache_ok = True
    impl = Geography

    def __init__(self, kind: str = "POINT") -> None:
        self.kind = kind
        super().__init__(geometry_type=kind, srid=WGS84, spatial_index=False)

    def process_bind_param(self, value: BaseGeometry | None, dialect: Dialect) -> Any:
        """Shapely in, EWKB out."""
        return None if value is None else to_wkb(set_srid(value, WGS84), include_srid=True)

    def bind_expression(self, bindparam: Any) -> ColumnElement[Any]:
        """Binary, so that not a bit is lost: geoalchemy2's own `ST_GeogFromText` knows text only."""
        return func.ST_GeogFromWKB(bindparam, type_=self)

    def process_result_value(self, value: Any, dialect: Dialect) -> BaseGeometry | None:
        """EWKB in, shapely out."""
        if value is None:
            return None
        if isinstance(value, str):
            return wkb.loads(value, hex=True)
        return to_shape(value)


def here(point: Point) -> ColumnElement[Any]:
    """The point as a geography literal for use in a query."""
    return cast(func.ST_SetSRID(func.ST_MakePoint(point.x, point.y), WGS84), Geography(srid=WGS84, spatial_index=False))


def metres_between(a: Point, b: Point) -> float:
    """Great-circle distance in metres (haversine)."""
    lon1, lat1, lon2, lat2 = map(math.radians, (a.x, a.y, b.x, b.y))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half)))


def to_geojson(value: BaseGeometry | None) -> dict[str, Any] | None:
    """A GeoJSON geometry object, or None."""
    return None if value is None else dict(mapping(value))


def point_from_geojson(value: Any, *, field: str = "location") -> Point:
    """A WGS 84 point from a GeoJSON Point.

    Raises:
        Invalid: not a Point, not finite, or not longitude/latitude in degrees.
    """
    try:
        if value["type"] != "Point":
            raise Invalid(FieldError(field, "invalid"))
        point = shape({"type": "Point", "coordinates": [float(part) for part in value["coordinates"][:2]]})
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise Invalid(FieldError(field, "invalid")) from error
    if not isinstance(point, Point) or point.is_empty or not (math.isfinite(point.x) and math.isfinite(point.y)):
        raise Invalid(FieldError(field, "invalid"))
    if not (-180 <= point.x <= 180 and -90 <= point.y <= 90):
        swapped = -90 <= point.x <= 90 and -180 <= point.y <= 180
        raise Invalid(FieldError(field, "swapped" if swapped else "not_wgs84"))
    return point


def must_lie_in(area: BaseGeometry | None, point: Point, *, field: str = "location") -> None:
    """Refuse a point outside the branch's area, and say so when its coordinates look swapped.

    Raises:
        Invalid: `outside_branch` or `swapped`.
    """
    if area is None or area.covers(point):
        return
    swapped = -90 <= point.x <= 90 and area.covers(Point(point.y, point.x))
    raise Invalid(FieldError(field, "swapped" if swapped else "outside_branch"))
