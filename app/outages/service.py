"""Verbs of outages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from shapely.geometry import Point

from app.customers.models import AreaKind
from app.demands import rules as demand_rules
from app.demands.service import Call, log_call, take_number
from app.jobs import queries as jobs
from app.jobs.models import JobState
from app.jobs.rules import CLOSED, PREFIXES, Asked
from app.jobs.service import open_job, raise_priority
from app.kernel.actor import Permission
from app.kernel.geo import must_lie_in
from app.kernel.numbers import next_numbers
from app.kernel.problems import FieldError, Invalid
from app.kernel.unit_of_work import UnitOfWork
from app.network import queries as network
from app.network.models import Commodity
from app.outages import queries, rules
from app.outages.errors import OutageClosed, UnknownOutage, UnknownPremises
from app.outages.models import Outage, OutageState

if TYPE_CHECKING:
    from app.customers.models import Premises
    from app.demands.models import Demand
    from app.identity.models import Branch
    from app.jobs.models import Job

Join = Literal["auto", "new"] | UUID


@dataclass(frozen=True)
class Taken:
    """What became of a call."""

    demand: Demand
    outage: Outage
    job: Job
    joined: bool


@dataclass(frozen=True)
class Site:
    """Where a call is about, settled: inside the branch, with an address and the device that feeds it."""

    branch: Branch
    location: Point
    address: str
    area: AreaKind | None
    premises: Premises | None
    node_id: UUID | None


def take_call(uow: UnitOfWork, *, call: Call, join: Join = "auto") -> Taken:
    """Log a call, joining it to the outage it is about or opening a new one with its job.

    Raises:
        Invalid: neither premises nor place, or a place outside the branch (`outside_branch`, `swapped`).
        UnknownPremises, UnknownOutage: not there, or not in a branch where the actor takes calls.
        OutageClosed: the named outage is over.
        Forbidden: the actor takes no calls there.
    """
    commodity = demand_rules.commodity_of(call.symptom)
    site = _site(uow, call, commodity)
    uow.actor.must(Permission.TAKE_CALLS, site.branch.id)
    number = take_number(uow, branch_id=site.branch.id, timezone=site.branch.timezone)
    joined = _outage_to_join(uow, site, commodity, join)
    outage, job = _open_outage(uow, site, call, commodity) if joined is None else (joined, _job_of(uow, joined, call))
    demand = log_call(
        uow,
        branch_id=site.branch.id,
        number=number,
        call=call,
        location=site.location,
        address=site.address,
        outage_id=outage.id,
    )
    return Taken(demand, outage, job or _open_repair(uow, site, outage, call), joined is not None)


def follow_jobs(uow: UnitOfWork, *, outage_id: UUID) -> None:
    """Let the outage stand where its jobs stand, and those whom it cut off. Says the same however often it runs."""
    outage = queries.lock_outage(uow.session, outage_id)
    if outage is None or outage.state is OutageState.MERGED:
        return
    work = jobs.jobs_of_outage(uow.session, outage_id)
    noted = queries.cut_off(uow.session, [outage_id]).get(outage_id)
    after = rules.state_after([job.state for job in work], None if noted is None else noted.remaining)
    restored = [job.restored_at or job.completed_at for job in work if job.state is not JobState.CANCELLED]
    restored_at = None if after is OutageState.OPEN else noted.last_back_at if noted else _latest(restored)
    if (after, restored_at) == (outage.state, outage.restored_at):
        return
    outage.state, outage.restored_at = after, restored_at
    outage.closed_at = (outage.closed_at or uow.now) if after is OutageState.CLOSED else None
    uow.wake_live(outage.branch_id)


def _latest(times: list[datetime | None]) -> datetime | None:
    return max((time for time in times if time is not None), default=None)


def _site(uow: UnitOfWork, call: Call, commodity: Commodity) -> Site:
    if call.premises_id is not None:
        return _site_of_premises(uow, call, call.premises_id, commodity)
    if call.location is None:
        raise Invalid(FieldError("premises_id", "required"), FieldError("location", "required"))
    branches = uow.actor.must_somewhere(Permission.TAKE_CALLS)
    branch = queries.branch_around(uow.session, branches, call.location)
    if branch is None:
        home = queries.get_branch(uow.session, _home(uow, branches))
        must_lie_in(home.boundary, call.location)
        branch = home
    near = queries.neighbour_of(uow.session, branch.id, call.location)
    address = near.address if near else f"{call.location.x:.5f}, {call.location.y:.5f}"
    return Site(branch, call.location, address, near.area_kind if near else None, None, None)


def _home(uow: UnitOfWork, branches: list[UUID]) -> UUID:
    """The branch whose outline a stray point is held against."""
    home = uow.actor.home_branch_id
    return home if home is not None and home in branches else branches[0]


def _site_of_premises(uow: UnitOfWork, call: Call, premises_id: UUID, commodity: Commodity) -> Site:
    found = queries.premises_with_branch(uow.session, premises_id)
    if found is None or not (uow.actor.everything or found[1].id in uow.actor.grants):
        raise UnknownPremises(FieldError("premises_id", "not_found"))
    premises, branch = found
    location = call.location or premises.location
    must_lie_in(branch.boundary, location)
    node_id = _feeding(uow, premises, commodity)
    return Site(branch, location, premises.address, premises.area_kind, premises, node_id)


def _feeding(uow: UnitOfWork, premises: Premises, commodity: Commodity) -> UUID | None:
    """The device whose failure a call from here makes us suspect first."""
    if commodity is Commodity.GAS:
        return premises.riser_node_id
    if premises.service_node_id is None:
        return None
    return network.transformer_of(uow.session, premises.service_node_id) or premises.service_node_id


def _outage_to_join(uow: UnitOfWork, site: Site, commodity: Commodity, join: Join) -> Outage | None:
    if join == "new":
        return None
    if isinstance(join, UUID):
        return _named_outage(uow, site, join)
    near = queries.candidates_near(
        uow.session, site.branch.id, site.location, node_id=site.node_id, since=uow.now - rules.SAME_FAULT_WITHIN
    )
    found = rules.same_fault(near, commodity=commodity, node_id=site.node_id, now=uow.now)
    return None if found is None else _standing(uow, found)


def _standing(uow: UnitOfWork, outage_id: UUID) -> Outage | None:
    """The open outage, or the one it was merged into; None when that is over in the meantime."""
    outage = queries.lock_outage(uow.session, outage_id)
    while outage is not None and outage.merged_into_id is not None:
        outage = queries.lock_outage(uow.session, outage.merged_into_id)
    return outage if outage is not None and outage.state is OutageState.OPEN else None


def _named_outage(uow: UnitOfWork, site: Site, outage_id: UUID) -> Outage:
    outage = queries.lock_outage(uow.session, outage_id)
    if outage is None or outage.branch_id != site.branch.id:
        raise UnknownOutage(FieldError("join", "not_found"))
    if outage.state in {OutageState.CLOSED, OutageState.MERGED}:
        raise OutageClosed(outage_id=str(outage.id), number=outage.number)
    return outage


def _open_outage(uow: UnitOfWork, site: Site, call: Call, commodity: Commodity) -> tuple[Outage, Job]:
    work = rules.work_for(call.symptom, commodity)
    series = (rules.NUMBER_PREFIX, PREFIXES[work.kind])
    branch = site.branch
    numbers = next_numbers(uow.session, branch_id=branch.id, prefixes=series, now=uow.now, timezone=branch.timezone)
    outage = Outage(
        id=uow.new_id(),
        branch_id=branch.id,
        number=numbers[rules.NUMBER_PREFIX],
        commodity=commodity,
        state=OutageState.OPEN,
        location=site.location,
        suspected_node_id=site.node_id,
        opened_at=uow.now,
    )
    uow.session.add(outage)
    uow.session.flush()  # the job's and the call's foreign keys need the row
    return outage, _open_repair(uow, site, outage, call, number=numbers[PREFIXES[work.kind]])


def _job_of(uow: UnitOfWork, outage: Outage, call: Call) -> Job | None:
    """The outage's open job, made as urgent as this call says."""
    job = next((job for job in jobs.jobs_of_outage(uow.session, outage.id) if job.state not in CLOSED), None)
    if job is not None:
        raise_priority(uow, job=job, priority=rules.priority_of(call.symptom))
    return job


def _open_repair(uow: UnitOfWork, site: Site, outage: Outage, call: Call, *, number: str | None = None) -> Job:
    work = rules.work_for(call.symptom, outage.commodity)
    asked = Asked(
        kind=work.kind,
        priority=work.priority,
        required_skill=work.skill,
        location=site.location,
        address=site.address,
        contact_name=call.caller_name,
        contact_phone=call.caller_phone,
        premises_id=None if site.premises is None else site.premises.id,
        outage_id=outage.id,
        due_at=rules.arrive_by(outage.commodity, site.area, uow.now),
        note=call.note,
    )
    return open_job(uow, branch_id=site.branch.id, asked=asked, number=number)
