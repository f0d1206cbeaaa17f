"""Shapes of demands on the wire."""

from __future__ import annotations

import marshmallow as ma

from app.customers.models import PartyKind
from app.demands.models import Channel, DemandKind, Symptom
from app.kernel.fields import PointField, choice, phone
from app.kernel.paging import PageArgs, StrictSchema


class CallsArgs(PageArgs):
    """Which calls: of an outage, from a phone number, about a premises."""

    outage_id = ma.fields.UUID()
    phone = phone()
    premises_id = ma.fields.UUID()


class CallOut(ma.Schema):
    """A call as it was taken."""

    id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    kind = choice(DemandKind, required=True)
    channel = choice(Channel, required=True)
    symptom = choice(Symptom, required=True)
    caller_name = ma.fields.String(allow_none=True)
    caller_phone = ma.fields.String(allow_none=True)
    premises_id = ma.fields.UUID(allow_none=True)
    location = PointField(required=True)
    address = ma.fields.String(allow_none=True)
    note = ma.fields.String(allow_none=True)
    taken_by = ma.fields.UUID(allow_none=True)
    first_asked_id = ma.fields.UUID(allow_none=True)
    taken_at = ma.fields.AwareDateTime(required=True)
    outage_id = ma.fields.UUID(allow_none=True)
    closed_at = ma.fields.AwareDateTime(allow_none=True)


class CallPage(ma.Schema):
    """A page of calls, newest first."""

    items = ma.fields.List(ma.fields.Nested(CallOut), required=True)
    next = ma.fields.String(allow_none=True, required=True)


class CallersArgs(StrictSchema):
    """The number on the display."""

    phone = phone(required=True)


class CallerPremises(ma.Schema):
    """Where a caller has an account."""

    id = ma.fields.UUID(required=True)
    address = ma.fields.String(required=True)
    location = PointField(required=True)


class CallerOut(ma.Schema):
    """Somebody who holds accounts under the number."""

    id = ma.fields.UUID(required=True, attribute="party.id")
    kind = choice(PartyKind, required=True, attribute="party.kind")
    name = ma.fields.String(required=True, attribute="party.name")
    phone = ma.fields.String(allow_none=True, attribute="party.phone")
    premises = ma.fields.List(ma.fields.Nested(CallerPremises), required=True)


class CallersOut(ma.Schema):
    """Who may be calling, and the last calls from the number, newest first."""

    items = ma.fields.List(ma.fields.Nested(CallerOut), required=True)
    calls = ma.fields.List(ma.fields.Nested(CallOut), required=True)
