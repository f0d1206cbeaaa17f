"""Shapes of the map on the wire. The features are written by PostGIS; a test holds them to these."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.crews.models import CrewKind
from app.jobs.models import JobKind, JobState, Priority
from app.kernel.fields import choice
from app.kernel.paging import StrictSchema
from app.map.layers import LIVE_LAYERS
from app.network.models import Commodity
from app.outages.models import OutageState

INSTANT = "%Y-%m-%dT%H:%M:%SZ"


class FeaturesArgs(StrictSchema):
    """Which live layers; all of them when nothing is said."""

    layers = ma.fields.String(
        load_default=",".join(LIVE_LAYERS),
        metadata={"description": f"comma-separated: {', '.join(LIVE_LAYERS)}"},
        validate=ma.validate.Length(1, 100),
    )


class JobProperties(ma.Schema):
    """An open job on the map."""

    id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    kind = choice(JobKind, required=True)
    state = choice(JobState, required=True)
    priority = choice(Priority, required=True)
    crew_id = ma.fields.UUID(allow_none=True)
    due_at = ma.fields.AwareDateTime(format=INSTANT, allow_none=True)


class CrewProperties(ma.Schema):
    """A crew on the map. `state`: free, busy, off."""

    id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    name_zh = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    kind = choice(CrewKind, required=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(["free", "busy", "off"]))
    job_id = ma.fields.UUID(allow_none=True)
    at = ma.fields.AwareDateTime(format=INSTANT, required=True)


class OutageProperties(ma.Schema):
    """An outage on the map."""

    id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    commodity = choice(Commodity, required=True)
    state = choice(OutageState, required=True)
    calls = ma.fields.Integer(required=True)
    opened_at = ma.fields.AwareDateTime(format=INSTANT, required=True)


PROPERTIES: dict[str, type[ma.Schema]] = {"jobs": JobProperties, "crews": CrewProperties, "outages": OutageProperties}


class Feature(ma.Schema):
    """A GeoJSON feature; `properties.layer` names its layer, the rest is that layer's."""

    type = ma.fields.Constant("Feature", required=True)
    id = ma.fields.Integer(required=True)
    geometry = ma.fields.Dict(required=True)
    properties = ma.fields.Dict(required=True)


class FeatureCollection(ma.Schema):
    """GeoJSON (RFC 7946)."""

    type = ma.fields.Constant("FeatureCollection", required=True)
    features = ma.fields.List(ma.fields.Nested(Feature), required=True)


def names_of(layers: str) -> list[str]:
    """The comma-separated names, in order."""
    return [name.strip() for name in layers.split(",")]


def document() -> dict[str, Any]:
    """A vector tile in the OpenAPI document."""
    return {"type": "string", "format": "binary"}
