"""Reads of demands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.customers.models import Account, Party, Premises
from app.customers.rules import digits
from app.demands.models import Demand
from app.kernel.paging import decode_cursor, encode_cursor, time_key, uuid_key


@dataclass(frozen=True)
class Caller:
    """Somebody who holds accounts under a phone number, and where."""

    party: Party
    premises: list[Premises]


@dataclass(frozen=True)
class CallPage:
    """A page of calls and where the next begins."""

    items: Sequence[Demand]
    next: str | None


def calls(
    session: Session,
    branch_ids: list[UUID],
    *,
    limit: int,
    cursor: str | None = None,
    outage_id: UUID | None = None,
    phone: str | None = None,
    premises_id: UUID | None = None,
) -> CallPage:
    """Calls of these branches, newest first.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    query = select(Demand).where(Demand.branch_id.in_(branch_ids))
    for column, value in (
        (Demand.outage_id, outage_id),
        (Demand.caller_phone, phone),
        (Demand.premises_id, premises_id),
    ):
        if value is not None:
            query = query.where(column == value)
    keys = decode_cursor(cursor, keys=2)
    if keys is not None:
        query = query.where(tuple_(Demand.taken_at, Demand.id) < tuple_(time_key(keys[0]), uuid_key(keys[1])))
    found = session.scalars(query.order_by(Demand.taken_at.desc(), Demand.id.desc()).limit(limit + 1)).all()
    page = found[:limit]
    return CallPage(page, encode_cursor(page[-1].taken_at.isoformat(), page[-1].id) if len(found) > limit else None)


def callers(session: Session, branch_ids: list[UUID], phone: str, *, limit: int) -> list[Caller]:
    """Who holds accounts under this number, written with or without spaces and dashes, with their premises."""
    query = (
        select(Party, Premises)
        .outerjoin(Account, Account.party_id == Party.id)
        .outerjoin(Premises, Premises.id == Account.premises_id)
        .where(Party.branch_id.in_(branch_ids), Party.phone.in_([phone, digits(phone)]))
        .order_by(Party.name, Party.id, Premises.address, Premises.id)
        .limit(limit)
    )
    found: dict[UUID, Caller] = {}
    for party, premises in session.execute(query):
        caller = found.setdefault(party.id, Caller(party, []))
        if premises is not None and premises not in caller.premises:
            caller.premises.append(premises)
    return list(found.values())


def calls_of_outages(session: Session, outage_ids: Iterable[UUID]) -> list[Demand]:
    """The calls about these outages, held until the end of the transaction."""
    query = select(Demand).where(Demand.outage_id.in_(list(outage_ids)))
    return list(session.scalars(query.order_by(Demand.id).with_for_update()))
