"""Reads of crew alerts: who has not answered in time, and which alerts still stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVarTuple
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from app.dispatch.models import AlertKind, CrewAlert
from app.identity.models import Person, Role, RoleGrant
from app.jobs.models import Assignment, Job, JobState

AT_ONCE = 200  # of a round of the clock; the next one is seconds away
MOST_LISTED = 200
Columns = TypeVarTuple("Columns")
_LATER = aliased(Assignment)


def unanswered(session: Session, *, before: datetime) -> list[tuple[Job, Assignment]]:
    """Live assignments made before a time that nobody has accepted and nobody was told of; their jobs held."""
    told = select(CrewAlert.id).where(CrewAlert.assignment_id == Assignment.id, CrewAlert.kind == AlertKind.NO_ANSWER)
    query = select(Job, Assignment).join(Assignment, Assignment.job_id == Job.id)
    waiting = query.where(
        Assignment.live, Assignment.ended_at.is_(None), Assignment.assigned_at <= before, ~told.exists(),
        Job.state == JobState.ASSIGNED, Job.deleted_at.is_(None),
    )  # fmt: skip
    held = waiting.order_by(Assignment.assigned_at).limit(AT_ONCE).with_for_update(of=Job, skip_locked=True)
    return [(row[0], row[1]) for row in session.execute(held)]


def standing(query: Select[*Columns]) -> Select[*Columns]:
    """Only alerts whose cause is still there: the crew has not answered yet, or nobody holds the job since."""
    newer = select(_LATER.id).where(_LATER.job_id == CrewAlert.job_id, _LATER.assigned_at > CrewAlert.raised_at)
    joined = query.join(Job, Job.id == CrewAlert.job_id).join(Assignment, Assignment.id == CrewAlert.assignment_id)
    silent = and_(CrewAlert.kind == AlertKind.NO_ANSWER, Assignment.ended_at.is_(None), Job.state == JobState.ASSIGNED)
    given_back = and_(CrewAlert.kind != AlertKind.NO_ANSWER, Job.state == JobState.NEW, ~newer.exists())
    return joined.where(Job.deleted_at.is_(None), or_(silent, given_back))


def untaken(session: Session, *, before: datetime, highest: int) -> list[tuple[CrewAlert, Job]]:
    """Standing alerts that nobody took since a time and that can still be passed on; their rows held."""
    since = func.coalesce(CrewAlert.passed_on_at, CrewAlert.raised_at)
    query = standing(select(CrewAlert, Job)).where(
        CrewAlert.taken_at.is_(None), CrewAlert.level < highest, since <= before
    )
    held = query.order_by(CrewAlert.raised_at).limit(AT_ONCE).with_for_update(of=CrewAlert, skip_locked=True)
    return [(row[0], row[1]) for row in session.execute(held)]


def job_of_alert(session: Session, alert_id: UUID) -> UUID | None:
    """The job an alert is about."""
    return session.scalar(select(CrewAlert.job_id).where(CrewAlert.id == alert_id))


def lock_alert(session: Session, alert_id: UUID) -> CrewAlert:
    """An alert that is there, held until the end of the transaction."""
    query = select(CrewAlert).where(CrewAlert.id == alert_id).with_for_update()
    return session.scalars(query, execution_options={"populate_existing": True}).one()


def raised_already(session: Session, assignment_id: UUID, kind: AlertKind) -> bool:
    """Whether there is an alert of this kind about the assignment."""
    query = select(CrewAlert.id).where(CrewAlert.assignment_id == assignment_id, CrewAlert.kind == kind)
    return session.scalar(query) is not None


def stands(session: Session, alert_id: UUID) -> bool:
    """Whether the alert's cause is still there."""
    return session.scalar(standing(select(CrewAlert.id)).where(CrewAlert.id == alert_id)) is not None


def is_one(session: Session, person_id: UUID | None, branch_id: UUID, role: Role) -> bool:
    """Whether somebody has this role in this branch."""
    query = select(RoleGrant.id).where(RoleGrant.person_id == person_id, RoleGrant.branch_id == branch_id)
    return session.scalar(query.where(RoleGrant.role == role)) is not None


def holders(session: Session, branch_ids: Sequence[UUID], roles: Sequence[Role]) -> dict[tuple[UUID, Role], list[Any]]:
    """The active people of a role in a branch, as `[{name, name_en}]`, by staff number."""
    query = select(RoleGrant.branch_id, RoleGrant.role, Person.name, Person.name_en).join(
        Person, Person.id == RoleGrant.person_id
    )
    asked = query.where(RoleGrant.branch_id.in_(branch_ids), RoleGrant.role.in_(roles), Person.active)
    found: dict[tuple[UUID, Role], list[Any]] = {}
    for row in session.execute(asked.order_by(Person.staff_no)):
        found.setdefault((row.branch_id, row.role), []).append({"name": row.name, "name_en": row.name_en})
    return found


def standing_alerts(session: Session, branch_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """The standing alerts of these branches, the oldest first; of each job the newest."""
    kept = standing(select(CrewAlert.job_id, CrewAlert.id)).where(CrewAlert.branch_id.in_(branch_ids))
    newest = {row.job_id: row.id for row in session.execute(kept.order_by(CrewAlert.raised_at))}
    ids = list(newest.values())
    return [dict(row._mapping) for row in session.execute(_LISTED, {"ids": ids, "most": MOST_LISTED})]


_LISTED = text(
    """
    SELECT w.id, w.branch_id, w.kind, w.raised_at, w.level, coalesce(w.passed_on_at, w.raised_at) AS level_since,
           w.taken_at, p.name AS taken_by_name, p.name_en AS taken_by_name_en, w.assignment_id,
           coalesce(a.ended_at, a.assigned_at) AS since,
           json_build_object('id', j.id, 'number', j.number, 'kind', j.kind, 'state', j.state,
                             'priority', j.priority, 'address', j.address) AS job,
           json_build_object('id', c.id, 'code', c.code, 'name_zh', c.name_zh, 'name_en', c.name_en,
                             'phone', c.phone) AS crew,
           CASE WHEN a.ended_at IS NOT NULL THEN (
               SELECT e.detail ->> 'reason' FROM job_event e
               WHERE e.job_id = w.job_id AND e.crew_id = w.crew_id AND e.kind = w.kind
               ORDER BY e.received_at DESC LIMIT 1) END AS reason
    FROM crew_alert w
    JOIN job j ON j.id = w.job_id
    JOIN crew c ON c.id = w.crew_id
    JOIN assignment a ON a.id = w.assignment_id
    LEFT JOIN person p ON p.id = w.taken_by
    WHERE w.id = ANY(:ids) ORDER BY w.raised_at, w.id LIMIT :most
    """
)
