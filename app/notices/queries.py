"""Reads of notices: what is due, what is to be said to whom, and the list of an outage."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.customers.models import Party, Premises
from app.identity.models import Branch
from app.kernel.paging import decode_cursor, time_key, uuid_key
from app.notices.models import Notice, NoticeState
from app.outages.models import Outage
from app.supply.models import Estimate

# Of each customer who is to be told by a channel: where, since when, and whether anything of theirs is still out.
_PARTIES = """
    estimated AS (
        SELECT id, said_at, lag(id) OVER (ORDER BY said_at, id) IS NOT NULL AS again
        FROM estimate WHERE outage_id = :outage_id
    ), newest AS (
        SELECT * FROM estimated ORDER BY said_at DESC, id DESC LIMIT 1
    ), told AS (
        SELECT DISTINCT ON (a.party_id) a.party_id, a.premises_id, i.branch_id, i.begun_at,
               bool_or(i.restored_at IS NULL) OVER (PARTITION BY a.party_id) AS out,
               y.notice_channel AS channel, coalesce(y.notice_locale, 'zh-CN') AS locale
        FROM interruption i JOIN account a ON a.id = i.account_id JOIN party y ON y.id = a.party_id
        WHERE i.outage_id = :outage_id AND y.notice_channel IS NOT NULL
        ORDER BY a.party_id, i.restored_at IS NULL DESC, i.begun_at DESC, a.premises_id
    )
"""
_KNOWN = "k.outage_id = :outage_id AND k.party_id = t.party_id AND k.begun_at = t.begun_at AND k.stage = 'known'"
_TO_SAY = text(
    f"""
    WITH {_PARTIES}
    SELECT t.*, 'known' AS stage, NULL::uuid AS estimate_id FROM told t
    WHERE t.out AND NOT EXISTS (SELECT FROM notice k WHERE {_KNOWN})
    UNION ALL
    SELECT t.*, CASE WHEN e.again THEN 'changed' ELSE 'expected' END, e.id FROM told t CROSS JOIN newest e
    WHERE t.out AND EXISTS (SELECT FROM notice k WHERE {_KNOWN} AND k.created_at < e.said_at)
      AND NOT EXISTS (SELECT FROM notice d WHERE d.outage_id = :outage_id AND d.party_id = t.party_id
                      AND d.begun_at = t.begun_at AND d.estimate_id = e.id)
    UNION ALL
    SELECT t.*, 'restored', NULL FROM told t
    WHERE NOT t.out AND EXISTS (SELECT FROM notice k WHERE {_KNOWN} AND k.state <> 'dropped')
      AND NOT EXISTS (SELECT FROM notice d WHERE d.outage_id = :outage_id AND d.party_id = t.party_id
                      AND d.begun_at = t.begun_at AND d.stage = 'restored')
    ORDER BY party_id
    """  # noqa: S608 - composed of constants
)


def to_say(session: Session, outage_id: UUID) -> list[dict[str, Any]]:
    """What is to be said now and was not: a row of a notice each."""
    return [dict(row) for row in session.execute(_TO_SAY, {"outage_id": outage_id}).mappings()]


def true_again(session: Session, outage_id: UUID) -> list[UUID]:
    """Notices that were left unsaid because they had become untrue, and are true again."""
    return list(session.scalars(_TRUE_AGAIN, {"outage_id": outage_id}))


_TRUE_AGAIN = text(
    f"""
    WITH {_PARTIES}
    SELECT n.id FROM notice n JOIN told t ON t.party_id = n.party_id AND t.begun_at = n.begun_at
    WHERE n.outage_id = :outage_id AND n.state = 'dropped' AND (n.stage = 'restored') <> t.out
      AND (n.estimate_id IS NULL OR n.estimate_id = (SELECT id FROM newest))
      AND (n.stage <> 'restored' OR EXISTS (SELECT FROM notice k WHERE {_KNOWN} AND k.state <> 'dropped'))
    """  # noqa: S608 - as above
)


@dataclass(frozen=True)
class Due:
    """A notice to be said now, with what it speaks of. `out`: whether its customer is still without supply."""

    notice: Notice
    outage: Outage
    branch: Branch
    party: Party
    premises: Premises
    expected_at: datetime | None


def due(session: Session, now: datetime, *, limit: int) -> list[Due]:
    """Notices to be said now, oldest first, held; what another sender holds is left to it."""
    query = (
        select(Notice, Outage, Branch, Party, Premises)
        .join(Outage, Outage.id == Notice.outage_id)
        .join(Branch, Branch.id == Notice.branch_id)
        .join(Party, Party.id == Notice.party_id)
        .join(Premises, Premises.id == Notice.premises_id)
        .where(Notice.state == NoticeState.QUEUED, Notice.due_at <= now)
    )
    rows = session.execute(
        query.order_by(Notice.due_at, Notice.id).limit(limit).with_for_update(of=Notice, skip_locked=True)
    ).all()
    times = _expected(session, {row[1].id for row in rows})
    return [Due(*row, expected_at=times.get(row[0].estimate_id or row[1].id)) for row in rows]


def _expected(session: Session, outage_ids: set[UUID]) -> dict[UUID, datetime]:
    """What was expected, by estimate; and by outage what is expected now."""
    query = select(Estimate.id, Estimate.outage_id, Estimate.expected_at).where(Estimate.outage_id.in_(outage_ids))
    found: dict[UUID, datetime] = {}
    for estimate_id, outage_id, expected_at in session.execute(query.order_by(Estimate.said_at, Estimate.id)):
        found[estimate_id] = found[outage_id] = expected_at
    return found


def parties_out(session: Session, outage_ids: set[UUID]) -> set[tuple[UUID, UUID]]:
    """(outage, customer) of those who are still without supply."""
    return {(row.outage_id, row.party_id) for row in session.execute(_OUT, {"outages": list(outage_ids)})}


_OUT = text(
    """
    SELECT DISTINCT i.outage_id, a.party_id FROM interruption i JOIN account a ON a.id = i.account_id
    WHERE i.outage_id = ANY(:outages) AND i.restored_at IS NULL
    """
)


def notices(
    session: Session, outage_id: UUID, *, state: NoticeState | None, limit: int, cursor: str | None
) -> list[dict[str, Any]]:
    """Up to `limit` + 1 notices of an outage with whom they are for, newest first.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    query = (
        select(Notice, Party.name, Premises.address)
        .join(Party, Party.id == Notice.party_id)
        .join(Premises, Premises.id == Notice.premises_id)
        .where(Notice.outage_id == outage_id)
    )
    if state is not None:
        query = query.where(Notice.state == state)
    if (keys := decode_cursor(cursor, keys=2)) is not None:
        at, last = time_key(keys[0]), uuid_key(keys[1])
        query = query.where((Notice.created_at < at) | ((Notice.created_at == at) & (Notice.id < last)))
    rows = session.execute(query.order_by(Notice.created_at.desc(), Notice.id.desc()).limit(limit + 1))
    return [{**vars(one), "name": name, "address": address} for one, name, address in rows]


def counts(session: Session, outage_id: UUID) -> list[dict[str, Any]]:
    """How many notices of an outage stand where, by stage and state."""
    rows = session.execute(select(Notice.stage, Notice.state).where(Notice.outage_id == outage_id))
    found = Counter((stage, state) for stage, state in rows)
    return [{"stage": stage, "state": state, "n": n} for (stage, state), n in sorted(found.items())]


def nobody_to_tell(session: Session, outage_id: UUID) -> int:
    """How many customers an outage cut off who asked for no notices: they learn of it by a call or the public page."""
    return session.scalar(_UNTOLD, {"outage_id": outage_id}) or 0


_UNTOLD = text(
    """
    SELECT count(DISTINCT y.id) FROM interruption i JOIN account a ON a.id = i.account_id
    JOIN party y ON y.id = a.party_id WHERE i.outage_id = :outage_id AND y.notice_channel IS NULL
    """
)


def branch_of(session: Session, outage: Outage) -> Branch:
    """The branch of an outage."""
    return session.get_one(Branch, outage.branch_id)


def expected_now(session: Session, outage_id: UUID) -> datetime | None:
    """When the outage's supply is expected back."""
    return _expected(session, {outage_id}).get(outage_id)


def get_notice(session: Session, notice_id: UUID) -> Notice | None:
    """A notice, held until the end of the transaction."""
    return session.scalar(select(Notice).where(Notice.id == notice_id).with_for_update())


# -- what is public ----------------------------------------------------------------------------------------------------


def branches(session: Session, code: str | None) -> list[Branch]:
    """All branches, or the one with this code."""
    query = select(Branch).order_by(Branch.code)
    return list(session.scalars(query if code is None else query.where(Branch.code == code)))


def public_outages(session: Session, branch_id: UUID, *, since: datetime) -> list[Any]:
    """The branch's outages of which it is known whom they cut off, that last or ended since then, newest first."""
    return list(session.execute(_PUBLIC, {"branch_id": branch_id, "since": since}))


_PUBLIC = text(
    """
    SELECT o.id, o.number, o.commodity, s.planned, s.begun_at, s.remaining, e.expected_at,
           greatest(c.at, r.said_at, e.said_at) AS updated_at
    FROM outage o
    CROSS JOIN LATERAL (
        SELECT min(begun_at) AS begun_at, bool_or(cause_class = 'planned') AS planned, count(*) AS n,
               count(*) FILTER (WHERE restored_at IS NULL) AS remaining, max(restored_at) AS back_at
        FROM interruption WHERE outage_id = o.id
    ) s
    LEFT JOIN confirmation c ON c.outage_id = o.id AND c.undone_at IS NULL
    LEFT JOIN LATERAL (SELECT max(said_at) AS said_at FROM restoration WHERE outage_id = o.id) r ON true
    LEFT JOIN LATERAL (
        SELECT expected_at, said_at FROM estimate WHERE outage_id = o.id ORDER BY said_at DESC, id DESC LIMIT 1
    ) e ON true
    WHERE o.branch_id = :branch_id AND o.deleted_at IS NULL AND s.n > 0 AND c.id IS NOT NULL
      AND (s.remaining > 0 OR s.back_at >= :since)
    ORDER BY s.begun_at DESC, o.id DESC
    """
)


@dataclass(frozen=True)
class AreaCount:
    """How many accounts of an outage lie in an area, and what is around it: the sub-district, and the branch."""

    outage_id: UUID
    area_id: UUID
    name_zh: str
    name_en: str
    above_id: UUID
    above_zh: str
    above_en: str
    branch_id: UUID
    branch_zh: str
    branch_en: str
    affected: int
    remaining: int


def area_counts(session: Session, outage_ids: list[UUID]) -> list[AreaCount]:
    """By outage and community (or village, or park); what lies in none is told of the branch."""
    return [AreaCount(*row) for row in session.execute(_AREAS, {"outages": outage_ids})]


_AREAS = text(
    """
    WITH RECURSIVE up AS (
        SELECT id AS place_id, id, parent_id, kind, name_zh, name_en, 0 AS steps FROM place
        UNION ALL
        SELECT up.place_id, p.id, p.parent_id, p.kind, p.name_zh, p.name_en, up.steps + 1
        FROM up JOIN place p ON p.id = up.parent_id WHERE up.steps < 8
    ), near AS (
        SELECT DISTINCT ON (place_id) * FROM up WHERE kind IN ('community', 'village', 'industrial_park')
        ORDER BY place_id, steps
    ), wide AS (
        SELECT DISTINCT ON (place_id) * FROM up WHERE kind = 'sub_district' ORDER BY place_id, steps
    ), latest AS (
        SELECT DISTINCT ON (outage_id, account_id) outage_id, account_id, restored_at FROM interruption
        WHERE outage_id = ANY(:outages) ORDER BY outage_id, account_id, begun_at DESC
    )
    SELECT l.outage_id,
           coalesce(n.id, w.id, b.id), coalesce(n.name_zh, w.name_zh, b.name_zh),
           coalesce(n.name_en, w.name_en, b.name_en),
           coalesce(w.id, b.id), coalesce(w.name_zh, b.name_zh), coalesce(w.name_en, b.name_en),
           b.id, b.name_zh, b.name_en,
           count(*) AS affected, count(*) FILTER (WHERE l.restored_at IS NULL) AS remaining
    FROM latest l JOIN account a ON a.id = l.account_id JOIN premises p ON p.id = a.premises_id
    JOIN branch b ON b.id = p.branch_id
    LEFT JOIN near n ON n.place_id = p.place_id LEFT JOIN wide w ON w.place_id = p.place_id
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 ORDER BY 1, affected DESC, 3
    """
)
