"""Verbs of conflicts: a person decides, and the record's own room writes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.conflicts import queries, rules
from app.conflicts.errors import CannotWrite, ConflictSettled, MovedOn, NoAlarm, UnknownPerson
from app.conflicts.queries import Held
from app.conflicts.rules import Saw, Take
from app.identity.service import audit
from app.jobs import queries as jobs
from app.jobs import service as job_service
from app.kernel.actor import SYSTEM, Permission
from app.kernel.geo import point_from_geojson
from app.kernel.problems import FieldError, Forbidden, PreconditionFailed
from app.kernel.unit_of_work import UnitOfWork
from mobile_sync.adapters.sql import acknowledge_conflicts, assign_conflicts, move, settle_conflicts
from mobile_sync.collection import Policy
from mobile_sync.merge import same

ENTITY = "conflict"  # its name among the records of tablets
OPEN = "open"


def settle(
    uow: UnitOfWork, *, seen: Mapping[UUID, int], take: Take, value: Any = None, reason: str | None = None
) -> list[UUID]:
    """One decision for one or many conflicts; `seen` gives each one's record revision as it was shown.

    Raises:
        NotFound: one is not there, or of another branch.
        Forbidden: the actor is not the one to decide (`rules.may_settle`).
        ConflictSettled: one has been settled meanwhile; nothing is written.
        PreconditionFailed: a record has changed since it was shown.
        TwoAnswers: different values for one field of one record.
        CannotWrite: the record has gone, or the field is not the desk's.
    """
    held = queries.lock_conflicts(uow.session, uow.actor, seen.keys())
    for one in held:
        _check(uow, one, seen[one.clash.id], take)
    chosen = rules.decided((one.clash for one in held), take, value)
    revs = {(one.clash.entity, one.clash.rec_id): one.rev for one in held}
    for record, fields in sorted(chosen.items()):
        revs[record] = _write(uow, record, fields, reason)
    settle_conflicts(
        uow.session,
        {one.clash.id: revs[one.clash.entity, one.clash.rec_id] for one in held},
        resolution={"take": take.value, "value": value, "reason": reason},
        by=uow.actor.person_id,
        at=uow.now,
    )
    for one in held:
        _note(uow, one, take)
    _tell_tablets(uow, held)
    return [one.clash.id for one in held]


def settle_as_seen(
    uow: UnitOfWork, *, conflict_id: UUID, saw: Saw, take: Take, value: Any = None, reason: str | None = None
) -> int:
    """The same decision, made on a tablet perhaps long ago, on the values that were shown there.

    What else happened to the record meanwhile does not matter. Returns the conflict's own revision.

    Raises:
        MovedOn: one of the two values is another by now.
        and as `settle`.
    """
    [one] = queries.lock_conflicts(uow.session, uow.actor, [conflict_id])
    if one.state == OPEN and not (same(saw.theirs, one.standing) and same(saw.mine, one.clash.mine)):
        raise MovedOn(conflict_id=str(conflict_id))
    settle(uow, seen={conflict_id: one.rev}, take=take, value=value, reason=reason)
    return queries.lock_rev(uow.session, conflict_id) or 0


def hand_over(uow: UnitOfWork, *, conflict_id: UUID, person_id: UUID | None, due_at: datetime | None) -> None:
    """Whose decision this is, and until when; None takes either back to what it was without.

    Raises:
        NotFound: there is no such conflict, or it is of another branch.
        Forbidden: the actor does not dispatch in its branch.
        ConflictSettled: it is settled.
        UnknownPerson: nobody of that id decides in the branch.
    """
    [one] = queries.lock_conflicts(uow.session, uow.actor, [conflict_id])
    uow.actor.must(Permission.DISPATCH, one.branch_id)
    _must_be_open(one)
    if person_id is not None and not possible_owners(uow, one=one, person_id=person_id):
        raise UnknownPerson(FieldError("person_id", "unknown"))
    assign_conflicts(uow.session, [conflict_id], assignee=person_id, due_at=due_at)
    uow.wake_live(one.branch_id, "job", one.job_id)
    _tell_tablets(uow, [one])


def possible_owners(uow: UnitOfWork, *, one: Held, person_id: UUID | None = None) -> list[dict[str, Any]]:
    """Who could decide it: dispatchers and team leaders of its branch, and who is in the crew that has the job."""
    found = queries.owners_json(uow.session, branch_id=one.branch_id, job_id=one.job_id, person_id=person_id)
    owners: list[dict[str, Any]] = json.loads(found)
    return owners


def owners_of(uow: UnitOfWork, *, conflict_id: UUID) -> list[dict[str, Any]]:
    """The same for a dispatcher who is about to hand it over.

    Raises:
        NotFound: there is no such conflict, or it is of another branch.
        Forbidden: the actor does not dispatch in its branch.
    """
    [one] = queries.lock_conflicts(uow.session, uow.actor, [conflict_id])
    uow.actor.must(Permission.DISPATCH, one.branch_id)
    return possible_owners(uow, one=one)


def raise_alarm(uow: UnitOfWork, *, ids: Collection[UUID]) -> None:
    """These are about safety: the trail and the job's timeline say so; desk and crew are told by what tells of all.

    An alarm stays until somebody has acknowledged or settled it.
    """
    for alarm in queries.alarms_of(uow.session, ids):
        job = jobs.get_job(uow.session, SYSTEM, alarm.job_id)
        job_service.note_event(uow, job, "alarm_raised", field=alarm.field)
        audit(uow, "alarm_raised", "sync_conflict", alarm.id, {"field": alarm.field}, branch_id=job.branch_id)


def acknowledge(uow: UnitOfWork, *, conflict_id: UUID) -> None:
    """Somebody at the desk has seen the alarm; who was first stays.

    Raises:
        NotFound: there is no such conflict, or it is of another branch.
        Forbidden: the actor does not dispatch in its branch.
        NoAlarm: it is not about safety.
    """
    [one] = queries.lock_conflicts(uow.session, uow.actor, [conflict_id])
    uow.actor.must(Permission.DISPATCH, one.branch_id)
    if one.policy != Policy.NEVER:
        raise NoAlarm(conflict_id=str(conflict_id))
    if one.acknowledged or one.state != OPEN:
        return
    acknowledge_conflicts(uow.session, [conflict_id], by=uow.actor.person_id, at=uow.now)
    job = jobs.get_job(uow.session, uow.actor, one.job_id)
    job_service.note_event(uow, job, "alarm_acknowledged", field=one.clash.field)
    audit(uow, "alarm_acknowledged", "sync_conflict", conflict_id, branch_id=one.branch_id)
    uow.wake_live(one.branch_id, "job", one.job_id)
    _tell_tablets(uow, [one])


def place_settled(uow: UnitOfWork) -> None:
    """What was settled long enough ago leaves the tablets; nothing is written about it."""
    _place(uow, list(queries.outstayed(uow.session, uow.now)))


def _tell_tablets(uow: UnitOfWork, conflicts: Iterable[Held]) -> None:
    """A conflict is a record of its own on tablets; whom it was handed to, or what was decided, is news of it."""
    _place(uow, [one.clash.id for one in conflicts])


def _place(uow: UnitOfWork, ids: Collection[UUID]) -> None:
    for conflict_id, keys in queries.places_of(uow.session, ids, uow.now).items():
        move(uow.session, ENTITY, conflict_id, buckets=keys)


def _check(uow: UnitOfWork, one: Held, rev: int, take: Take) -> None:
    if not rules.may_settle(one.policy, queries.standing_of(uow.actor, one)):
        raise Forbidden(permission=Permission.SETTLE_CONFLICTS.value)
    _must_be_open(one)
    if one.rev != rev:
        raise PreconditionFailed(conflict_id=str(one.clash.id), rev=one.rev)
    if one.gone and take is not Take.THEIRS:
        raise CannotWrite(conflict_id=str(one.clash.id))


def _must_be_open(one: Held) -> None:
    if one.state != OPEN:
        raise ConflictSettled(conflict_id=str(one.clash.id))


Writer = Callable[[UnitOfWork, UUID, Mapping[str, Any], "str | None"], int]


def _write(uow: UnitOfWork, record: tuple[str, UUID], fields: Mapping[str, Any], reason: str | None) -> int:
    entity, rec_id = record
    writer = _WRITERS.get(entity)
    if writer is None:
        raise CannotWrite(entity=entity)
    return writer(uow, rec_id, fields, reason)


def _write_job(uow: UnitOfWork, job_id: UUID, fields: Mapping[str, Any], reason: str | None) -> int:
    job = jobs.lock_job(uow.session, uow.actor, job_id)
    words = {name: value for name, value in fields.items() if name in {"note", "finding"}}
    if set(fields) - set(words) - {"state", "location"}:
        raise CannotWrite(fields=sorted(fields))
    if words:
        job_service.correct_words(uow, job=job, fields=words)
    if "location" in fields:
        job_service.correct_place(uow, job=job, location=point_from_geojson(fields["location"]))
    if "state" in fields:
        job_service.transition(uow, job=job, to=fields["state"], reason=reason)
    return job.rev


def _write_answers(uow: UnitOfWork, record_id: UUID, fields: Mapping[str, Any], _reason: str | None) -> int:
    record = jobs.lock_record(uow.session, uow.actor, record_id)
    for name, value in sorted(fields.items()):
        if not name.startswith("answers."):
            raise CannotWrite(fields=[name])
        job_service.correct_answer(uow, record=record, item=name.removeprefix("answers."), value=value)
    return record.rev


_WRITERS: Mapping[str, Writer] = {
    "job": _write_job,
    "form_record": _write_answers,
}


def _note(uow: UnitOfWork, one: Held, take: Take) -> None:
    """The decision stands in the job's timeline, where the crew and the desk look."""
    job = jobs.get_job(uow.session, uow.actor, one.job_id)
    job_service.note_event(uow, job, "conflict_settled", field=one.clash.field, take=take.value)
    uow.wake_live(one.branch_id, "job", one.job_id)
