"""Verbs of reliability: who lost supply and who has it back, and the report of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import all_, delete, update
from sqlalchemy.dialects.postgresql import insert

from app.identity.service import audit
from app.kernel.actor import Permission
from app.kernel.problems import FieldError, Invalid, NotFound
from app.kernel.unit_of_work import UnitOfWork
from app.network.models import Commodity
from app.outages.queries import lock_outage
from app.reliability import queries, rules
from app.reliability.models import CauseClass, Interruption
from app.reliability.report import By, Report, Setting, make_report
from app.reliability.rules import Standard

if TYPE_CHECKING:
    from app.outages.models import Outage

LONGEST_DAYS = 5 * 366  # of a report


def record_interruptions(
    uow: UnitOfWork, outage_id: UUID, *, cause_class: CauseClass, begun_at: datetime, account_ids: Collection[UUID]
) -> int:
    """Note that an outage took these accounts' supply; returns how many were not without it already by our notes.

    An outage that grows (its cause turns out to lie further up) is noted again with all its accounts: those that are
    out keep the time at which they went out. May run any number of times.

    Raises:
        NotFound, Forbidden: no such outage, or the actor does not dispatch in its branch.
        Invalid: accounts that are not of its branch and service (`not_found`), or a beginning `in_future`.
    """
    outage = _outage(uow, outage_id)
    _not_in_future(uow, "begun_at", begun_at)
    wanted = set(account_ids)
    if strangers := wanted - queries.accounts_among(uow.session, outage.branch_id, outage.commodity, wanted):
        raise Invalid(FieldError("account_ids", "not_found", {"count": len(strangers)}))
    what = {
        "branch_id": outage.branch_id,
        "outage_id": outage.id,
        "commodity": outage.commodity,
        "cause_class": cause_class,
        "begun_at": begun_at,
    }
    rows = [{"id": uow.new_id(), "account_id": one, **what} for one in sorted(wanted)]
    noted = insert(Interruption).on_conflict_do_nothing().returning(Interruption.id)  # out already: nothing to note
    count = len(uow.session.execute(noted, rows).all()) if rows else 0
    if count:
        told = {"accounts": count, "cause_class": cause_class.value, "begun_at": begun_at.isoformat()}
        audit(uow, "interruptions_recorded", "outage", outage.id, told, branch_id=outage.branch_id)
    return count


def restore(uow: UnitOfWork, outage_id: UUID, *, at: datetime, account_ids: Collection[UUID] | None = None) -> int:
    """Note that these accounts of an outage, or all that are still out, have supply again: its next stage.

    Returns how many came back. Those that had come back before keep their time and stage, so that it may run again.

    Raises:
        NotFound, Forbidden: no such outage, or the actor does not dispatch in its branch.
        Invalid: `at` lies `in_future`, or not after one of them went out (`not_after_start`).
    """
    outage = _outage(uow, outage_id)
    _not_in_future(uow, "at", at)
    back = queries.still_out(uow.session, outage.id, account_ids)
    if any(begun_at >= at for begun_at in back.values()):
        raise Invalid(FieldError("at", "not_after_start"))
    if back:
        stage = queries.last_stage(uow.session, outage.id) + 1
        uow.session.execute(update(Interruption), [{"id": one, "restored_at": at, "stage": stage} for one in back])
        told = {"accounts": len(back), "stage": stage, "at": at.isoformat()}
        audit(uow, "interruptions_restored", "outage", outage.id, told, branch_id=outage.branch_id)
    return len(back)


def take_back_stage(uow: UnitOfWork, outage_id: UUID, *, stage: int) -> int:
    """Note that a stage of restoration never was: its accounts are without supply still. Returns how many.

    Who has been interrupted again since keeps both interruptions: that they had supply between them is known.

    Raises:
        NotFound, Forbidden: no such outage, or the actor does not dispatch in its branch.
    """
    outage = _outage(uow, outage_id)
    ids = queries.of_stage(uow.session, outage.id, stage)
    if ids:
        uow.session.execute(update(Interruption), [{"id": one, "restored_at": None, "stage": None} for one in ids])
    told = {"accounts": len(ids), "stage": stage}
    audit(uow, "restoration_taken_back", "outage", outage.id, told, branch_id=outage.branch_id)
    return len(ids)


def forget_interruptions(
    uow: UnitOfWork, outage_id: UUID, *, begun_at: datetime | None = None, but: Collection[UUID] = ()
) -> int:
    """Note that an outage did not take these accounts' supply after all; returns how many.

    Of those that are out still: all, or who went out just then; never the accounts of `but`, nor who has come back.

    Raises:
        NotFound, Forbidden: no such outage, or the actor does not dispatch in its branch.
    """
    outage = _outage(uow, outage_id)
    found = delete(Interruption).where(
        Interruption.outage_id == outage.id,
        Interruption.restored_at.is_(None),
        Interruption.account_id != all_(queries.array(but)),
        *([] if begun_at is None else [Interruption.begun_at == begun_at]),
    )
    count = len(uow.session.execute(found.returning(Interruption.id)).all())
    if count:
        told = {"accounts": count}
        audit(uow, "interruptions_forgotten", "outage", outage.id, told, branch_id=outage.branch_id)
    return count


def _outage(uow: UnitOfWork, outage_id: UUID) -> Outage:
    """Held until the end of the transaction, so that stages are counted one after another."""
    outage = lock_outage(uow.session, outage_id)
    if outage is None:
        raise NotFound
    uow.actor.must(Permission.DISPATCH, outage.branch_id)
    return outage


def report(
    uow: UnitOfWork,
    *,
    branch_id: UUID,
    commodity: Commodity,
    first: date | None = None,
    last: date | None = None,
    by: By,
    standard: Standard | None = None,
) -> Report:
    """The indices of a branch's days; without a first and last day those of this year so far. Four queries.

    The threshold of major event days is of the five calendar years before the first day's year.

    Raises:
        NotFound, Forbidden: the actor does not read the branch's reliability.
        Invalid: days in the wrong order, to come, or more than five years of them.
    """
    uow.actor.must(Permission.READ_RELIABILITY, branch_id)
    standard = standard or Standard(uow.runtime.settings.sustained_minutes)
    zone = ZoneInfo(queries.branch_zone(uow.session, branch_id))
    today = uow.now.astimezone(zone).date()
    last = last or today
    first = first or last.replace(month=1, day=1)
    _span(first, last, today)
    customers = queries.customers_served(uow.session, branch_id, commodity, last)
    asked = queries.Asked(branch_id, commodity, zone, standard, uow.now)
    before = queries.fault_minutes_by_day(uow.session, asked, rules.years_before(first))
    threshold = rules.major_threshold(minutes / customers for minutes in before) if customers else None
    days = queries.counts_by_day(uow.session, asked, (first, last))
    return make_report(days, first, last, by, Setting(customers, standard, zone, uow.now, threshold))


def _not_in_future(uow: UnitOfWork, field: str, at: datetime) -> None:
    if at > uow.now:
        raise Invalid(FieldError(field, "in_future"))


def _span(first: date, last: date, today: date) -> None:
    if last > today:
        raise Invalid(FieldError("to", "in_future"))
    if first > last:
        raise Invalid(FieldError("from", "out_of_range"))
    if (last - first).days >= LONGEST_DAYS:
        raise Invalid(FieldError("from", "out_of_range", {"most_days": LONGEST_DAYS}))
