"""The envelopes as marshmallow schemas: they refuse unknown members and write the OpenAPI document.

Ops are described here but read by `wire.read_op`, one by one, so that a broken op costs only itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from mobile_sync.incidents import MOST_KEPT
from mobile_sync.protocol import MAX_CHANGES, MAX_HASHES, MAX_INTEGER, MAX_OPS, Kind, Outcome, Status, Verb

_STATES = ["missing", "partial", "verified"]


class _Strict(ma.Schema):
    class Meta:
        """Unknown members are refused (W4)."""

        unknown = ma.RAISE


def _number(least: int = 0, **options: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(least, MAX_INTEGER - 1), **options)


def _hash() -> fields.String:
    return fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{64}\Z"))


def _checksum() -> fields.String:
    return fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{16}\Z"))


class SyncFile(_Strict):
    """A declared file."""

    sha256 = _hash()
    size = _number(1, required=True)
    mime = fields.String(required=True)
    kind = fields.String(required=True)
    slot = fields.String(required=True)


class SyncGps(_Strict):
    """Where the device was, WGS 84."""

    lon = fields.Float(required=True, validate=validate.Range(-180, 180))
    lat = fields.Float(required=True, validate=validate.Range(-90, 90))
    accuracy_m = fields.Float(required=True)
    at = fields.AwareDateTime()


class SyncOp(_Strict):
    """One change made on a device."""

    op_no = _number(1, required=True)
    entity = fields.String(required=True)
    rec_id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in Kind]))
    base_rev = _number(required=True)
    changed = fields.Dict(keys=fields.String(), required=True, data_key="fields")
    device_at = fields.AwareDateTime(required=True)
    group_no = _number(1, allow_none=True)
    group_size = _number(1, allow_none=True)
    depends_on = fields.List(_number(1), allow_none=True)
    schema_version = _number(1, allow_none=True)
    epoch = fields.String(allow_none=True, validate=validate.Length(max=100))
    gps = fields.Nested(SyncGps, allow_none=True)
    files = fields.List(fields.Nested(SyncFile), allow_none=True)


class _Ops(fields.List):
    """Objects, unread."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return value


class SyncProof(_Strict):
    """How a day's counts compared: ops with a result and verified files, on the device and at the centre (D3)."""

    day = fields.String(required=True, validate=validate.Regexp(r"\d{4}-\d\d-\d\d$"), metadata={"format": "date"})
    ops_here = _number(required=True)
    ops_there = _number(required=True)
    files_here = _number(required=True)
    files_there = _number(required=True)


class SyncReport(_Strict):
    """What a device tells of itself."""

    app_version = fields.String(allow_none=True, validate=validate.Length(max=100))
    queued_ops = _number(allow_none=True)
    queued_files = _number(allow_none=True)
    queued_bytes = _number(allow_none=True)
    oldest_queued_at = fields.String(allow_none=True, validate=validate.Length(max=40))
    storage_free_bytes = _number(allow_none=True)
    proof = fields.Nested(SyncProof, allow_none=True)


class PushIn(_Strict):
    """A batch."""

    schema_version = _number(1, required=True)
    sent_at = fields.Raw(required=True, metadata={"type": "string", "format": "date-time"})
    monotonic_ms = _number(required=True)
    epoch = fields.String(allow_none=True, validate=validate.Length(max=100))
    report = fields.Nested(SyncReport, allow_none=True)
    ops = _Ops(fields.Nested(SyncOp), required=True, validate=validate.Length(max=MAX_OPS))


class SyncError(ma.Schema):
    """A member at fault."""

    field = fields.String(required=True)
    reason = fields.String(required=True)


class SyncRefusal(ma.Schema):
    """Why an op was not written."""

    code = fields.String(required=True)
    params = fields.Dict(required=True)
    errors = fields.List(fields.Nested(SyncError), required=True)


class SyncFieldResult(ma.Schema):
    """A field that was not plainly written."""

    outcome = fields.String(required=True, validate=validate.OneOf([outcome.value for outcome in Outcome]))
    value = fields.Raw(required=True, allow_none=True)
    conflict_id = fields.UUID()


class SyncSaid(ma.Schema):
    """What the centre did with an op that waited."""

    verb = fields.String(required=True, validate=validate.OneOf([verb.value for verb in Verb]))
    at = fields.AwareDateTime(required=True)
    reason = fields.String()


class SyncResult(ma.Schema):
    """What became of an op."""

    op_no = _number(1, required=True)
    status = fields.String(required=True, validate=validate.OneOf([status.value for status in Status]))
    rev = _number(required=True)
    problem = fields.Nested(SyncRefusal)
    told = fields.Dict(keys=fields.String(), values=fields.Nested(SyncFieldResult), data_key="fields")
    centre = fields.Nested(SyncSaid)


class PushOut(ma.Schema):
    """Results in order of op_no."""

    epoch = fields.String(required=True)
    server_at = fields.AwareDateTime(required=True)
    expected = _number(1, required=True)
    results = fields.List(fields.Nested(SyncResult), required=True)


class SyncIncident(_Strict):
    """A replica that did not add up, in the server's times as the device heard them."""

    bucket = fields.String(required=True, validate=validate.Length(1, 200))
    found_at = fields.String(required=True, metadata={"format": "date-time"})
    expected_rows = _number(required=True)
    expected_checksum = _checksum()
    rows = _number(required=True)
    checksum = _checksum()
    healed_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class PullIn(_Strict):
    """Where the device stands."""

    epoch = fields.String(allow_none=True, load_default=None, validate=validate.Length(max=100))
    cursors = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 200)), values=fields.Raw(allow_none=True), load_default=dict
    )
    limit = fields.Integer(strict=True, validate=validate.Range(1, MAX_CHANGES))
    schema_version = _number(1, allow_none=True)
    mismatched = fields.List(fields.String(validate=validate.Length(1, 200)), validate=validate.Length(max=1_000))
    incidents = fields.List(fields.Nested(SyncIncident), validate=validate.Length(max=MOST_KEPT))
    report = fields.Nested(SyncReport, allow_none=True)

    def load(self, data: Any, **options: Any) -> Any:
        """Most pulls of a day are plainly right; looking at them member by member costs more than their answer."""
        return {"epoch": None, "cursors": {}, **data} if _plain_pull(data) else super().load(data, **options)


def _plain_pull(body: Mapping[str, Any]) -> bool:
    epoch, cursors, limit = body.get("epoch", ""), body.get("cursors", {}), body.get("limit", 1)
    version = body.get("schema_version", 1)
    return (
        body.keys() <= {"epoch", "cursors", "limit", "schema_version"}
        and (epoch is None or (epoch.__class__ is str and len(epoch) <= 100))
        and (limit.__class__ is int and 1 <= limit <= MAX_CHANGES)
        and (version.__class__ is int and 1 <= version < MAX_INTEGER)
        and cursors.__class__ is dict
        and all(1 <= len(key) <= 200 for key in cursors)
    )


class SyncBucket(ma.Schema):
    """A bucket as of the page."""

    key = fields.String(required=True)
    priority = fields.Integer(required=True)
    seq = _number(required=True)
    more = fields.Boolean(required=True)
    reset = fields.Boolean(required=True)
    row_count = _number(required=True, allow_none=True)
    checksum = fields.String(required=True, allow_none=True)


class SyncChange(ma.Schema):
    """A record in, or gone from, a bucket."""

    bucket = fields.String(required=True)
    seq = _number(required=True)
    entity = fields.String(required=True)
    id = fields.UUID(required=True)
    rev = _number(required=True)
    gone = fields.Boolean(required=True)
    doc = fields.Dict()


class PullOut(ma.Schema):
    """A page."""

    epoch = fields.String(required=True)
    server_at = fields.AwareDateTime(required=True)
    schema_version = _number(1, required=True)
    offers = fields.List(fields.String(), required=True)
    left = _number()
    buckets = fields.List(fields.Nested(SyncBucket), required=True)
    dropped = fields.List(fields.String(), required=True)
    changes = fields.List(fields.Nested(SyncChange), required=True)


class ServerKey(ma.Schema):
    """A public P-256 key (RFC 7517)."""

    kty = fields.String(required=True, validate=validate.Equal("EC"))
    crv = fields.String(required=True, validate=validate.Equal("P-256"))
    x = fields.String(required=True)
    y = fields.String(required=True)


class KeysOut(ma.Schema):
    """What bundles are sealed to, and what receipts are signed with."""

    seal = fields.Nested(ServerKey, required=True)
    sign = fields.Nested(ServerKey, required=True)


class RefusedFile(ma.Schema):
    """A file of a bundle that can never be kept."""

    sha256 = _hash()
    code = fields.String(required=True)


class BundleOut(ma.Schema):
    """What became of a bundle; nothing of what stands in it."""

    device_id = fields.UUID(required=True)
    first_op = _number(required=True)
    last_op = _number(required=True)
    expected = _number(1, required=True)
    results = fields.Dict(keys=fields.String(), values=_number(), required=True)
    files = _number(required=True)
    refused_files = fields.List(fields.Nested(RefusedFile), required=True)
    receipt = fields.String(required=True)


class BlobsIn(_Strict):
    """Content hashes a device wants to send."""

    hashes = fields.List(_hash(), required=True, validate=validate.Length(max=MAX_HASHES))


class BlobState(ma.Schema):
    """Whether the server has it, and where to go on."""

    sha256 = _hash()
    state = fields.String(required=True, validate=validate.OneOf(_STATES))
    upload_url = fields.String()
    offset = _number()


class BlobsOut(ma.Schema):
    """In the order asked. `keep_s`: how many seconds a device keeps an original after its receipt (B9)."""

    blobs = fields.List(fields.Nested(BlobState), required=True)
    keep_s = fields.Integer(required=True)
