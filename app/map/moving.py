"""Layers that move: open jobs, crews, outages. Tiles and the GeoJSON of live features are made of the same selects."""

from __future__ import annotations

from sqlalchemy import Text, and_, case, cast, exists, func, select

from app.crews.models import Crew, CrewPosition, Shift
from app.demands.models import Demand
from app.jobs.models import Assignment, Job, JobState, Priority
from app.map.sources import Rows, Scope, flat, inside, instant, number_of
from app.outages.models import Outage, OutageState


def jobs(scope: Scope) -> Rows:
    """Open jobs, the most urgent first."""
    held = and_(Assignment.job_id == Job.id, Assignment.ended_at.is_(None))
    return (
        select(
            number_of(Job.id),
            cast(Job.id, Text).label("id"),
            Job.number,
            Job.kind,
            Job.state,
            Job.priority,
            cast(Assignment.crew_id, Text).label("crew_id"),
            instant(Job.due_at).label("due_at"),
            flat(Job.location).label("shape"),
        )
        .outerjoin(Assignment, held)
        .where(
            Job.branch_id.in_(scope.branches),
            Job.deleted_at.is_(None),
            Job.state.not_in([JobState.COMPLETED, JobState.CANCELLED]),
            inside(Job.location, scope),
        )
        .order_by(func.array_position([urgency.value for urgency in Priority], cast(Job.priority, Text)), Job.id)
    )


def crews(scope: Scope) -> Rows:
    """Crews where they were last heard from; `job_id` is the job they are on."""
    live = and_(Assignment.crew_id == Crew.id, Assignment.ended_at.is_(None), Assignment.live)
    on_duty = exists().where(Shift.crew_id == Crew.id, Shift.starts_at <= scope.now, Shift.ends_at > scope.now)
    state = case((Assignment.job_id.is_not(None), "busy"), (on_duty, "free"), else_="off")
    return (
        select(
            number_of(Crew.id),
            cast(Crew.id, Text).label("id"),
            Crew.code,
            Crew.name_zh,
            Crew.name_en,
            Crew.kind,
            state.label("state"),
            cast(Assignment.job_id, Text).label("job_id"),
            instant(CrewPosition.at).label("at"),
            flat(CrewPosition.location).label("shape"),
        )
        .join(CrewPosition, CrewPosition.crew_id == Crew.id)
        .outerjoin(Assignment, live)
        .where(Crew.branch_id.in_(scope.branches), Crew.deleted_at.is_(None), inside(CrewPosition.location, scope))
        .order_by(Crew.code, Crew.id)
    )


def outages(scope: Scope) -> Rows:
    """Outages that are not over, with the number of calls about each."""
    calls = select(func.count()).where(Demand.outage_id == Outage.id).scalar_subquery()
    return (
        select(
            number_of(Outage.id),
            cast(Outage.id, Text).label("id"),
            Outage.number,
            Outage.commodity,
            Outage.state,
            calls.label("calls"),
            instant(Outage.opened_at).label("opened_at"),
            flat(Outage.location).label("shape"),
        )
        .where(
            Outage.branch_id.in_(scope.branches),
            Outage.deleted_at.is_(None),
            Outage.state.in_([OutageState.OPEN, OutageState.RESTORED]),
            inside(Outage.location, scope),
        )
        .order_by(Outage.opened_at, Outage.id)
    )
