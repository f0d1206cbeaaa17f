"""Reads of deadlines: the times of jobs, and what people said of their clocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.customers.models import Premises
from app.deadlines.models import DeadlineAlert, DeadlineDeviation, DeadlinePause, Stage
from app.deadlines.rules import Times
from app.identity.models import Branch, Person
from app.jobs.models import Job, JobState

AT_ONCE = 5_000
OPEN = Job.state.not_in([JobState.COMPLETED, JobState.CANCELLED])


@dataclass(frozen=True)
class Facts:
    """A job with all that its clocks go by, and what was said of them."""

    id: UUID
    branch_id: UUID
    timezone: str
    brief: dict[str, Any]
    times: Times
    pauses: list[DeadlinePause] = field(default_factory=list)
    deviations: dict[str, DeadlineDeviation] = field(default_factory=dict)
    alerts: dict[tuple[str, Stage], DeadlineAlert] = field(default_factory=dict)


def of_jobs(session: Session, job_ids: Collection[UUID]) -> list[Facts]:
    """These jobs. Callers have asked whether they may be seen."""
    return _facts(session, Job.id.in_(job_ids))


def open_or_owing(session: Session, branch_ids: Collection[UUID]) -> list[Facts]:
    """Jobs of these branches that are open, or whose missed limit nobody has explained."""
    return _facts(session, and_(Job.branch_id.in_(branch_ids), or_(OPEN, Job.id.in_(_owing()))))


def watched(session: Session, *, since: datetime) -> list[Facts]:
    """What must be looked at: open jobs of all branches, those completed since, those that owe a reason."""
    return _facts(session, or_(OPEN, Job.completed_at >= since, Job.id.in_(_owing())))


def _owing() -> Any:
    explained = select(DeadlineDeviation.id).where(
        DeadlineDeviation.job_id == DeadlineAlert.job_id, DeadlineDeviation.code == DeadlineAlert.code
    )
    return select(DeadlineAlert.job_id).where(DeadlineAlert.stage == Stage.MISSED, ~explained.exists())


def _facts(session: Session, which: ColumnElement[bool]) -> list[Facts]:
    query = (
        select(Job, Premises.area_kind, Branch.timezone)
        .join(Branch, Branch.id == Job.branch_id)
        .outerjoin(Premises, Premises.id == Job.premises_id)
        .where(Job.deleted_at.is_(None), which)
        .order_by(Job.opened_at, Job.id)
        .limit(AT_ONCE)
    )
    found = {job.id: _of(job, area, timezone) for job, area, timezone in session.execute(query)}
    _add_what_was_said(session, found)
    return list(found.values())


def _of(job: Job, area: Any, timezone: str) -> Facts:
    brief = {name: getattr(job, name) for name in ("id", "number", "kind", "state", "priority", "address")}
    times = Times(
        kind=job.kind,
        area=area,
        cancelled=job.state is JobState.CANCELLED,
        opened_at=job.opened_at,
        window_end=job.window_end,
        arrived_at=job.arrived_at,
        restored_at=job.restored_at,
        completed_at=job.completed_at,
    )
    return Facts(job.id, job.branch_id, timezone, brief, times)


def _add_what_was_said(session: Session, found: dict[UUID, Facts]) -> None:
    for pause in _about(session, DeadlinePause, found):
        found[pause.job_id].pauses.append(pause)
    for deviation in _about(session, DeadlineDeviation, found):
        found[deviation.job_id].deviations[deviation.code] = deviation
    for alert in _about(session, DeadlineAlert, found):
        found[alert.job_id].alerts[alert.code, alert.stage] = alert


def _about(session: Session, table: Any, job_ids: Iterable[UUID]) -> Sequence[Any]:
    query = select(table).where(table.job_id == func.any(list(job_ids))).order_by(table.id)
    return session.scalars(query, execution_options={"populate_existing": True}).all()


def open_pause(session: Session, job_id: UUID) -> DeadlinePause | None:
    """The pause that has not ended, if there is one."""
    query = select(DeadlinePause).where(DeadlinePause.job_id == job_id, DeadlinePause.ended_at.is_(None))
    return session.scalar(query)


def raise_alerts(session: Session, rows: list[dict[str, Any]]) -> set[UUID]:
    """Write alerts, those that are there already left alone; the jobs of the new ones."""
    if not rows:
        return set()
    made = insert(DeadlineAlert).values(rows).on_conflict_do_nothing(index_elements=["job_id", "code", "stage"])
    return set(session.scalars(made.returning(DeadlineAlert.job_id)))


def lock_alert(session: Session, alert_id: UUID) -> DeadlineAlert | None:
    """An alert, held until the end of the transaction."""
    query = select(DeadlineAlert).where(DeadlineAlert.id == alert_id).with_for_update()
    return session.scalar(query, execution_options={"populate_existing": True})


def names_of(session: Session, person_ids: Iterable[UUID | None]) -> dict[UUID, dict[str, str]]:
    """Names by person, of rows that callers were allowed to read."""
    wanted = {person_id for person_id in person_ids if person_id}
    found: dict[UUID, dict[str, str]] = defaultdict(dict)
    for person in session.scalars(select(Person).where(Person.id.in_(wanted))) if wanted else ():
        found[person.id] = {"name": person.name, "name_en": person.name_en}
    return found
