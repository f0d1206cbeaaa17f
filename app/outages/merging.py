"""One outage where several were opened: calls and jobs of some go to another, and can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from app.demands.queries import calls_of_outages
from app.demands.service import move_calls
from app.identity.service import audit
from app.jobs import queries as jobs
from app.jobs.service import regroup
from app.kernel.actor import Permission
from app.kernel.problems import FieldError, Invalid, NotFound
from app.kernel.unit_of_work import UnitOfWork
from app.outages import queries
from app.outages.errors import CauseConfirmed, NotMerged, OtherSupply, OutageClosed
from app.outages.models import Outage, OutageMerge, OutageState

if TYPE_CHECKING:
    from app.demands.models import Demand
    from app.jobs.models import Job

STANDING = frozenset({OutageState.OPEN, OutageState.RESTORED})


def merge(uow: UnitOfWork, *, outage_id: UUID, outage_ids: Sequence[UUID]) -> Outage:
    """Make these outages one with the first named: their calls and jobs are its own from now on.

    All or none. What moved is kept, so that `unmerge` can put each back.

    Raises:
        NotFound: one of them is not there, or not in a branch of the actor's.
        Forbidden: the actor does not dispatch there.
        Invalid: the outage itself is among them.
        OtherSupply: they are of two branches, or one is about gas and one about power.
        OutageClosed: one of them is over, or was merged already.
        CauseConfirmed: it is known already whom one of them cut off: it has a cause of its own.
    """
    into, *others = _held(uow, [outage_id, *outage_ids])
    if outage_id in outage_ids:  # asked after rights: a stranger is told nothing
        raise Invalid(FieldError("outage_ids", "itself"))
    for one in (into, *others):
        if one.state not in STANDING:
            raise OutageClosed(outage_id=str(one.id), number=one.number)
        if (one.branch_id, one.commodity) != (into.branch_id, into.commodity):
            raise OtherSupply(FieldError("outage_ids", "other_supply"), number=one.number)
    _without_cause(uow, others)
    _merge(uow, others, into)
    _told(uow, "outages_merged", into, others)
    return into


def unmerge(uow: UnitOfWork, *, outage_id: UUID, outage_ids: Sequence[UUID]) -> Outage:
    """Take merges back: each outage gets the calls and jobs it brought, as far as they are still there.

    Raises:
        NotFound, Forbidden: as for `merge`.
        NotMerged: one of them is not merged into this outage now.
        OutageClosed: the outage they were merged into is over.
    """
    into, *others = _held(uow, [outage_id, *outage_ids])
    if into.state not in STANDING:
        raise OutageClosed(outage_id=str(into.id), number=into.number)
    merges = queries.standing_merges(uow.session, outage_ids)
    for one in others:
        if one.id not in merges or merges[one.id].into_id != into.id:
            raise NotMerged(number=one.number)
    _part(uow, others, into, merges)
    _told(uow, "outages_parted", into, others)
    return into


def _held(uow: UnitOfWork, ids: list[UUID]) -> list[Outage]:
    """These outages in this order, each once, and of a branch where the actor dispatches."""
    ids = list(dict.fromkeys(ids))
    found = queries.lock_outages(uow.session, ids)
    if len(found) < len(ids):
        raise NotFound
    for outage in found.values():
        uow.actor.must(Permission.DISPATCH, outage.branch_id)
    return [found[outage_id] for outage_id in ids]


def _without_cause(uow: UnitOfWork, others: list[Outage]) -> None:
    noted = queries.cut_off(uow.session, [one.id for one in others])
    for one in others:
        if one.id in noted:
            raise CauseConfirmed(outage_id=str(one.id), number=one.number)


def _merge(uow: UnitOfWork, others: list[Outage], into: Outage) -> None:
    ids = [one.id for one in others]
    calls, work = calls_of_outages(uow.session, ids), jobs.jobs_of_outages(uow.session, ids)
    for one in others:
        uow.session.add(
            OutageMerge(
                id=uow.new_id(),
                branch_id=one.branch_id,
                outage_id=one.id,
                into_id=into.id,
                at=uow.now,
                person_id=uow.actor.person_id,
                demand_ids=[str(call.id) for call in calls if call.outage_id == one.id],
                job_ids=[str(job.id) for job in work if job.outage_id == one.id],
            )
        )
        one.state, one.merged_into_id, one.closed_at = OutageState.MERGED, into.id, uow.now
    _moved(uow, calls, work, into)


def _part(uow: UnitOfWork, others: list[Outage], into: Outage, merges: dict[UUID, OutageMerge]) -> None:
    calls, work = calls_of_outages(uow.session, [into.id]), jobs.jobs_of_outages(uow.session, [into.id])
    for one in others:
        done = merges[one.id]
        done.undone_at = uow.now
        one.state, one.merged_into_id, one.closed_at = OutageState.OPEN, None, None
        brought_calls = [call for call in calls if str(call.id) in done.demand_ids]
        _moved(uow, brought_calls, [job for job in work if str(job.id) in done.job_ids], one)


def _moved(uow: UnitOfWork, calls: list[Demand], work: list[Job], outage: Outage) -> None:
    move_calls(uow, calls=calls, outage_id=outage.id)
    for job in work:
        regroup(uow, job=job, outage_id=outage.id, number=outage.number)


def _told(uow: UnitOfWork, action: str, into: Outage, others: list[Outage]) -> None:
    numbers = {"into": into.number, "outages": [one.number for one in others]}
    audit(uow, action, "outage", into.id, numbers, branch_id=into.branch_id)
    uow.wake_live(into.branch_id, "outage", into.id)
