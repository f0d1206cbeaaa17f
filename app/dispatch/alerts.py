"""What happens after sending: a crew that does not answer or gives the job back is put before the desk.

`chase` comes round by the clock, `note_given_back` follows from the crew's own step. What nobody at the desk takes is
passed on along `rules.CHAIN`; each step leaves a line in the job's timeline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.dispatch import queries, rules, service
from app.dispatch.errors import AlertOver, AlertTaken
from app.dispatch.models import AlertKind, CrewAlert
from app.identity.models import Role
from app.jobs import queries as jobs
from app.jobs.models import EndReason, JobState
from app.jobs.service import note_event
from app.kernel.actor import Permission
from app.kernel.problems import NotFound
from app.kernel.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from app.jobs.models import Assignment, Job


def chase(uow: UnitOfWork) -> None:
    """Raise an alert for every crew that has not answered in time, and pass on what nobody took."""
    settings = uow.runtime.settings
    for job, assignment in queries.unanswered(uow.session, before=uow.now - settings.answer_within):
        _raise(uow, job, assignment, AlertKind.NO_ANSWER)
    last = len(rules.CHAIN) - 1
    for alert, job in queries.untaken(uow.session, before=uow.now - settings.pass_on_after, highest=last):
        _pass_on(uow, alert, job)


def note_given_back(uow: UnitOfWork, *, assignment_id: UUID) -> None:
    """A crew refused the job or handed it back. Told twice, it is one alert."""
    job, assignment = jobs.lock_assignment_job(uow.session, uow.actor, assignment_id)
    if assignment.end_reason in {EndReason.REFUSED, EndReason.HANDED_BACK}:
        kind = AlertKind(assignment.end_reason.value)
        if not queries.raised_already(uow.session, assignment.id, kind):
            _raise(uow, job, assignment, kind)


def open_alerts(uow: UnitOfWork) -> list[dict[str, Any]]:
    """The standing alerts of the branches whose work the actor sees, the oldest first. Three queries.

    Raises:
        Forbidden: the actor sees no branch's work.
    """
    branch_ids = uow.actor.must_somewhere(Permission.READ_ALL_JOBS)
    found = queries.standing_alerts(uow.session, branch_ids)
    names = queries.holders(uow.session, branch_ids, rules.CHAIN) if found else {}
    return [{**alert, **_level(uow, alert, names)} for alert in found]


def take(uow: UnitOfWork, *, alert_id: UUID) -> dict[str, Any]:
    """Say that one sees to it: it is not passed on any more.

    Raises:
        NotFound: no such alert, or not the actor's to see.
        Forbidden: the actor neither dispatches in the branch nor is of the level it was passed on to.
        AlertOver: its cause is gone. AlertTaken: somebody else sees to it already.
    """
    alert, job = _lock(uow, alert_id)
    level = rules.CHAIN[alert.level]
    if not queries.is_one(uow.session, uow.actor.person_id, job.branch_id, level):
        uow.actor.must(Permission.DISPATCH, job.branch_id)
    if not queries.stands(uow.session, alert.id):
        raise AlertOver(alert_id=str(alert.id))
    if alert.taken_by not in {None, uow.actor.person_id}:
        raise AlertTaken(alert_id=str(alert.id))
    if alert.taken_by is None:
        alert.taken_by, alert.taken_at = uow.actor.person_id, uow.now
        note_event(uow, job, "alert_taken", crew_id=alert.crew_id, about=alert.kind.value)
        _tell(uow, job)
    uow.session.flush()
    return next(one for one in open_alerts(uow) if one["id"] == alert.id)


def send_instead(uow: UnitOfWork, *, alert_id: UUID, crew_id: UUID) -> Assignment:
    """Call back the crew that has not answered, if there is one, and send another: both or neither.

    Raises:
        NotFound: no such alert, or not the actor's to see.
        Forbidden: the actor does not dispatch in its branch.
        AlertOver: the crew has answered, or another one was sent meanwhile.
        UnknownCrew, CrewBusy, CrewOffDuty, CrewNotQualified: as `service.dispatch_crew`.
    """
    alert, job = _lock(uow, alert_id)
    uow.actor.must(Permission.DISPATCH, job.branch_id)
    if not queries.stands(uow.session, alert.id):
        raise AlertOver(alert_id=str(alert.id))
    if job.state is JobState.ASSIGNED:
        service.withdraw(uow, assignment_id=alert.assignment_id)
    return service.dispatch_crew(uow, job_id=job.id, crew_id=crew_id)


def _lock(uow: UnitOfWork, alert_id: UUID) -> tuple[CrewAlert, Job]:
    """The job first, as everywhere in dispatch."""
    job_id = queries.job_of_alert(uow.session, alert_id)
    if job_id is None:
        raise NotFound
    job = jobs.lock_job(uow.session, uow.actor, job_id)
    uow.actor.must(Permission.READ_ALL_JOBS, job.branch_id)
    return queries.lock_alert(uow.session, alert_id), job


def _raise(uow: UnitOfWork, job: Job, assignment: Assignment, kind: AlertKind) -> None:
    uow.session.add(
        CrewAlert(
            id=uow.new_id(),
            branch_id=job.branch_id,
            job_id=job.id,
            crew_id=assignment.crew_id,
            assignment_id=assignment.id,
            kind=kind,
            raised_at=uow.now,
        )
    )
    if kind is AlertKind.NO_ANSWER:  # the crew's own steps have their lines already
        waited_s = int((uow.now - assignment.assigned_at).total_seconds())
        note_event(uow, job, kind.value, crew_id=assignment.crew_id, waited_s=waited_s)
    _tell(uow, job)


def _pass_on(uow: UnitOfWork, alert: CrewAlert, job: Job) -> None:
    alert.level += 1
    alert.passed_on_at = uow.now
    to = rules.CHAIN[alert.level]
    people = queries.holders(uow.session, [job.branch_id], [to]).get((job.branch_id, to), [])
    told: dict[str, Any] = {"about": alert.kind.value, "to": to.value, "people": people[: rules.NAMED]}
    note_event(uow, job, "passed_on", crew_id=alert.crew_id, **told)
    _tell(uow, job)


def _tell(uow: UnitOfWork, job: Job) -> None:
    uow.wake_live(job.branch_id, "job", job.id)


def _level(uow: UnitOfWork, alert: dict[str, Any], names: dict[tuple[UUID, Role], list[Any]]) -> dict[str, Any]:
    role = rules.CHAIN[alert["level"]]
    last = alert["level"] == len(rules.CHAIN) - 1 or alert["taken_at"] is not None
    passes_on_at = None if last else alert["level_since"] + uow.runtime.settings.pass_on_after
    people = names.get((alert["branch_id"], role), [])
    return {"role": role, "people": people[: rules.NAMED], "passes_on_at": passes_on_at}
