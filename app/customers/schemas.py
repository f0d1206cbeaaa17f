"""Shapes of customers on the wire."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.customers.models import AreaKind, CustomerClass, GasClass, NeedKind, PartyKind, PlaceKind, Service, Tier
from app.customers.rules import NEEDS_NEAR_A_POINT_M
from app.customers.service import PremisesPage
from app.kernel.fields import PointField, choice
from app.kernel.geo import point_from_geojson
from app.kernel.paging import PAGE_LIMIT, StrictSchema


class NearArgs(StrictSchema):
    """Around which point, and how far. `near` is `longitude,latitude`."""

    near = ma.fields.String(required=True, validate=ma.validate.Length(max=60))
    radius_m = ma.fields.Float(load_default=100.0, validate=ma.validate.Range(1, NEEDS_NEAR_A_POINT_M))
    limit = ma.fields.Integer(load_default=20, validate=ma.validate.Range(1, PAGE_LIMIT))

    @ma.post_load
    def as_point(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """`near` as a point."""
        parts = data["near"].split(",")
        place = {"type": "Point", "coordinates": parts if len(parts) == 2 else None}
        return {**data, "near": point_from_geojson(place, field="near")}


class PremisesBrief(ma.Schema):
    """A premises in a list."""

    id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    address = ma.fields.String(required=True)
    address_en = ma.fields.String(allow_none=True)
    location = PointField(required=True)
    area_kind = choice(AreaKind, required=True)
    distance_m = ma.fields.Float()


class PremisesNear(ma.Schema):
    """Premises around a point, nearest first."""

    items = ma.fields.List(ma.fields.Nested(PremisesBrief), required=True)


class PlaceOut(ma.Schema):
    """The estate or village a premises lies in."""

    id = ma.fields.UUID(required=True)
    kind = choice(PlaceKind, required=True)
    name_zh = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)


class PartyOut(ma.Schema):
    """Who holds an account."""

    id = ma.fields.UUID(required=True)
    kind = choice(PartyKind, required=True)
    name = ma.fields.String(required=True)
    phone = ma.fields.String(allow_none=True)


class AccountOut(ma.Schema):
    """A contract."""

    id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    service = choice(Service, required=True)
    customer_class = choice(CustomerClass, required=True)
    gas_class = choice(GasClass, allow_none=True)
    tier = choice(Tier, required=True)
    opened_on = ma.fields.Date(required=True)
    party = ma.fields.Nested(PartyOut, required=True)


class NeedOut(ma.Schema):
    """Why somebody here needs more support. Restricted."""

    kind = choice(NeedKind, required=True)
    valid_until = ma.fields.AwareDateTime(allow_none=True)


class PremisesOut(PremisesBrief):
    """A premises with its accounts. `needs` is null where the reader may not know."""

    service_node_id = ma.fields.UUID(allow_none=True)
    riser_node_id = ma.fields.UUID(allow_none=True)
    place = ma.fields.Nested(PlaceOut, allow_none=True)
    accounts = ma.fields.List(ma.fields.Nested(AccountOut), required=True)
    needs = ma.fields.List(ma.fields.Nested(NeedOut), allow_none=True)

    @ma.pre_dump
    def flat(self, page: PremisesPage, **_: Any) -> dict[str, Any]:
        """One level, as the page shows it."""
        view = page.view
        accounts = [{**columns(row.account), "party": row.party} for row in view.accounts]
        return {**columns(view.premises), "place": view.place, "accounts": accounts, "needs": page.needs}


def columns(row: Any) -> dict[str, Any]:
    """A row's columns by name."""
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


def brief(premises: Any, distance_m: float) -> dict[str, Any]:
    """A premises of a list with its distance, rounded to a tenth of a metre."""
    return {**columns(premises), "distance_m": round(distance_m, 1)}
