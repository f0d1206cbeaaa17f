"""Reads of what did not add up on a tablet, with the names of whose things they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from mobile_sync.adapters.sql import IncidentRow, incidents_of


class Holds(StrEnum):
    """Whose things a bucket has (`app.kernel.buckets`)."""

    CREW = "crew"
    REGION = "region"
    USER = "user"
    CATALOG = "catalog"
    OTHER = "other"  # a name that a tablet made up, or a later release's


@dataclass(frozen=True)
class Incident:
    """A bucket that did not add up. `kind`: rows were `missing`, `surplus`, or as many but `altered`."""

    bucket: str
    holds: Holds
    name_zh: str | None
    name_en: str | None
    kind: str
    expected_rows: int
    rows: int
    found_at: datetime
    healed_at: datetime | None
    reported_at: datetime


_NAMES = text(
    """
    SELECT 'crew' AS holds, id, code || ' ' || name_zh AS name_zh, code || ' ' || name_en AS name_en
    FROM crew WHERE branch_id = :branch AND id = ANY(:ids)
    UNION ALL
    SELECT 'region', id, name_zh, name_en FROM place WHERE branch_id = :branch AND id = ANY(:ids)
    UNION ALL
    SELECT 'user', id, name, name_en FROM person WHERE branch_id = :branch AND id = ANY(:ids)
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("branch", type_=Uuid))


def list_incidents(session: Session, branch_id: UUID, device_id: UUID, *, limit: int) -> list[Incident]:
    """Those of a tablet of this branch, what has not healed first, then the newest."""
    found = incidents_of(session, [device_id], limit=limit)
    read = {one.bucket: _read(one.bucket) for one in found}
    ids = [of for _, of in read.values() if of is not None]
    rows = session.execute(_NAMES, {"branch": branch_id, "ids": ids})
    names: dict[tuple[Holds, UUID | None], tuple[str, str]] = {}
    for row in rows:
        names[Holds(row.holds), row.id] = row.name_zh, row.name_en
    return [_named(one, read[one.bucket][0], *names.get(read[one.bucket], (None, None))) for one in found]


def _named(one: IncidentRow, holds: Holds, name_zh: str | None, name_en: str | None) -> Incident:
    return Incident(
        bucket=one.bucket,
        holds=holds,
        name_zh=name_zh,
        name_en=name_en,
        kind=one.kind,
        expected_rows=one.expected_rows,
        rows=one.rows,
        found_at=one.found_at,
        healed_at=one.healed_at,
        reported_at=one.reported_at,
    )


def _read(bucket: str) -> tuple[Holds, UUID | None]:
    """A bucket's name as a tablet wrote it."""
    holds, _, of = bucket.partition(":")
    try:
        return Holds(holds), UUID(of)
    except ValueError:
        return Holds.OTHER, None
