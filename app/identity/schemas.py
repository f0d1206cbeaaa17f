"""Shapes of identity on the wire."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.identity.models import DeviceState, Role
from app.identity.rules import LONGEST_GIS_KEY
from app.kernel.fields import choice, phone, text
from app.kernel.paging import PageArgs, StrictSchema

LOCALES = ("zh-CN", "en")
LOGIN = r"^[a-z][a-z0-9._-]{1,31}\Z"


def _locale(**kwargs: Any) -> ma.fields.String:
    return ma.fields.String(validate=ma.validate.OneOf(LOCALES), **kwargs)


def _login(**kwargs: Any) -> ma.fields.String:
    return ma.fields.String(validate=ma.validate.Regexp(LOGIN), **kwargs)


class CredentialsIn(StrictSchema):
    """Login and password, as typed."""

    login = text(64, required=True)
    password = text(128, required=True)


class BranchOut(ma.Schema):
    """A branch; `center` is [longitude, latitude], `bbox` [west, south, east, north], degrees WGS 84.

    `timezone` is an IANA name: every day and hour of the branch's work is told in it, wherever the screen stands.
    `map_credit` is whom its maps must name, null where nobody.
    """

    id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    name_zh = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    timezone = ma.fields.String(required=True)
    synthetic = ma.fields.Boolean(required=True)
    map_credit = ma.fields.String(required=True, allow_none=True)
    center = ma.fields.List(ma.fields.Float(), allow_none=True, required=True)
    bbox = ma.fields.List(ma.fields.Float(), allow_none=True, required=True)


class MeOut(ma.Schema):
    """The signed-in person. `stream_url` is where the event stream is."""

    id = ma.fields.UUID(attribute="person.id", required=True)
    name = ma.fields.String(attribute="person.name", required=True)
    name_en = ma.fields.String(attribute="person.name_en", required=True)
    locale = _locale(attribute="person.locale", required=True)
    roles = ma.fields.List(ma.fields.String(), required=True)
    branches = ma.fields.List(ma.fields.Nested(BranchOut), required=True)
    permissions = ma.fields.List(ma.fields.String(), required=True)
    stream_url = ma.fields.String(required=True)
    server_time = ma.fields.AwareDateTime(required=True)


class MeIn(StrictSchema):
    """One's own choices."""

    locale = _locale(required=True)


class TokenPairOut(ma.Schema):
    """A token pair; `access_expires_in` in seconds."""

    access_token = ma.fields.String(required=True)
    access_expires_in = ma.fields.Integer(required=True)
    refresh_token = ma.fields.String(required=True)


class RefreshIn(StrictSchema):
    """The newest refresh token."""

    refresh_token = text(200, required=True)


class GrantOut(ma.Schema):
    """A role in a branch."""

    id = ma.fields.UUID(required=True)
    role = choice(Role, required=True)
    branch_id = ma.fields.UUID(required=True)


class GrantIn(StrictSchema):
    """A role to give, in the person's own branch unless another is named."""

    role = choice(Role, required=True)
    branch_id = ma.fields.UUID()


class PersonIn(StrictSchema):
    """A new colleague."""

    branch_id = ma.fields.UUID(required=True)
    org_unit_id = ma.fields.UUID()
    staff_no = text(32, required=True)
    name = text(80, required=True)
    name_en = text(80, required=True)
    phone = phone()
    login = _login()
    password = text(128)
    locale = _locale(load_default="zh-CN")


class PersonPatch(StrictSchema):
    """What may be changed of a colleague."""

    name = text(80)
    name_en = text(80)
    phone = phone(allow_none=True)
    login = _login()
    password = text(128)
    locale = _locale()
    active = ma.fields.Boolean()


class PersonOut(ma.Schema):
    """A colleague with their roles. Whether they have a password is nobody's business."""

    id = ma.fields.UUID(attribute="person.id", required=True)
    branch_id = ma.fields.UUID(attribute="person.branch_id", required=True)
    org_unit_id = ma.fields.UUID(attribute="person.org_unit_id", allow_none=True, required=True)
    staff_no = ma.fields.String(attribute="person.staff_no", required=True)
    name = ma.fields.String(attribute="person.name", required=True)
    name_en = ma.fields.String(attribute="person.name_en", required=True)
    phone = ma.fields.String(attribute="person.phone", allow_none=True, required=True)
    login = ma.fields.String(attribute="person.login", allow_none=True, required=True)
    locale = _locale(attribute="person.locale", required=True)
    active = ma.fields.Boolean(attribute="person.active", required=True)
    grants = ma.fields.List(ma.fields.Nested(GrantOut), required=True)


class PeopleArgs(PageArgs):
    """`q` looks in names and staff numbers."""

    q = text(80)


class PeopleOut(ma.Schema):
    """A page of people."""

    items = ma.fields.List(ma.fields.Nested(PersonOut), required=True)
    next = ma.fields.String(allow_none=True, required=True)


class DeviceOut(ma.Schema):
    """A tablet, how it fared when it last synced, and who is signed in on it.

    `clock_error_ms` is how far its clock is ahead of ours; `last_seen_at` its last sign-in or sync.
    """

    id = ma.fields.UUID(attribute="device.id", required=True)
    branch_id = ma.fields.UUID(attribute="device.branch_id", required=True)
    name = ma.fields.String(attribute="device.name", required=True)
    state = choice(DeviceState, attribute="device.state", required=True)
    wiped_at = ma.fields.AwareDateTime(attribute="device.wiped_at", allow_none=True, required=True)
    person_id = ma.fields.UUID(attribute="device.person_id", allow_none=True, required=True)
    enrolled_at = ma.fields.AwareDateTime(attribute="device.enrolled_at", required=True)
    last_seen_at = ma.fields.AwareDateTime(allow_none=True, required=True)
    app_version = ma.fields.String(attribute="health.app_version", allow_none=True, required=True)
    pending_ops = ma.fields.Integer(attribute="health.pending_ops", allow_none=True, required=True)
    oldest_pending_at = ma.fields.AwareDateTime(attribute="health.oldest_pending_at", allow_none=True, required=True)
    clock_error_ms = ma.fields.Integer(attribute="health.clock_error_ms", allow_none=True, required=True)
    person_name = ma.fields.String(allow_none=True, required=True)
    person_name_en = ma.fields.String(allow_none=True, required=True)


class DevicesOut(ma.Schema):
    """A page of tablets."""

    items = ma.fields.List(ma.fields.Nested(DeviceOut), required=True)
    next = ma.fields.String(allow_none=True, required=True)


class EnrolmentCodeIn(StrictSchema):
    """The name the tablet will have; the branch only for those who manage several."""

    name = text(80, required=True)
    branch_id = ma.fields.UUID()


class EnrolmentCodeOut(ma.Schema):
    """Shown once; `expires_at` half an hour from now."""

    code = ma.fields.String(required=True)
    expires_at = ma.fields.AwareDateTime(required=True)


class RevokeIn(StrictSchema):
    """Whether the tablet shall erase its data at the next contact."""

    wipe = ma.fields.Boolean(load_default=False)


P256_JWK = {
    "description": "RFC 7517, as WebCrypto exports it; without `d`",
    "required": ["kty", "crv", "x", "y"],
    "properties": {
        "kty": {"type": "string", "enum": ["EC"]},
        "crv": {"type": "string", "enum": ["P-256"]},
        "x": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
        "y": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
    },
}


class EnrolIn(CredentialsIn):
    """A tablet introduces itself."""

    code = text(20, required=True)
    name = ma.fields.String(load_default="", validate=ma.validate.Length(max=80))
    public_key = ma.fields.Dict(keys=ma.fields.String(), required=True, metadata=P256_JWK)


class TabletProof(StrictSchema):
    """A signature of the tablet's key over `device_id.<what is proved>.nonce`, base64url of r||s."""

    device_id = ma.fields.UUID(required=True)
    nonce = ma.fields.String(required=True, validate=ma.validate.Length(8, 100))
    signature = ma.fields.String(required=True, validate=ma.validate.Length(1, 200))


class TabletRefreshIn(TabletProof):
    """The newest refresh token, or the one before when its answer was lost.

    `signed_at` is the tablet's own time: a claim, kept by nobody. The clock is measured at each push.
    """

    refresh_token = text(200, required=True)
    signed_at = ma.fields.AwareDateTime(required=True)


class TabletLoginIn(TabletProof, CredentialsIn):
    """Another person signs in on an enrolled tablet."""


class TabletPersonOut(ma.Schema):
    """Who is signed in on the tablet."""

    id = ma.fields.UUID(required=True)
    branch_id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    locale = _locale(required=True)


class TabletCrewOut(ma.Schema):
    """The crew the person is in."""

    id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    name_zh = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)


class TabletOut(ma.Schema):
    """A tablet's login."""

    device_id = ma.fields.UUID(required=True)
    access_token = ma.fields.String(attribute="tokens.access_token", required=True)
    access_expires_in = ma.fields.Integer(attribute="tokens.access_expires_in", required=True)
    refresh_token = ma.fields.String(attribute="tokens.refresh_token", required=True)
    person = ma.fields.Nested(TabletPersonOut, required=True)
    crew = ma.fields.Nested(TabletCrewOut, allow_none=True, required=True)


class TrailArgs(PageArgs):
    """Only one kind of deed, if named."""

    action = text(60)


class TrailEntryOut(ma.Schema):
    """One line of the audit trail."""

    id = ma.fields.UUID(required=True)
    at = ma.fields.AwareDateTime(required=True)
    person_id = ma.fields.UUID(allow_none=True, required=True)
    device_id = ma.fields.UUID(allow_none=True, required=True)
    action = ma.fields.String(required=True)
    entity = ma.fields.String(required=True)
    entity_id = ma.fields.UUID(allow_none=True, required=True)
    detail = ma.fields.Dict(required=True)


class TrailOut(ma.Schema):
    """A page of the audit trail, newest first."""

    items = ma.fields.List(ma.fields.Nested(TrailEntryOut), required=True)
    next = ma.fields.String(allow_none=True, required=True)


class GisKeyIn(StrictSchema):
    """A key for one GIS program, by a name one knows it by, good for `days` days."""

    name = text(80, required=True)
    days = ma.fields.Integer(load_default=90, validate=ma.validate.Range(1, LONGEST_GIS_KEY.days))


class GisKeyOut(ma.Schema):
    """One of one's keys. `last_used_at` is written at most once an hour."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    made_at = ma.fields.AwareDateTime(required=True)
    expires_at = ma.fields.AwareDateTime(required=True)
    last_used_at = ma.fields.AwareDateTime(allow_none=True, required=True)
    revoked_at = ma.fields.AwareDateTime(allow_none=True, required=True)


class GisKeysOut(ma.Schema):
    """One's keys, the newest first."""

    items = ma.fields.List(ma.fields.Nested(GisKeyOut), required=True)


class GisKeyMade(ma.Schema):
    """A new key with its secret, which is shown this once."""

    key = ma.fields.Nested(GisKeyOut, required=True)
    secret = ma.fields.String(required=True)
