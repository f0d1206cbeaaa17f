"""Reads of customers: the search box, a premises with its accounts, what lies near a point."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shapely.geometry import Point
from sqlalchemy import Select, Subquery, func, literal, or_, select
from sqlalchemy.orm import Session

from app.customers import rules
from app.customers.models import Account, Party, Place, Premises, SpecialNeed
from app.customers.rules import Sought
from app.kernel.geo import here
from app.kernel.problems import NotFound


@dataclass(frozen=True)
class Hit:
    """A premises that the search box found, and why."""

    premises: Premises
    found_by: str


@dataclass(frozen=True)
class AccountView:
    """An account with who holds it."""

    account: Account
    party: Party


@dataclass(frozen=True)
class PremisesView:
    """A premises with its place and accounts."""

    premises: Premises
    place: Place | None
    accounts: list[AccountView]


def get_premises(session: Session, premises_id: UUID) -> Premises:
    """A premises by id, of whatever branch: the caller asks about rights.

    Raises:
        NotFound: there is none.
    """
    premises = session.get(Premises, premises_id)
    if premises is None:
        raise NotFound
    return premises


def view_premises(session: Session, premises: Premises) -> PremisesView:
    """The premises with place, accounts and parties, in two queries."""
    query = select(Account, Party).join(Party, Party.id == Account.party_id)
    rows = session.execute(query.where(Account.premises_id == premises.id).order_by(Account.number))
    place = None if premises.place_id is None else session.get(Place, premises.place_id)
    return PremisesView(premises, place, [AccountView(*row) for row in rows])


def needs_at(session: Session, premises_id: UUID, now: datetime) -> list[SpecialNeed]:
    """Consented needs, in force now, of whoever holds an account here. Restricted: the caller audits."""
    query = (
        select(SpecialNeed)
        .join(Account, Account.party_id == SpecialNeed.party_id)
        .where(
            Account.premises_id == premises_id,
            SpecialNeed.consented_at.is_not(None),
            or_(SpecialNeed.valid_until.is_(None), SpecialNeed.valid_until > now),
        )
    )
    return list(session.scalars(query.order_by(SpecialNeed.kind).distinct()))


def premises_near(
    session: Session, branch_ids: list[UUID], point: Point, *, radius_m: float, limit: int
) -> list[tuple[Premises, float]]:
    """Premises within the radius with their metres to the point, nearest first.

    An order may use the index under a policy where a condition may not (app/decisions/0010-the-net-is-a-role.md).
    """
    nearest = (
        select(Premises.id)
        .where(Premises.branch_id.in_(branch_ids))
        .order_by(Premises.location.op("<->")(here(point)))
        .limit(limit)
        .subquery()
    )
    away_m = func.ST_Distance(Premises.location, here(point))
    query = select(Premises, away_m).join(nearest, nearest.c.id == Premises.id).where(away_m <= radius_m)
    return [(row[0], row[1]) for row in session.execute(query.order_by(away_m, Premises.id))]


def find_premises(session: Session, branch_ids: list[UUID], q: str, *, limit: int) -> list[Hit]:
    """What the search text names, best first, each premises once.

    Beginnings (`^@`, which a policy lets through to the index) go by indexes of prefixes, words by pairs of characters,
    the end of a phone number by an index of numbers written backwards.
    """
    ids = _candidates(branch_ids, q, limit)
    query = select(Premises, ids.c.found_by).join(ids, ids.c.premises_id == Premises.id)
    rows = session.execute(query.order_by(ids.c.rank, func.length(Premises.address), Premises.address, Premises.id))
    hits: dict[UUID, Hit] = {}
    for premises, found_by in rows:
        hits.setdefault(premises.id, Hit(premises, found_by))
    return list(hits.values())[:limit]


def _candidates(branch_ids: list[UUID], q: str, limit: int) -> Subquery:
    kind = rules.sought(q)
    if kind is Sought.NUMBER:
        number = rules.digits(q)
        parts = [
            _by_account(branch_ids, Account.number.op("^@", is_comparison=True)(number), "account", 0),
            _by_account(branch_ids, Party.id.in_(select(func.parties_with_phone_ending_in(number))), "phone", 1),
            _by_words(branch_ids, number, limit),
        ]
    elif kind is Sought.INITIALS:
        initials = q.lower()
        parts = [
            _by_premises(branch_ids, Premises.initials.op("^@", is_comparison=True)(initials), "initials", 0),
            _by_account(branch_ids, Party.initials.op("^@", is_comparison=True)(initials), "name", 1),
            _by_words(branch_ids, q, limit),
        ]
    else:
        parts = [
            _by_words(branch_ids, q, limit),
            _by_account(branch_ids, Party.name.op("^@", is_comparison=True)(q), "name", 1),
        ]
    first, *others = [select(part.limit(limit).subquery()) for part in parts]
    return first.union_all(*others).subquery()


def _by_words(branch_ids: list[UUID], words: str, most: int) -> Select[Any]:
    """By a part of the Chinese or English address, whatever the case, through the function that keeps the index."""
    found = func.premises_with(branch_ids, words.lower(), most).table_valued("premises_id", "rank")
    return select(found.c.premises_id, literal("address").label("found_by"), found.c.rank)


def _by_premises(branch_ids: list[UUID], condition: Any, found_by: str, rank: int) -> Select[Any]:
    labels = _labels(found_by, rank)
    return select(Premises.id.label("premises_id"), *labels).where(Premises.branch_id.in_(branch_ids), condition)


def _by_account(branch_ids: list[UUID], condition: Any, found_by: str, rank: int) -> Select[Any]:
    query = select(Account.premises_id.label("premises_id"), *_labels(found_by, rank))
    joined = query.join(Party, Party.id == Account.party_id)
    return joined.where(Account.branch_id.in_(branch_ids), Party.branch_id.in_(branch_ids), condition)


def _labels(found_by: str, rank: int) -> tuple[Any, Any]:
    return literal(found_by).label("found_by"), literal(rank).label("rank")
