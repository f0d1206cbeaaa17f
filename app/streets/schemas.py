"""Shapes of streets on the wire."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
import numpy as np
from shapely.geometry import mapping

from app.kernel.geo import point_from_geojson
from app.kernel.paging import StrictSchema
from app.kernel.problems import FieldError, Invalid
from app.streets.profiles import POSTED, codes
from app.streets.service import Answered, Area, MatrixCells

MOST_PLACES = 50  # a side of a matrix by request; whoever plans days asks the service
MINUTES = (5, 10, 15, 20)
LONGEST_MIN = 60
POSITION: dict[str, Any] = {
    "type": "array",
    "description": "Longitude and latitude in degrees, WGS 84",
    "items": {"type": "number"},
    "minItems": 2,
    "maxItems": 2,
}


class Position(ma.fields.Field[tuple[float, float]]):
    """Longitude and latitude as a GeoJSON position."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("metadata", {}).update(POSITION)
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[float, float]:
        point = point_from_geojson({"type": "Point", "coordinates": value}, field=attr or "place")
        return (point.x, point.y)


class WhenArgs(StrictSchema):
    """In which branch, when (now unless told), and with which vehicle."""

    branch_id = ma.fields.UUID(required=True)
    at = ma.fields.AwareDateTime(default_timezone=None)
    profile = ma.fields.String(load_default=POSTED, validate=ma.validate.OneOf(codes()))


class IsochronesArgs(WhenArgs):
    """From which point (`longitude,latitude`), and within how many minutes, comma-separated."""

    near = ma.fields.String(required=True, validate=ma.validate.Length(max=60))
    minutes = ma.fields.String(load_default=",".join(map(str, MINUTES)), validate=ma.validate.Length(max=40))

    @ma.post_load
    def as_numbers(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """`near` as a point, `minutes` as whole numbers in order."""
        parts = data["near"].split(",")
        place = {"type": "Point", "coordinates": parts if len(parts) == 2 else None}
        return {**data, "near": point_from_geojson(place, field="near"), "minutes": _minutes(data["minutes"])}


def _minutes(text: str) -> list[int]:
    words = text.split(",")
    if not all(word.isascii() and word.isdigit() and len(word) < 3 for word in words):
        raise Invalid(FieldError("minutes", "invalid"))
    numbers = sorted({int(word) for word in words})
    if numbers[0] < 1 or numbers[-1] > LONGEST_MIN:
        raise Invalid(FieldError("minutes", "out_of_range"))
    return numbers


class MatrixIn(WhenArgs):
    """From which places to which."""

    sources = ma.fields.List(Position(), required=True, validate=ma.validate.Length(1, MOST_PLACES))
    targets = ma.fields.List(Position(), required=True, validate=ma.validate.Length(1, MOST_PLACES))


class EngineOut(ma.Schema):
    """Whose answer this is: engine, version of its streets, vehicle, and how far its speeds are to be trusted."""

    engine = ma.fields.String(required=True)
    version = ma.fields.String(required=True)
    profile = ma.fields.String(required=True)
    confidence = ma.fields.String(required=True)
    attribution = ma.fields.String(required=True, allow_none=True)


class MatrixOut(EngineOut):
    """Row by source, column by target: whole seconds, whole metres, and where they are only the straight line's."""

    time_s = ma.fields.List(ma.fields.List(ma.fields.Integer()), required=True)
    distance_m = ma.fields.List(ma.fields.List(ma.fields.Integer()), required=True)
    estimated = ma.fields.List(ma.fields.List(ma.fields.Boolean()), required=True)


class AreaProperties(ma.Schema):
    """Within how many minutes; a circle where no street is near."""

    minutes = ma.fields.Integer(required=True)
    estimated = ma.fields.Boolean(required=True)


class AreaFeature(ma.Schema):
    """What is reached."""

    type = ma.fields.Constant("Feature", required=True)
    geometry = ma.fields.Dict(required=True)
    properties = ma.fields.Nested(AreaProperties, required=True)


class IsochronesOut(EngineOut):
    """GeoJSON (RFC 7946), the widest area first, so that a map draws the nearer ones on top."""

    type = ma.fields.Constant("FeatureCollection", required=True)
    features = ma.fields.List(ma.fields.Nested(AreaFeature), required=True)


def engine_json(answered: Answered) -> dict[str, Any]:
    """The members of `EngineOut`."""
    profile = answered.profile
    return {
        "engine": answered.engine,
        "version": answered.version,
        "profile": profile.code,
        "confidence": profile.confidence,
        "attribution": answered.attribution,
    }


def matrix_json(cells: MatrixCells) -> dict[str, Any]:
    """The members of `MatrixOut`."""
    travel = cells.travel
    return {
        **engine_json(cells.answered),
        "time_s": np.rint(travel.time_s).astype(np.int64).tolist(),
        "distance_m": np.rint(travel.distance_m).astype(np.int64).tolist(),
        "estimated": travel.estimated.tolist(),
    }


def areas_json(area: Area) -> dict[str, Any]:
    """The members of `IsochronesOut`."""
    features = [
        {
            "type": "Feature",
            "geometry": mapping(one.area),
            "properties": {"minutes": one.minutes, "estimated": one.estimated},
        }
        for one in reversed(area.isochrones)
    ]
    return {**engine_json(area.answered), "type": "FeatureCollection", "features": features}
