"""Marshmallow fields every room shares: points, enums by value, phone numbers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import marshmallow as ma
from shapely.geometry import Point

from app.kernel.geo import point_from_geojson, to_geojson


class PointField(ma.fields.Field[Point]):
    """A WGS 84 position as a GeoJSON Point.

    Loading raises `kernel.problems.Invalid` with the reason (`swapped`, `not_wgs84`, `invalid`), not a ValidationError.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("metadata", {}).update(POINT_SCHEMA)
        super().__init__(**kwargs)

    def _serialize(self, value: Point | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return to_geojson(value)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Point:
        return point_from_geojson(value, field=attr or "location")


POINT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "GeoJSON Point, WGS 84 longitude and latitude in degrees",
    "required": ["type", "coordinates"],
    "properties": {
        "type": {"type": "string", "enum": ["Point"]},
        "coordinates": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3},
    },
}


def choice(enum: type[StrEnum], **kwargs: Any) -> ma.fields.Enum[Any]:
    """One of a closed set, by its value."""
    return ma.fields.Enum(enum, by_value=True, **kwargs)


def phone(**kwargs: Any) -> ma.fields.String:
    """A telephone number as people write it: digits, spaces, + - ( ); 3 to 24 characters."""
    return ma.fields.String(validate=ma.validate.Regexp(r"^\+?[0-9][0-9 ()-]{2,23}\Z"), **kwargs)


def text(longest: int, *, shortest: int = 1, **kwargs: Any) -> ma.fields.String:
    """Words of `shortest` to `longest` characters."""
    return ma.fields.String(validate=ma.validate.Length(shortest, longest), **kwargs)
