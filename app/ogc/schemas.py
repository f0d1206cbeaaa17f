"""Shapes of OGC API - Features on the wire. The features are written by PostGIS; a test holds them to these."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.kernel.fields import text
from app.kernel.paging import StrictSchema
from app.ogc.collections import COLLECTIONS

FORMATS = ("json", "html")
EXACT = sorted({name for one in COLLECTIONS.values() for name in one.exact})
DEFAULT_LIMIT = 100


class FormatArgs(StrictSchema):
    """`f` goes before the Accept header."""

    f = ma.fields.String(validate=ma.validate.OneOf(FORMATS))


class FeatureArgs(FormatArgs):
    """`crs` is the URI of one of the collection's reference systems."""

    crs = text(200)


class _ItemsArgs(FeatureArgs):
    """Which features. A property's name with a value takes those that have it."""

    bbox = text(200, metadata={"description": "west,south,east,north in bbox-crs"})
    bbox_crs = text(200, data_key="bbox-crs")
    datetime = text(100, metadata={"description": "RFC 3339: an instant, or begin/end where .. is open"})
    limit = ma.fields.Integer(
        load_default=DEFAULT_LIMIT,
        validate=ma.validate.Range(1),
        metadata={"maximum": 5000, "description": "more than the maximum gives the maximum"},
    )
    cursor = text(400, metadata={"description": "only as a next link has it"})

    @ma.post_load
    def set_exact_apart(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Properties stand under `exact`."""
        return {**data, "exact": {name: data.pop(name) for name in EXACT if name in data}}


ItemsArgs = _ItemsArgs.from_dict(
    {name: text(100, metadata={"description": "features with this value only"}) for name in EXACT}, name="ItemsArgs"
)


class WebLinkOut(ma.Schema):
    """A web link (RFC 8288); `templated` where the address has names in braces."""

    href = ma.fields.String(required=True)
    rel = ma.fields.String(required=True)
    type = ma.fields.String()
    title = ma.fields.String()
    templated = ma.fields.Boolean()


class LinkedOut(ma.Schema):
    """What has links."""

    links = ma.fields.List(ma.fields.Nested(WebLinkOut), required=True)


class LandingOut(LinkedOut):
    """Where a client begins."""

    title = ma.fields.String(required=True)
    description = ma.fields.String(required=True)


class ConformanceOut(LinkedOut):
    """Which parts of the standard are kept."""

    conformsTo = ma.fields.List(ma.fields.String(), required=True)  # noqa: N815  # the standard's name


class SpatialOut(ma.Schema):
    """Boxes in CRS84."""

    bbox = ma.fields.List(ma.fields.List(ma.fields.Float()), required=True)
    crs = ma.fields.String(required=True)


class ExtentOut(ma.Schema):
    """Where a collection's features can lie."""

    spatial = ma.fields.Nested(SpatialOut, required=True)


class CollectionOut(LinkedOut):
    """A collection; `crs` are the reference systems it is answered in."""

    id = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    itemType = ma.fields.Constant("feature", required=True)  # noqa: N815
    extent = ma.fields.Nested(ExtentOut)
    crs = ma.fields.List(ma.fields.String(), required=True)
    storageCrs = ma.fields.String(required=True)  # noqa: N815


class CollectionsOut(LinkedOut):
    """The collections of which the caller may see anything."""

    collections = ma.fields.List(ma.fields.Nested(CollectionOut), required=True)


class FeatureOut(ma.Schema):
    """A GeoJSON feature (RFC 7946); without a place its geometry is null."""

    type = ma.fields.Constant("Feature", required=True)
    id = ma.fields.String(required=True)
    geometry = ma.fields.Dict(required=True, allow_none=True)
    properties = ma.fields.Dict(required=True)
    links = ma.fields.List(ma.fields.Nested(WebLinkOut))


class FeaturesOut(LinkedOut):
    """A page of features; `numberMatched` is told on the first."""

    type = ma.fields.Constant("FeatureCollection", required=True)
    timeStamp = ma.fields.AwareDateTime(required=True)  # noqa: N815
    numberMatched = ma.fields.Integer()  # noqa: N815
    numberReturned = ma.fields.Integer(required=True)  # noqa: N815
    features = ma.fields.List(ma.fields.Nested(FeatureOut), required=True)
