"""What the centre counts of a device's day, and the door to it (SPEC.md, D)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import marshmallow as ma
from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import fields
from sqlalchemy import text
from sqlalchemy.orm import Session

from mobile_sync.adapters.bodies import answer
from mobile_sync.adapters.epochs import current_epoch
from mobile_sync.protocol import FieldError, SyncProblem
from mobile_sync.wire import write_time

if TYPE_CHECKING:
    from mobile_sync.adapters.http import SyncHost

_FIRST, _LAST = date(2000, 1, 1), date(2999, 12, 31)

_OPS = text(
    """
    SELECT entity, kind, status, count(*) AS count FROM sync_op
    WHERE device_id = :device_id AND device_at >= :since AND device_at < :until
    GROUP BY entity, kind, status ORDER BY entity, kind, status
    """
)
_FILES = text(
    """
    SELECT kind, count(*) AS count, sum(size)::bigint AS bytes,
           count(*) FILTER (WHERE state = 'verified') AS verified,
           coalesce(sum(size) FILTER (WHERE state = 'verified'), 0)::bigint AS verified_bytes
    FROM (SELECT DISTINCT b.sha256, b.kind, b.size, b.state
          FROM sync_op o
          JOIN blob_ref r ON r.rec_id = o.rec_id AND r.entity = o.entity AND r.device_id = o.device_id
                             AND r.op_no = o.op_no
          JOIN blob b ON b.sha256 = r.sha256
          WHERE o.device_id = :device_id AND o.device_at >= :since AND o.device_at < :until) f
    GROUP BY kind ORDER BY kind
    """
)


class ProofOps(ma.Schema):
    """Ops of one kind on one sort of record with one result."""

    entity = fields.String(required=True)
    kind = fields.String(required=True)
    status = fields.String(required=True)
    count = fields.Integer(required=True)


class ProofFiles(ma.Schema):
    """Different files of one sort, and those of them that are verified."""

    kind = fields.String(required=True)
    count = fields.Integer(required=True)
    bytes = fields.Integer(required=True)
    verified = fields.Integer(required=True)
    verified_bytes = fields.Integer(required=True)


class ProofOut(ma.Schema):
    """A device's day as the centre counts it: what was made in [`since`, `until`) by the device's clock."""

    day = fields.Date(required=True)
    since = fields.AwareDateTime(required=True)
    until = fields.AwareDateTime(required=True)
    epoch = fields.String(required=True)
    server_at = fields.AwareDateTime(required=True)
    ops = fields.List(fields.Nested(ProofOps), required=True)
    files = fields.List(fields.Nested(ProofFiles), required=True)


def add_proof_route(blp: Blueprint, host: SyncHost[Any]) -> None:
    """`/proof?day=`."""
    day = {
        "in": "query",
        "name": "day",
        "required": True,
        "description": "A day of the device's host, as `2026-07-15`.",
        "schema": {"type": "string", "format": "date"},
    }

    @blp.route("/proof", methods=["GET"])
    @blp.doc(parameters=[day])
    @blp.response(200, ProofOut)
    def get_proof() -> Response:
        """Count a day of this device, to be compared with its own journal"""
        device = host.device()
        if device.revoked:
            raise SyncProblem("device_revoked", 403)
        asked = _day(request.args.to_dict(flat=True))
        with host.unit(device) as ctx:
            since, until = host.day(ctx, device, asked)
            session = host.session(ctx)
            told = {
                "day": asked.isoformat(),
                "since": write_time(since),
                "until": write_time(until),
                "epoch": current_epoch(session),
                "server_at": write_time(host.now(ctx)),
                **count_day(session, device.id, since, until),
            }
        return answer(json.dumps(told))


def count_day(session: Session, device_id: UUID, since: datetime, until: datetime) -> dict[str, Any]:
    """`{ops, files}` of what a device made in [since, until)."""
    bound = {"device_id": device_id, "since": since, "until": until}
    return {
        "ops": [dict(row) for row in session.execute(_OPS, bound).mappings()],
        "files": [dict(row) for row in session.execute(_FILES, bound).mappings()],
    }


def _day(asked: Mapping[str, str]) -> date:
    strange = [FieldError(name[:80], "unknown_field") for name in asked if name != "day"]
    if strange:
        raise SyncProblem("malformed", 422, *strange)
    try:
        day = date.fromisoformat(asked.get("day", ""))
    except ValueError as error:
        raise SyncProblem("malformed", 422, FieldError("day", "not_day")) from error
    if not _FIRST <= day <= _LAST:
        raise SyncProblem("malformed", 422, FieldError("day", "not_day"))
    return day
