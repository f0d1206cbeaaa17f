"""Reads of outages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shapely import wkb
from shapely.geometry import Point
from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from app.customers.models import AreaKind, Premises
from app.identity.models import Branch
from app.kernel.actor import Actor, Permission
from app.kernel.geo import here
from app.kernel.paging import decode_cursor, encode_cursor, time_key, uuid_key
from app.kernel.problems import NotFound
from app.outages.models import Outage, OutageMerge, OutageState
from app.outages.rules import NEIGHBOUR_M, SAME_FAULT_RADIUS_M, Candidate


@dataclass(frozen=True)
class Neighbour:
    """The premises nearest to a call from the street."""

    address: str
    area_kind: AreaKind


def get_outage(session: Session, actor: Actor, outage_id: UUID) -> Outage:
    """An outage of a branch whose jobs the actor may read.

    Raises:
        NotFound: there is none, or it is of another branch.
    """
    outage = session.get(Outage, outage_id)
    if outage is None or outage.deleted_at is not None or not actor.may(Permission.READ_ALL_JOBS, outage.branch_id):
        raise NotFound
    return outage


def lock_outage(session: Session, outage_id: UUID) -> Outage | None:
    """An outage, held until the end of the transaction; None when there is none."""
    query = select(Outage).where(Outage.id == outage_id, Outage.deleted_at.is_(None)).with_for_update()
    return session.scalar(query, execution_options={"populate_existing": True})


def lock_outages(session: Session, outage_ids: Iterable[UUID]) -> dict[UUID, Outage]:
    """Those of the outages that are there, held until the end of the transaction: in one order, so that two queue."""
    query = select(Outage).where(Outage.id.in_(list(outage_ids)), Outage.deleted_at.is_(None))
    found = session.scalars(query.order_by(Outage.id).with_for_update(), execution_options={"populate_existing": True})
    return {outage.id: outage for outage in found}


@dataclass(frozen=True)
class CutOff:
    """Of the accounts that an outage cut off: how many remain so, and when the last of the others had supply again."""

    remaining: int
    last_back_at: datetime | None


def cut_off(session: Session, outage_ids: Iterable[UUID]) -> dict[UUID, CutOff]:
    """Whom these outages cut off, by outage; those of which nobody was noted are missing."""
    rows = session.execute(_CUT_OFF, {"outages": list(outage_ids)})
    return {row.outage_id: CutOff(row.remaining, row.last_back_at) for row in rows}


_CUT_OFF = text(
    """
    SELECT outage_id, count(*) FILTER (WHERE restored_at IS NULL) AS remaining, max(restored_at) AS last_back_at
    FROM interruption WHERE outage_id = ANY(:outages) GROUP BY outage_id
    """
)


def standing_merges(session: Session, outage_ids: Iterable[UUID]) -> dict[UUID, OutageMerge]:
    """How outages were merged, by outage; those that are not now are missing."""
    query = select(OutageMerge).where(OutageMerge.outage_id.in_(list(outage_ids)), OutageMerge.undone_at.is_(None))
    return {one.outage_id: one for one in session.scalars(query)}


def candidates_near(
    session: Session, branch_id: UUID, point: Point, *, node_id: UUID | None, since: datetime
) -> list[Candidate]:
    """Open outages of the branch within reach of the point, or suspected at the same device, opened since then.

    One that was merged counts by its own place for the one it was merged into, which may be over by now.
    """
    away_m = func.ST_Distance(Outage.location, here(point))
    near = func.ST_DWithin(Outage.location, here(point), SAME_FAULT_RADIUS_M)
    # What was merged draws calls to where it went: its neighbours are those of the same fault.
    stands = func.coalesce(Outage.merged_into_id, Outage.id)
    query = select(stands, Outage.commodity, Outage.opened_at, away_m, Outage.suspected_node_id).where(
        Outage.branch_id == branch_id,
        Outage.state.in_([OutageState.OPEN, OutageState.MERGED]),
        Outage.deleted_at.is_(None),
        Outage.opened_at >= since,
        near if node_id is None else or_(near, Outage.suspected_node_id == node_id),
    )
    return [Candidate(*row) for row in session.execute(query)]


def get_branch(session: Session, branch_id: UUID) -> Branch:
    """A branch by id."""
    return session.get_one(Branch, branch_id)


def premises_with_branch(session: Session, premises_id: UUID) -> tuple[Premises, Branch] | None:
    """A premises and the branch that supplies it; None when there is no such premises."""
    query = select(Premises, Branch).join(Branch, Branch.id == Premises.branch_id).where(Premises.id == premises_id)
    row = session.execute(query).first()
    return None if row is None else (row[0], row[1])


def branch_around(session: Session, branch_ids: list[UUID], point: Point) -> Branch | None:
    """Which of these branches supplies the point."""
    query = select(Branch).where(Branch.id.in_(branch_ids), func.ST_Covers(Branch.boundary, here(point)))
    return session.scalar(query.order_by(Branch.code).limit(1))


def neighbour_of(session: Session, branch_id: UUID, point: Point) -> Neighbour | None:
    """The nearest premises to a point, within `NEIGHBOUR_M`."""
    away_m = func.ST_Distance(Premises.location, here(point))
    query = select(Premises.address, Premises.area_kind, away_m).where(Premises.branch_id == branch_id)
    row = session.execute(query.order_by(Premises.location.op("<->")(here(point))).limit(1)).first()
    return None if row is None or row[2] > NEIGHBOUR_M else Neighbour(row[0], row[1])


@dataclass(frozen=True)
class Reported:
    """Calls from one node about one open outage: how many customers."""

    node_id: UUID
    outage_id: UUID
    number: str
    calls: int


def reports(session: Session, branch_id: UUID, since: datetime) -> list[Reported]:
    """Who has called since then about open losses of power, by the node that feeds them; a customer counts once."""
    found = session.execute(_REPORTS, {"branch_id": branch_id, "since": since})
    return [Reported(*row) for row in found]


_REPORTS = text(
    """
    SELECT p.service_node_id, o.id, o.number, count(DISTINCT coalesce(d.caller_phone, d.premises_id::text)) AS calls
    FROM demand d JOIN premises p ON p.id = d.premises_id
    JOIN outage o ON o.id = d.outage_id AND o.state = 'open' AND o.commodity = 'power' AND o.deleted_at IS NULL
    WHERE d.branch_id = :branch_id AND d.taken_at >= :since AND d.symptom IN ('no_supply', 'partial_supply')
      AND p.service_node_id IS NOT NULL
    GROUP BY 1, 2, 3 ORDER BY 2, 1
    """
)


@dataclass(frozen=True)
class Told:
    """What is known beyond calls: nodes where somebody says they have power, and devices confirmed as failed."""

    lit: list[UUID]
    failed_nodes: list[UUID]
    failed_links: list[UUID]


def told(session: Session, branch_id: UUID, since: datetime) -> Told:
    """What customers answered since then when they were called, and what was confirmed of outages that still last."""
    bound = {"branch_id": branch_id, "since": since}
    failed = session.execute(_CONFIRMED, bound).all()
    return Told(
        lit=list(session.scalars(_LIT, bound)),
        failed_nodes=[row.node_id for row in failed if row.node_id],
        failed_links=[row.link_id for row in failed if row.link_id],
    )


# The newest word of a customer counts: an earlier "has power" is no news once they were called again.
_LIT = text(
    """
    SELECT DISTINCT p.service_node_id FROM (
        SELECT DISTINCT ON (account_id) account_id, answer, at FROM contact
        WHERE branch_id = :branch_id ORDER BY account_id, at DESC, id DESC
    ) last JOIN account a ON a.id = last.account_id AND a.service = 'power'
    JOIN premises p ON p.id = a.premises_id AND p.service_node_id IS NOT NULL
    WHERE last.answer = 'has_power' AND last.at >= :since ORDER BY 1
    """
)
_CONFIRMED = text(
    """
    SELECT c.node_id, c.link_id FROM confirmation c
    JOIN outage o ON o.id = c.outage_id AND o.state = 'open' AND o.commodity = 'power'
    WHERE c.branch_id = :branch_id AND c.undone_at IS NULL ORDER BY c.id
    """
)


def devices(session: Session, nodes: list[UUID], links: list[UUID]) -> dict[UUID, dict[str, Any]]:
    """What these nodes and links are called and where they are, by id."""
    rows = session.execute(_DEVICES, {"nodes": nodes, "links": links}).mappings()
    return {row["id"]: {**row, "location": wkb.loads(bytes(row["location"]))} for row in rows}


_DEVICES = text(
    """
    SELECT id, 'node' AS of, kind, code, name, feeder_code, ST_AsBinary(location) AS location
    FROM network_node WHERE id = ANY(:nodes)
    UNION ALL
    SELECT id, 'link', kind, code, name, feeder_code, ST_AsBinary(ST_LineInterpolatePoint(path::geometry, 0.5))
    FROM network_link WHERE id = ANY(:links)
    """
)


OUTAGE_JSON = """
    SELECT o.id, o.rev, o.branch_id, o.number, o.commodity, o.state, ST_AsGeoJSON(o.location)::json AS location,
           o.suspected_node_id, n.code AS suspected_node_code, n.name AS suspected_node_name,
           n.kind AS suspected_node_kind, o.cause, o.opened_at, o.restored_at, o.closed_at,
           (SELECT count(*) FROM demand d WHERE d.outage_id = o.id) AS calls,
           coalesce((SELECT json_agg(json_build_object('id', j.id, 'number', j.number, 'kind', j.kind, 'state', j.state,
                         'priority', j.priority, 'address', j.address, 'due_at', j.due_at,
                         'crew_id', a.crew_id, 'crew_code', c.code) ORDER BY j.opened_at, j.id)
                     FROM job j LEFT JOIN assignment a ON a.job_id = j.id AND a.ended_at IS NULL
                     LEFT JOIN crew c ON c.id = a.crew_id
                     WHERE j.outage_id = o.id AND j.deleted_at IS NULL), '[]'::json) AS jobs
    FROM outage o LEFT JOIN network_node n ON n.id = o.suspected_node_id
"""


def outages_json(
    session: Session, branch_ids: list[UUID], state: OutageState | None, *, limit: int, cursor: str | None
) -> bytes:
    """A page of these branches' outages, newest first, as the bytes of `{"items": […], "next": …}`. One query.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    keys = decode_cursor(cursor, keys=2)
    after = (None, None) if keys is None else (time_key(keys[0]), uuid_key(keys[1]))
    params: dict[str, Any] = {"branches": branch_ids, "limit": limit, "state": None if state is None else state.value}
    row = session.execute(_LIST, {**params, "after_at": after[0], "after_id": after[1]}).one()
    end = f'"{encode_cursor(row.last_at.isoformat(), row.last_id)}"' if row.more else "null"
    return f'{{"items":{row.items},"next":{end}}}'.encode()


def outage_json(session: Session, outage_id: UUID) -> bytes:
    """One outage as JSON. The caller has asked whether it may be seen."""
    return str(session.execute(_ONE, {"outage_id": outage_id}).scalar_one()).encode()


_LIST = text(
    f"""
    WITH p AS ({OUTAGE_JSON} WHERE o.deleted_at IS NULL AND o.branch_id = ANY(:branches)
               AND (CAST(:state AS text) IS NULL OR o.state = :state)
               AND (CAST(:after_at AS timestamptz) IS NULL
                    OR (o.opened_at, o.id) < (:after_at, CAST(:after_id AS uuid)))
               ORDER BY o.opened_at DESC, o.id DESC LIMIT :limit + 1),
    shown AS (SELECT * FROM p ORDER BY opened_at DESC, id DESC LIMIT :limit),
    last AS (SELECT opened_at, id FROM shown ORDER BY opened_at, id LIMIT 1)
    SELECT (SELECT coalesce(json_agg(shown), '[]')::text FROM shown) AS items,
           (SELECT count(*) FROM p) > :limit AS more,
           (SELECT opened_at FROM last) AS last_at, (SELECT id FROM last) AS last_id
    """  # noqa: S608  # fixed fragments; every value is a parameter
)
_ONE = text(f"SELECT to_json(t)::text FROM ({OUTAGE_JSON} WHERE o.id = :outage_id) t")  # noqa: S608  # as above


def find_outages(session: Session, branch_ids: list[UUID], q: str, *, limit: int) -> list[Outage]:
    """Outages by the beginning or end of their number, newest first."""
    wanted = q.upper()
    named = or_(Outage.number.startswith(wanted, autoescape=True), Outage.number.endswith(wanted, autoescape=True))
    query = select(Outage).where(Outage.branch_id.in_(branch_ids), Outage.deleted_at.is_(None), named)
    return list(session.scalars(query.order_by(Outage.opened_at.desc(), Outage.id.desc()).limit(limit)))
