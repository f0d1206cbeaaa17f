"""Reads of reliability: who may be interrupted, and interruptions summed by day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, Cast, Uuid, any_, cast, func, select, text
from sqlalchemy.orm import Session, aliased

from app.customers.models import Account, Service
from app.identity.models import Branch
from app.network.models import Commodity
from app.reliability.models import CauseClass, Interruption
from app.reliability.rules import ByDay, Counts, Standard


def branch_zone(session: Session, branch_id: UUID) -> str:
    """Name of the time zone by which a branch's days begin."""
    return session.execute(select(Branch.timezone).where(Branch.id == branch_id)).scalar_one()


def accounts_among(session: Session, branch_id: UUID, commodity: Commodity, ids: Collection[UUID]) -> set[UUID]:
    """Which of these are accounts of the branch for this service."""
    query = select(Account.id).where(
        Account.branch_id == branch_id, Account.service == Service(commodity.value), Account.id == any_(array(ids))
    )
    return set(session.scalars(query))


def still_out(session: Session, outage_id: UUID, ids: Collection[UUID] | None) -> dict[UUID, datetime]:
    """The outage's interruptions without an end, of these accounts or all, and when each began."""
    query = select(Interruption.id, Interruption.begun_at).where(
        Interruption.outage_id == outage_id,
        Interruption.restored_at.is_(None),
        *([] if ids is None else [Interruption.account_id == any_(array(ids))]),
    )
    return {row.id: row.begun_at for row in session.execute(query.order_by(Interruption.id))}


def of_stage(session: Session, outage_id: UUID, stage: int) -> list[UUID]:
    """The interruptions that a stage of the outage ended, but for those whose account has been interrupted since."""
    later = aliased(Interruption)
    since = select(later.id).where(later.account_id == Interruption.account_id, later.begun_at > Interruption.begun_at)
    query = select(Interruption.id).where(
        Interruption.outage_id == outage_id, Interruption.stage == stage, ~since.exists()
    )
    return list(session.scalars(query.order_by(Interruption.id)))


def last_stage(session: Session, outage_id: UUID) -> int:
    """How many stages of restoration the outage has had."""
    return session.scalar(select(func.max(Interruption.stage)).where(Interruption.outage_id == outage_id)) or 0


def customers_served(session: Session, branch_id: UUID, commodity: Commodity, on: date) -> int:
    """Accounts of the branch for this service that were open on a day. Those closed since are not known."""
    query = select(func.count()).where(
        Account.branch_id == branch_id, Account.service == Service(commodity.value), Account.opened_on <= on
    )
    return session.scalar(query) or 0


@dataclass(frozen=True)
class Asked:
    """Interruptions of a branch and service, its local days' zone, what counts as sustained, and what time it is."""

    branch_id: UUID
    commodity: Commodity
    zone: ZoneInfo
    standard: Standard
    now: datetime

    def of(self, days: tuple[date, date]) -> dict[str, Any]:
        """As parameters, with the first and last of the days."""
        own = {"branch_id": self.branch_id, "commodity": self.commodity.value, "zone": self.zone.key, "now": self.now}
        return {**own, "sustained_after": self.standard.limit, "first": days[0], "last": days[1]}


def counts_by_day(session: Session, asked: Asked, days: tuple[date, date]) -> ByDay:
    """What `rules.by_day` counts, of the days from the first to the last, summed in the database in one pass."""
    found = session.execute(_BY_DAY, asked.of(days))
    return {(row.day, CauseClass(row.cause_class)): Counts(*row[2:]) for row in found}


def fault_minutes_by_day(session: Session, asked: Asked, days: tuple[date, date]) -> list[float]:
    """Customer minutes lost to sustained faults, of each of the days that has some: what a threshold is taken from."""
    return list(session.scalars(_FAULT_MINUTES, asked.of(days)))


def array(ids: Collection[UUID]) -> Cast[Any]:
    """As one parameter, however many."""
    return cast(list(ids), ARRAY(Uuid))


# A day more is read than is told: whether a momentary interruption ends its event shows in the account's next one.
_BY_DAY = text(
    """
    WITH known AS (
        SELECT account_id, cause_class, begun_at, restored_at,
               coalesce(restored_at, :now) - begun_at AS lasted,
               lead(begun_at) OVER (PARTITION BY account_id ORDER BY begun_at) AS next_at
        FROM interruption
        WHERE branch_id = :branch_id AND commodity = :commodity
          AND begun_at >= CAST(:first AS date)::timestamp AT TIME ZONE :zone
          AND begun_at < (CAST(:last AS date) + 2)::timestamp AT TIME ZONE :zone
    ),
    judged AS (
        SELECT (begun_at AT TIME ZONE :zone)::date AS day, cause_class, lasted, lasted > :sustained_after AS sustained,
               restored_at IS NOT NULL AND lasted <= :sustained_after AS momentary,
               next_at IS NULL OR next_at > begun_at + :sustained_after AS ends_event
        FROM known
    )
    SELECT day, cause_class,
           count(*) FILTER (WHERE sustained) AS sustained,
           coalesce(extract(epoch FROM sum(lasted) FILTER (WHERE sustained)) / 60, 0)::float8 AS minutes,
           count(*) FILTER (WHERE momentary) AS momentary,
           count(*) FILTER (WHERE momentary AND ends_event) AS momentary_events
    FROM judged
    WHERE day <= CAST(:last AS date) AND (sustained OR momentary)
    GROUP BY day, cause_class
    """
)
_FAULT_MINUTES = text(
    """
    SELECT (extract(epoch FROM sum(coalesce(restored_at, :now) - begun_at)) / 60)::float8
    FROM interruption
    WHERE branch_id = :branch_id AND commodity = :commodity AND cause_class = 'fault'
      AND begun_at >= CAST(:first AS date)::timestamp AT TIME ZONE :zone
      AND begun_at < (CAST(:last AS date) + 1)::timestamp AT TIME ZONE :zone
      AND coalesce(restored_at, :now) - begun_at > :sustained_after
    GROUP BY (begun_at AT TIME ZONE :zone)::date
    """
)
