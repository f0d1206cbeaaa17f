"""Verbs of conflicts: a person decides, and the record's own room writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.conflicts import queries, rules
from app.conflicts.errors import CannotWrite, ConflictSettled, UnknownPerson
from app.conflicts.queries import Held
from app.conflicts.rules import Take
from app.identity.models import Role
from app.jobs import queries as jobs
from app.jobs import service as job_service
from app.kernel.actor import Permission
from app.kernel.problems import FieldError, PreconditionFailed
from app.kernel.unit_of_work import UnitOfWork
from mobile_sync.adapters.sql import assign_conflicts, settle_conflicts

DECIDES = frozenset({Role.DISPATCHER})


def settle(
    uow: UnitOfWork, *, seen: Mapping[UUID, int], take: Take, value: Any = None, reason: str | None = None
) -> list[UUID]:
    """One decision for one or many conflicts; `seen` gives each one's record revision as it was shown.

    Raises:
        NotFound: one is not there, or of another branch.
        Forbidden: the actor does not dispatch in its branch.
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
    return [one.clash.id for one in held]


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
    if person_id is not None and not queries.can_decide(uow.session, person_id, one.branch_id, DECIDES):
        raise UnknownPerson(FieldError("person_id", "unknown"))
    assign_conflicts(uow.session, [conflict_id], assignee=person_id, due_at=due_at)
    uow.wake_live(one.branch_id, "job", one.job_id)


def _check(uow: UnitOfWork, one: Held, rev: int, take: Take) -> None:
    uow.actor.must(Permission.DISPATCH, one.branch_id)
    _must_be_open(one)
    if one.rev != rev:
        raise PreconditionFailed(conflict_id=str(one.clash.id), rev=one.rev)
    if one.gone and take is not Take.THEIRS:
        raise CannotWrite(conflict_id=str(one.clash.id))


def _must_be_open(one: Held) -> None:
    if one.state != "open":
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
    if set(fields) - set(words) - {"state"}:
        raise CannotWrite(fields=sorted(fields))
    if words:
        job_service.correct_words(uow, job=job, fields=words)
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
