"""Verbs of demands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from shapely.geometry import Point

from app.demands import queries, rules
from app.demands.models import Channel, Demand, Symptom
from app.kernel.actor import Permission
from app.kernel.numbers import next_number
from app.kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Call:
    """What a caller says."""

    channel: Channel
    symptom: Symptom
    caller_name: str | None = None
    caller_phone: str | None = None
    premises_id: UUID | None = None
    location: Point | None = None
    note: str | None = None


def take_number(uow: UnitOfWork, *, branch_id: UUID, timezone: str) -> str:
    """The next call's number.

    Until the transaction ends no other call of the branch can take one: neighbours who call in the same instant are
    looked at one after the other, and so find each other's outage.
    """
    return next_number(uow.session, branch_id=branch_id, prefix=rules.NUMBER_PREFIX, now=uow.now, timezone=timezone)


def log_call(
    uow: UnitOfWork, *, branch_id: UUID, number: str, call: Call, location: Point, address: str, outage_id: UUID
) -> Demand:
    """Keep a call. Who takes it is asked first and stays accountable until it is closed (首问负责).

    Raises:
        Forbidden: the actor takes no calls in the branch.
    """
    uow.actor.must(Permission.TAKE_CALLS, branch_id)
    demand = Demand(
        id=uow.new_id(),
        branch_id=branch_id,
        number=number,
        kind=rules.kind_of(call.symptom),
        channel=call.channel,
        symptom=call.symptom,
        caller_name=call.caller_name,
        caller_phone=call.caller_phone,
        premises_id=call.premises_id,
        location=location,
        address=address,
        note=call.note,
        taken_by=uow.actor.person_id,
        first_asked_id=uow.actor.person_id,
        taken_at=uow.now,
        outage_id=outage_id,
    )
    uow.session.add(demand)
    uow.wake_live(branch_id)
    return demand


def move_calls(uow: UnitOfWork, *, calls: Iterable[Demand], outage_id: UUID) -> None:
    """Let calls be about another outage. Whose right that is, is the caller's to ask."""
    for call in calls:
        call.outage_id = outage_id
        uow.wake_live(call.branch_id)


def list_calls(
    uow: UnitOfWork,
    *,
    limit: int,
    cursor: str | None = None,
    outage_id: UUID | None = None,
    phone: str | None = None,
    premises_id: UUID | None = None,
) -> queries.CallPage:
    """Calls of the branches whose customers the actor may read, newest first.

    Raises:
        Forbidden: there is no such branch.
    """
    branches = uow.actor.must_somewhere(Permission.READ_CUSTOMERS)
    return queries.calls(
        uow.session, branches, limit=limit, cursor=cursor, outage_id=outage_id, phone=phone, premises_id=premises_id
    )


MOST_CALLERS = 50  # rows of accounts under one number; a property manager holds many


@dataclass(frozen=True)
class Callers:
    """Who may be calling from a number, and what was asked from it before."""

    items: list[queries.Caller]
    calls: Sequence[Demand]


def callers(uow: UnitOfWork, *, phone: str) -> Callers:
    """Who holds accounts under a phone number, with premises, and the last calls from it.

    Raises:
        Forbidden: the actor may read customers nowhere.
    """
    branches = uow.actor.must_somewhere(Permission.READ_CUSTOMERS)
    past = queries.calls(uow.session, branches, phone=phone, limit=20)
    return Callers(queries.callers(uow.session, branches, phone, limit=MOST_CALLERS), past.items)
