"""Shapes of crews on the wire."""

from __future__ import annotations

import marshmallow as ma

from app.kernel.fields import PointField
from app.kernel.paging import StrictSchema


class FixIn(StrictSchema):
    """One reading of a position."""

    location = PointField(required=True)
    at = ma.fields.AwareDateTime(required=True)
    accuracy_m = ma.fields.Float(validate=ma.validate.Range(0, 100_000), load_default=None, allow_none=True)


MOST_REGIONS = 200


class RegionsIn(StrictSchema):
    """The sub-districts a crew serves from now on. `before`: those it served as the asker saw it; else any."""

    place_ids = ma.fields.List(ma.fields.UUID(), required=True, validate=ma.validate.Length(max=MOST_REGIONS))
    before = ma.fields.List(ma.fields.UUID(), load_default=None, validate=ma.validate.Length(max=MOST_REGIONS))


class CrewRegionOut(ma.Schema):
    """A sub-district of the crew's branch."""

    id = ma.fields.UUID(required=True)
    name_zh = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    served = ma.fields.Boolean(required=True)


class CrewRegions(ma.Schema):
    """By name."""

    items = ma.fields.List(ma.fields.Nested(CrewRegionOut), required=True)


class FixOut(ma.Schema):
    """Whether the reading is the newest we have."""

    newest = ma.fields.Boolean(required=True)
