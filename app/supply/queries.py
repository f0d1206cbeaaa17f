"""Reads of supply: whom an outage cut off in the order of calls, its stages, and what an operation did."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, func, select, text
from sqlalchemy.orm import Session

from app.demands.models import Demand
from app.grid.models import Switching
from app.identity.models import Person
from app.jobs.models import Job, JobState
from app.kernel.paging import decode_cursor
from app.kernel.problems import FieldError, Invalid
from app.network.models import Commodity, NetworkLink
from app.outages.models import Outage, OutageState
from app.outages.queries import devices
from app.reliability.models import Interruption
from app.supply.models import Confirmation, Contact, Estimate, Restoration
from app.supply.rules import CALL_ORDER, Side

AT_NODES = "(CASE i.commodity WHEN 'gas' THEN p.riser_node_id ELSE p.service_node_id END) = ANY(:nodes)"


def first_evidence(session: Session, outage: Outage) -> datetime:
    """When the outage was first spoken of: its oldest call, or when it was opened."""
    oldest = session.scalar(select(func.min(Demand.taken_at)).where(Demand.outage_id == outage.id))
    return min(outage.opened_at, oldest or outage.opened_at)


def standing_confirmation(session: Session, outage_id: UUID) -> Confirmation | None:
    """The device confirmed for the outage now."""
    query = select(Confirmation).where(Confirmation.outage_id == outage_id, Confirmation.undone_at.is_(None))
    return session.scalar(query)


def accounts_at(session: Session, commodity: Commodity, nodes: list[UUID]) -> list[UUID]:
    """The accounts of a service that hang at these nodes."""
    return list(session.scalars(_ACCOUNTS, {"commodity": commodity.value, "nodes": nodes}))


_ACCOUNTS = text(
    """
    SELECT a.id FROM account a JOIN premises p ON p.id = a.premises_id
    WHERE a.service = :commodity
      AND (CASE :commodity WHEN 'gas' THEN p.riser_node_id ELSE p.service_node_id END) = ANY(:nodes)
    ORDER BY a.id
    """
).bindparams(bindparam("nodes", type_=ARRAY(Uuid)))


def failed_devices(session: Session, branch_id: UUID, commodity: Commodity) -> dict[UUID, datetime]:
    """The devices confirmed as failed behind which somebody is still without supply, and since when it is known."""
    still = select(Interruption.id).where(Interruption.outage_id == Outage.id, Interruption.restored_at.is_(None))
    query = (
        select(func.coalesce(Confirmation.node_id, Confirmation.link_id), func.min(Confirmation.at))
        .join(Outage, Outage.id == Confirmation.outage_id)
        .where(Outage.branch_id == branch_id, Outage.commodity == commodity)
        .where(Confirmation.undone_at.is_(None), still.exists())
        .group_by(func.coalesce(Confirmation.node_id, Confirmation.link_id))
    )
    return {row[0]: row[1] for row in session.execute(query)}


def still_out_at(session: Session, switching: Switching, nodes: list[UUID]) -> dict[UUID, list[UUID]]:
    """Who of these nodes' accounts was without supply when something was operated, by outage."""
    return _by_outage(session, _STILL_OUT, switching, nodes)


def back_before_at(session: Session, switching: Switching, nodes: list[UUID]) -> dict[UUID, list[UUID]]:
    """Who of these nodes' accounts had come back from an outage that is not over, by outage."""
    return _by_outage(session, _CAME_BACK, switching, nodes)


def _by_outage(session: Session, query: Any, switching: Switching, nodes: list[UUID]) -> dict[UUID, list[UUID]]:
    what = {"branch_id": switching.branch_id, "commodity": switching.commodity.value, "at": switching.at}
    found: dict[UUID, list[UUID]] = {}
    for row in session.execute(query, {**what, "nodes": nodes}):
        found.setdefault(row.outage_id, []).append(row.account_id)
    return found


_STILL_OUT = text(
    f"""
    SELECT i.outage_id, i.account_id
    FROM interruption i JOIN account a ON a.id = i.account_id JOIN premises p ON p.id = a.premises_id
    WHERE i.branch_id = :branch_id AND i.commodity = :commodity AND i.restored_at IS NULL AND i.begun_at < :at
      AND {AT_NODES}
    ORDER BY i.outage_id, i.account_id
    """  # noqa: S608 - composed of constants
).bindparams(bindparam("nodes", type_=ARRAY(Uuid)))
_CAME_BACK = text(
    f"""
    SELECT last.outage_id, last.account_id FROM (
        SELECT DISTINCT ON (i.account_id) i.outage_id, i.account_id, i.restored_at
        FROM interruption i JOIN account a ON a.id = i.account_id JOIN premises p ON p.id = a.premises_id
        WHERE i.branch_id = :branch_id AND i.commodity = :commodity AND {AT_NODES}
        ORDER BY i.account_id, i.begun_at DESC
    ) last JOIN outage o ON o.id = last.outage_id AND o.state IN ('open', 'restored')
    WHERE last.restored_at < :at ORDER BY 1, 2
    """  # noqa: S608 - as above
).bindparams(bindparam("nodes", type_=ARRAY(Uuid)))


def stages_of_switching(session: Session, switching_id: UUID) -> list[Restoration]:
    """What an operation brought back, of whichever outages, as far as it stands."""
    query = select(Restoration).where(Restoration.switching_id == switching_id, Restoration.undone_at.is_(None))
    return list(session.scalars(query.order_by(Restoration.outage_id)))


def outages_darkened_at(session: Session, branch_id: UUID, commodity: Commodity, at: datetime) -> list[UUID]:
    """The outages of which somebody went out at exactly this moment and is out still."""
    query = select(Interruption.outage_id).where(
        Interruption.branch_id == branch_id,
        Interruption.commodity == commodity,
        Interruption.begun_at == at,
        Interruption.restored_at.is_(None),
    )
    return list(session.scalars(query.distinct().order_by(Interruption.outage_id)))


def class_of(session: Session, outage_id: UUID) -> Any:
    """The class of cause of the outage's interruptions."""
    return session.scalar(select(Interruption.cause_class).where(Interruption.outage_id == outage_id).limit(1))


def still_out(session: Session, outage_id: UUID, among: Collection[UUID] | None = None) -> list[UUID]:
    """The accounts that the outage keeps without supply, of all or of these."""
    query = select(Interruption.account_id).where(
        Interruption.outage_id == outage_id, Interruption.restored_at.is_(None)
    )
    found = session.scalars(query.order_by(Interruption.account_id))
    return [one for one in found if among is None or one in among]


def said_to_have_power(session: Session, outage_id: UUID) -> list[UUID]:
    """The accounts that said so at the last call."""
    return list(session.scalars(_ANSWERED, {"outage_id": outage_id}))


_ANSWERED = text(
    """
    SELECT account_id FROM (
        SELECT DISTINCT ON (account_id) account_id, answer FROM contact WHERE outage_id = :outage_id
        ORDER BY account_id, at DESC, id DESC
    ) last WHERE answer = 'has_power' ORDER BY 1
    """
)


def was_cut_off(session: Session, outage_id: UUID, account_id: UUID) -> bool:
    """Whether the outage took this account's supply."""
    query = select(Interruption.id).where(Interruption.outage_id == outage_id, Interruption.account_id == account_id)
    return session.scalar(query.limit(1)) is not None


def crews_say_restored(session: Session, outage_id: UUID) -> datetime | None:
    """When the last crew of the outage reported supply back; None while one has not, or there is none."""
    query = select(Job.state, Job.restored_at, Job.completed_at).where(
        Job.outage_id == outage_id, Job.deleted_at.is_(None), Job.state != JobState.CANCELLED
    )
    times = [restored or completed for _state, restored, completed in session.execute(query)]
    return None if not times or None in times else max(time for time in times if time)


# -- the list of calls -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """Which of an outage's affected: those still out, those back, or all, from a place in the order of calls."""

    outage_id: UUID
    side: Side | None = None
    cursor: str | None = None
    limit: int = 50


def affected(session: Session, asked: Asked, now: datetime) -> list[dict[str, Any]]:
    """Up to `limit` + 1 accounts that an outage cut off, in the order of calls (`rules.CALL_ORDER`, then by number).

    Raises:
        Invalid: the cursor is not one of ours.
    """
    keys = decode_cursor(asked.cursor, keys=2)
    if keys is not None and not (keys[0].isdecimal() and len(keys[0]) < 4):
        raise Invalid(FieldError("cursor", "invalid"))
    params = {
        "outage_id": asked.outage_id,
        "side": asked.side and asked.side.value,
        "now": now,
        "order": [one.value for one in CALL_ORDER],
        "last": len(CALL_ORDER) + 1,
        "after_rank": int(keys[0]) if keys else 0,
        "after_number": keys[1] if keys else "",
        "limit": asked.limit + 1,
    }
    return [dict(row) for row in session.execute(_AFFECTED, params).mappings()]


_LATEST = """
    latest AS (
        SELECT DISTINCT ON (account_id) account_id, branch_id, begun_at, restored_at, stage FROM interruption
        WHERE outage_id = :outage_id ORDER BY account_id, begun_at DESC
    ), need AS (
        SELECT s.party_id, array_agg(DISTINCT s.kind) AS kinds FROM special_need s
        WHERE s.branch_id = (SELECT branch_id FROM outage WHERE id = :outage_id)
          AND (s.consented_at IS NOT NULL OR s.kind LIKE 'important_%') AND coalesce(s.valid_until > :now, true)
        GROUP BY 1
    )
"""
_AFFECTED = text(
    f"""
    WITH {_LATEST}, answered AS (
        SELECT DISTINCT ON (account_id) account_id, answer, at FROM contact
        WHERE outage_id = :outage_id ORDER BY account_id, at DESC, id DESC
    ), ranked AS (
        SELECT l.account_id, a.number, a.tier, p.id AS premises_id, p.address, p.address_en, y.name, y.phone,
               coalesce(n.kinds, '{{}}') AS needs, l.begun_at, l.restored_at, l.stage,
               c.answer, c.at AS answered_at,
               coalesce((SELECT min(array_position(:order, one))
                         FROM unnest(coalesce(n.kinds, '{{}}') || a.tier) one), :last) AS rank
        FROM latest l JOIN account a ON a.id = l.account_id JOIN premises p ON p.id = a.premises_id
        JOIN party y ON y.id = a.party_id LEFT JOIN need n ON n.party_id = a.party_id
        LEFT JOIN answered c ON c.account_id = l.account_id
    )
    SELECT * FROM ranked
    WHERE (CAST(:side AS text) IS NULL OR (restored_at IS NULL) = (:side = 'out'))
      AND (rank, number) > (:after_rank, :after_number)
    ORDER BY rank, number LIMIT :limit
    """  # noqa: S608 - composed of constants
).bindparams(bindparam("order", type_=ARRAY(Text)))


@dataclass(frozen=True)
class Figures:
    """How many accounts an outage cut off, how many still are, and of these how many of each need and tier."""

    affected: int
    remaining: int
    flags: dict[str, int]


def figures(session: Session, outage_id: UUID, now: datetime) -> Figures:
    """Counted in one pass."""
    params = {"outage_id": outage_id, "now": now, "order": [one.value for one in CALL_ORDER]}
    row = session.execute(_FIGURES, params).one()
    return Figures(row.affected, row.remaining, row.flags or {})


_FIGURES = text(
    f"""
    WITH {_LATEST}, flag AS (
        SELECT one, count(*) AS n
        FROM latest l JOIN account a ON a.id = l.account_id LEFT JOIN need n ON n.party_id = a.party_id
        CROSS JOIN unnest(coalesce(n.kinds, '{{}}') || a.tier) one
        WHERE l.restored_at IS NULL AND one = ANY(:order) GROUP BY one
    )
    SELECT (SELECT count(*) FROM latest) AS affected,
           (SELECT count(*) FROM latest WHERE restored_at IS NULL) AS remaining,
           (SELECT json_object_agg(one, n ORDER BY one) FROM flag) AS flags
    """  # noqa: S608 - as above
).bindparams(bindparam("order", type_=ARRAY(Text)))


# -- what the panel shows ----------------------------------------------------------------------------------------------


def confirmation_shown(session: Session, outage_id: UUID) -> dict[str, Any] | None:
    """The standing confirmation with its device and who said so."""
    row = session.execute(
        select(Confirmation, Person.name)
        .outerjoin(Person, Person.id == Confirmation.person_id)
        .where(Confirmation.outage_id == outage_id, Confirmation.undone_at.is_(None))
    ).first()
    if row is None:
        return None
    one = row[0]
    device = devices(session, [one.node_id] if one.node_id else [], [one.link_id] if one.link_id else [])
    return {**_columns(one), "person": row[1], "device": next(iter(device.values()), None)}


def stages_shown(session: Session, outage_id: UUID) -> list[dict[str, Any]]:
    """The stages of restoration, those taken back too, oldest first."""
    query = (
        select(Restoration, Person.name, NetworkLink.code, Switching.move)
        .outerjoin(Person, Person.id == Restoration.person_id)
        .outerjoin(Switching, Switching.id == Restoration.switching_id)
        .outerjoin(NetworkLink, NetworkLink.id == Switching.link_id)
        .where(Restoration.outage_id == outage_id)
    )
    rows = session.execute(query.order_by(Restoration.said_at, Restoration.id))
    return [{**_columns(one), "person": name, "switch": code, "move": move} for one, name, code, move in rows]


def estimates_shown(session: Session, outage_id: UUID) -> list[dict[str, Any]]:
    """Who said what about when supply will be back, newest first."""
    query = select(Estimate, Person.name).outerjoin(Person, Person.id == Estimate.person_id)
    rows = session.execute(
        query.where(Estimate.outage_id == outage_id).order_by(Estimate.said_at.desc(), Estimate.id.desc())
    )
    return [{**_columns(one), "person": name} for one, name in rows]


def _columns(row: Confirmation | Restoration | Estimate | Contact) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


def is_over(outage: Outage) -> bool:
    """Closed or merged: nothing more can be said of its supply."""
    return outage.state in {OutageState.CLOSED, OutageState.MERGED}


# -- before a crew is sent ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KnownOutage:
    """The outage that keeps a place without supply, and when supply is expected back."""

    id: UUID
    number: str
    expected_at: datetime | None


def outage_at(session: Session, premises_id: UUID, commodity: Commodity) -> KnownOutage | None:
    """The outage by which an account of the premises is without this supply now."""
    row = session.execute(_OUTAGE_AT, {"premises_id": premises_id, "commodity": commodity.value}).first()
    return None if row is None else KnownOutage(*row)


_OUTAGE_AT = text(
    """
    SELECT o.id, o.number, (SELECT expected_at FROM estimate e WHERE e.outage_id = o.id
                            ORDER BY said_at DESC, id DESC LIMIT 1)
    FROM account a JOIN interruption i ON i.account_id = a.id AND i.restored_at IS NULL
    JOIN outage o ON o.id = i.outage_id
    WHERE a.premises_id = :premises_id AND a.service = :commodity LIMIT 1
    """
)


def neighbours_called(
    session: Session, premises_id: UUID, node_id: UUID | None, commodity: Commodity, since: datetime
) -> int:
    """From how many other premises at the same node somebody has called about lost supply since then."""
    what = {"premises_id": premises_id, "node_id": node_id, "commodity": commodity.value, "since": since}
    return session.scalar(_NEIGHBOURS, what) or 0


_NEIGHBOURS = text(
    """
    SELECT count(DISTINCT p.id) FROM premises p JOIN demand d ON d.premises_id = p.id AND d.taken_at >= :since
    JOIN outage o ON o.id = d.outage_id AND o.state = 'open' AND o.commodity = :commodity
    WHERE (CASE :commodity WHEN 'gas' THEN p.riser_node_id ELSE p.service_node_id END) = :node_id
      AND p.id <> :premises_id AND d.symptom IN ('no_supply', 'partial_supply', 'no_gas')
    """
).bindparams(bindparam("node_id", type_=Uuid))


def stopped_on(session: Session, premises_id: UUID, commodity: Commodity) -> Any:
    """The day on which supply to the premises was stopped for its account; None where it was not."""
    return session.scalar(_STOPPED, {"premises_id": premises_id, "commodity": commodity.value})


_STOPPED = text(
    "SELECT max(stopped_on) FROM account WHERE premises_id = :premises_id AND service = :commodity "
    "HAVING bool_and(stopped_on IS NOT NULL)"
)
