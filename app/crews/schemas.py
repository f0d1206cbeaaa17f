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


class FixOut(ma.Schema):
    """Whether the reading is the newest we have."""

    newest = ma.fields.Boolean(required=True)
