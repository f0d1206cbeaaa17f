"""Shapes of supply on the wire."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.customers.models import NeedKind, Tier
from app.demands.models import Symptom
from app.grid.models import Move
from app.kernel.fields import PointField, choice, text
from app.kernel.paging import PageArgs, StrictSchema
from app.reliability.models import CauseClass
from app.supply.confirming import Finding
from app.supply.models import Answer, CauseCode, StatedBy
from app.supply.rules import Scope, Side, cause_class
from app.supply.stages import Statement
from app.supply.triage import Advice
from app.supply.triage import Finding as Known


class FindingIn(StrictSchema):
    """Which device failed, one of `node_id` and `link_id`, and why. `stated_by`: who stood there, or the desk."""

    node_id = ma.fields.UUID()
    link_id = ma.fields.UUID()
    cause = choice(CauseCode, required=True)
    extent = text(500, allow_none=True)
    stated_by = choice(StatedBy, load_default=StatedBy.DESK)

    @ma.validates_schema
    def one_device(self, data: dict[str, Any], **_: Any) -> None:
        """Neither none nor both."""
        if ("node_id" in data) == ("link_id" in data):
            raise ma.ValidationError("Exactly one of node_id and link_id.", "node_id")

    @ma.post_load
    def as_finding(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The verb's argument."""
        return {"finding": Finding(**data)}


class StatementIn(StrictSchema):
    """Who has supply again since `at`: behind a device, or `scope`; exactly one of the three."""

    at = ma.fields.AwareDateTime(required=True)
    stated_by = choice(StatedBy, load_default=StatedBy.DESK)
    node_id = ma.fields.UUID()
    link_id = ma.fields.UUID()
    scope = choice(Scope)
    reason = text(500, allow_none=True)

    @ma.validates_schema
    def one_of_three(self, data: dict[str, Any], **_: Any) -> None:
        """A device or a scope."""
        if len({"node_id", "link_id", "scope"} & data.keys()) != 1:
            raise ma.ValidationError("Exactly one of node_id, link_id and scope.", "scope")

    @ma.post_load
    def as_statement(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The verb's argument."""
        return {"statement": Statement(**data)}


class EstimateIn(StrictSchema):
    """When supply will be back, who says so, and why it is another time than before."""

    expected_at = ma.fields.AwareDateTime(required=True)
    stated_by = choice(StatedBy, load_default=StatedBy.DESK)
    reason = text(500, allow_none=True)


class ContactIn(StrictSchema):
    """What came of a call."""

    answer = choice(Answer, required=True)


class ContactOut(ContactIn):
    """What came of a call, and when."""

    account_id = ma.fields.UUID(required=True)
    at = ma.fields.AwareDateTime(required=True)


class FailedDevice(ma.Schema):
    """The device that failed."""

    id = ma.fields.UUID(required=True)
    of = ma.fields.String(required=True, validate=ma.validate.OneOf(["node", "link"]))
    kind = ma.fields.String(required=True)
    code = ma.fields.String(required=True)
    name = ma.fields.String(allow_none=True)
    location = PointField(required=True)


class ConfirmationOut(ma.Schema):
    """The confirmed cause. `accounts`: how many hung on the device."""

    cause = choice(CauseCode, required=True)
    cause_class = ma.fields.Function(
        lambda one: cause_class(one["cause"]).value,
        required=True,
        metadata={"type": "string", "enum": [one.value for one in CauseClass]},
    )
    extent = ma.fields.String(allow_none=True)
    stated_by = choice(StatedBy, required=True)
    begun_at = ma.fields.AwareDateTime(required=True)
    at = ma.fields.AwareDateTime(required=True)
    person = ma.fields.String(allow_none=True)
    accounts = ma.fields.Integer(required=True)
    device = ma.fields.Nested(FailedDevice, allow_none=True)


class StageOut(ma.Schema):
    """A stage of restoration: by `switch` (its code) or by somebody's word. `undone_at`: it never was."""

    stage = ma.fields.Integer(required=True)
    at = ma.fields.AwareDateTime(required=True)
    accounts = ma.fields.Integer(required=True)
    switch = ma.fields.String(allow_none=True)
    move = choice(Move, allow_none=True)
    stated_by = choice(StatedBy, allow_none=True)
    reason = ma.fields.String(allow_none=True)
    said_at = ma.fields.AwareDateTime(required=True)
    person = ma.fields.String(allow_none=True)
    undone_at = ma.fields.AwareDateTime(allow_none=True)


class EstimateOut(ma.Schema):
    """Who said what about when supply will be back."""

    expected_at = ma.fields.AwareDateTime(required=True)
    stated_by = choice(StatedBy, required=True)
    reason = ma.fields.String(allow_none=True)
    said_at = ma.fields.AwareDateTime(required=True)
    person = ma.fields.String(allow_none=True)


class SupplyOut(ma.Schema):
    """What is known of an outage's supply. `flags`: of those still out, by need and tier; null for who may not know."""

    outage_id = ma.fields.UUID(required=True)
    confirmation = ma.fields.Nested(ConfirmationOut, required=True, allow_none=True)
    affected = ma.fields.Integer(required=True)
    remaining = ma.fields.Integer(required=True)
    flags = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True, allow_none=True)
    crews_say_restored = ma.fields.AwareDateTime(required=True, allow_none=True)
    say_they_have_power = ma.fields.Integer(required=True)
    stages = ma.fields.List(ma.fields.Nested(StageOut), required=True)
    estimates = ma.fields.List(ma.fields.Nested(EstimateOut), required=True)


class AffectedArgs(PageArgs):
    """Those still out, those back, or all."""

    side = choice(Side)


class AffectedOut(ma.Schema):
    """An account that the outage cut off. Restricted."""

    account_id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    tier = ma.fields.String(required=True, validate=ma.validate.OneOf([one.value for one in Tier]))
    premises_id = ma.fields.UUID(required=True)
    address = ma.fields.String(required=True)
    address_en = ma.fields.String(allow_none=True)
    name = ma.fields.String(required=True)
    phone = ma.fields.String(allow_none=True)
    needs = ma.fields.List(ma.fields.String(validate=ma.validate.OneOf([one.value for one in NeedKind])), required=True)
    begun_at = ma.fields.AwareDateTime(required=True)
    restored_at = ma.fields.AwareDateTime(allow_none=True)
    stage = ma.fields.Integer(allow_none=True)
    answer = ma.fields.String(allow_none=True, validate=ma.validate.OneOf([one.value for one in Answer]))
    answered_at = ma.fields.AwareDateTime(allow_none=True)


class AffectedPage(ma.Schema):
    """Whom the outage cut off, in the order of calls."""

    items = ma.fields.List(ma.fields.Nested(AffectedOut), required=True)
    next = ma.fields.String(allow_none=True, required=True)


class TriageArgs(StrictSchema):
    """Where somebody calls about, and what they say."""

    premises_id = ma.fields.UUID(required=True)
    symptom = choice(Symptom, required=True)


class TriageOut(ma.Schema):
    """What is known of the place before a crew is sent, and what that suggests."""

    finding = choice(Known, required=True)
    advice = choice(Advice, required=True)
    outage_id = ma.fields.UUID(allow_none=True)
    outage_number = ma.fields.String(allow_none=True)
    expected_at = ma.fields.AwareDateTime(allow_none=True)
    neighbours = ma.fields.Integer(allow_none=True)
    stopped_on = ma.fields.Date(allow_none=True)
