"""Shapes of the networks at work on the wire."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.grid.models import Move
from app.grid.service import Way
from app.kernel.fields import PointField, choice, text
from app.kernel.paging import PageArgs, StrictSchema
from app.network.models import Commodity, LinkKind, LinkState, NodeKind, Ownership


class ThingArgs(StrictSchema):
    """A node or a link of a network: exactly one of them."""

    node_id = ma.fields.UUID()
    link_id = ma.fields.UUID()

    @ma.validates_schema
    def exactly_one(self, data: dict[str, Any], **_: Any) -> None:
        """Neither none nor both."""
        if ("node_id" in data) == ("link_id" in data):
            raise ma.ValidationError("Say either node_id or link_id.", "node_id")


class TraceArgs(ThingArgs):
    """From where, and which way: `down` to all that loses supply without it, `up` to its source."""

    way = choice(Way, required=True)


class BetweenArgs(StrictSchema):
    """Two nodes of one network."""

    node_id = ma.fields.UUID(required=True)
    to_node_id = ma.fields.UUID(required=True)


class IsolationArgs(ThingArgs):
    """Where the fault or leak is, and which devices were found stuck just now."""

    stuck = ma.fields.List(ma.fields.UUID(), load_default=list, validate=ma.validate.Length(max=50))


class CustomersOut(ma.Schema):
    """How many accounts, by tier; `needs` (who may read customers): people who need more support, by kind."""

    accounts = ma.fields.Integer(required=True)
    tiers = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True)
    needs = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer())


class TracedOut(ma.Schema):
    """A GeoJSON FeatureCollection with a summary as foreign members (RFC 7946, clause 6.1).

    Features of role `lines` hold all lines of one kind, those of role `device` one thing that stands or turns there.
    """

    type = ma.fields.Constant("FeatureCollection", required=True)
    features = ma.fields.List(ma.fields.Dict(), required=True)
    commodity = choice(Commodity, required=True)
    nodes = ma.fields.Integer(required=True)
    links = ma.fields.Integer(required=True)
    looped = ma.fields.Boolean(required=True)
    customers = ma.fields.Nested(CustomersOut, required=True)


class SwitchgearOut(ma.Schema):
    """A switch or valve, in short."""

    id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    name = ma.fields.String(allow_none=True)
    kind = choice(LinkKind, required=True)
    state = choice(LinkState, required=True)
    normal_state = choice(LinkState, required=True)
    usable = ma.fields.Boolean(required=True)
    feeder_code = ma.fields.String(allow_none=True)


class LinkOut(SwitchgearOut):
    """A line, pipe, switch or valve with where it lies, and how many accounts lose supply with it."""

    commodity = choice(Commodity, required=True)
    ownership = choice(Ownership, required=True)
    length_m = ma.fields.Float(required=True)
    location = PointField(required=True)
    fed = ma.fields.Boolean(required=True)
    accounts = ma.fields.Integer(required=True)


class NodeOut(ma.Schema):
    """What stands at a place of the network, and how many accounts lose supply with it."""

    id = ma.fields.UUID(required=True)
    commodity = choice(Commodity, required=True)
    kind = choice(NodeKind, required=True)
    code = ma.fields.String(required=True)
    name = ma.fields.String(allow_none=True)
    feeder_code = ma.fields.String(allow_none=True)
    ownership = choice(Ownership, required=True)
    location = PointField(required=True)
    fed = ma.fields.Boolean(required=True)
    accounts = ma.fields.Integer(required=True)


class StationOut(ma.Schema):
    """A source of supply."""

    id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    name = ma.fields.String(allow_none=True)
    kind = choice(NodeKind, required=True)


class OperationOut(ma.Schema):
    """One step of a plan and how many accounts it brings back."""

    link = ma.fields.Nested(SwitchgearOut, required=True)
    move = choice(Move, required=True)
    restores = ma.fields.Integer(required=True)


class IsolationOut(ma.Schema):
    """How a section is cut out; `dark` accounts are without supply after the last step."""

    commodity = choice(Commodity, required=True)
    steps = ma.fields.List(ma.fields.Nested(OperationOut), required=True)
    sources = ma.fields.List(ma.fields.Nested(StationOut), required=True)
    section = ma.fields.Nested(TracedOut, required=True)
    beyond = ma.fields.Nested(TracedOut, required=True)
    dark = ma.fields.Integer(required=True)


class SwitchIn(StrictSchema):
    """What was done. `parallel`: feeding from two sides for a while is meant."""

    move = choice(Move, required=True)
    note = text(500, allow_none=True)
    parallel = ma.fields.Boolean(load_default=False)


class MarkIn(StrictSchema):
    """Whether a device can be turned."""

    usable = ma.fields.Boolean(required=True)
    note = text(500, allow_none=True)


class SwitchingOut(ma.Schema):
    """An operation: which device, what, when, by whom; accounts that lost and got supply by it."""

    id = ma.fields.UUID(required=True, attribute="switching.id")
    commodity = choice(Commodity, required=True, attribute="switching.commodity")
    move = choice(Move, required=True, attribute="switching.move")
    at = ma.fields.AwareDateTime(required=True, attribute="switching.at")
    note = ma.fields.String(allow_none=True, attribute="switching.note")
    parallel = ma.fields.Boolean(required=True, attribute="switching.parallel")
    darkened = ma.fields.Integer(required=True, attribute="switching.darkened")
    restored = ma.fields.Integer(required=True, attribute="switching.restored")
    undoes_id = ma.fields.UUID(allow_none=True, attribute="switching.undoes_id")
    undone = ma.fields.Boolean(required=True)
    person = ma.fields.String(allow_none=True)
    link = ma.fields.Nested(SwitchgearOut, required=True)


class SwitchingArgs(PageArgs):
    """Of which device, if not of all."""

    link_id = ma.fields.UUID()


class SwitchingPage(ma.Schema):
    """Operations, newest first."""

    items = ma.fields.List(ma.fields.Nested(SwitchingOut), required=True)
    next = ma.fields.String(allow_none=True, required=True)
