"""Verbs of jobs against the database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import Branch, Person, Role
from app.jobs import queries, service
from app.jobs.errors import (
    BadAnswer,
    BadForm,
    CrewBusy,
    FormPublished,
    JobClosed,
    JobIncomplete,
    JobTaken,
    NoForm,
    NotYourJob,
    ReasonRequired,
    WrongTransition,
)
from app.jobs.models import Assignment, EndReason, FormRecord, Job, JobEvent, JobKind, JobState, Priority
from app.jobs.rules import Asked
from app.kernel.actor import SYSTEM
from app.kernel.clock import FrozenClock
from app.kernel.problems import Forbidden, Invalid, NotFound
from app.kernel.unit_of_work import Runtime, UnitOfWork
from tests.factories import acting, given_branch, given_person
from tests.factories_field import NOON, at_m, counted_queries, given_crew, given_forms, given_job


def lock(uow: UnitOfWork, job: Job) -> Job:
    return queries.lock_job(uow.session, uow.actor, job.id)


def assign(runtime: Runtime, by: Person, job: Job, crew: Crew, *, live: bool = True) -> None:
    with acting(runtime, by) as uow:
        service.assign(uow, job=lock(uow, job), crew_id=crew.id, reasons=[], live=live)


def move(runtime: Runtime, by: Person, job: Job, *steps: str, reason: str | None = None) -> None:
    for step in steps:
        with acting(runtime, by) as uow:
            service.transition(uow, job=lock(uow, job), to=step, reason=reason)


def state_of(session: Session, job: Job) -> JobState:
    return session.scalars(select(Job.state).where(Job.id == job.id)).one()


def kinds_of(session: Session, job: Job) -> list[str]:
    lines = select(JobEvent.kind).where(JobEvent.job_id == job.id)
    return list(session.scalars(lines.order_by(JobEvent.at, JobEvent.id)))


def test_a_new_job_has_a_number_a_checklist_and_a_first_line(
    runtime: Runtime, session: Session, branch: Branch
) -> None:
    first, second = given_job(runtime, branch), given_job(runtime, branch)
    other = given_job(runtime, branch, JobKind.INSPECTION)
    assert (first.number, second.number, other.number) == ("QX20260716-0001", "QX20260716-0002", "AJ20260716-0001")
    record = session.scalars(select(FormRecord).where(FormRecord.job_id == first.id)).one()
    assert (record.answers, record.form_code) == ({}, "outage-repair")
    assert kinds_of(session, first) == ["opened"]


def test_a_number_carries_the_branchs_own_day(runtime: Runtime, clock: FrozenClock, branch: Branch) -> None:
    clock.tick(hours=16)  # midnight in Shanghai
    assert given_job(runtime, branch).number == "QX20260717-0001"


def test_a_job_without_a_published_form_is_refused(runtime: Runtime, session: Session) -> None:
    empty = given_branch(session, "XX", centre=(110.0, 30.0))
    with pytest.raises(NoForm):
        given_job(runtime, empty)


def test_a_crew_carries_a_job_through_its_life(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crew: Crew, lead: Person
) -> None:
    job = given_job(runtime, branch, JobKind.CARE_VISIT)
    assign(runtime, dispatcher, job, crew)
    move(runtime, lead, job, "accepted", "en_route", "arrived", "working")
    with acting(runtime, lead) as uow:
        record = queries.record_of(uow.session, job.id)
        assert record is not None
        service.answer(uow, record=record, item="outcome", value="done")
        service.answer(uow, record=record, item="contact_known", value=True)
    move(runtime, lead, job, "completed")
    ended = session.scalars(select(Assignment).where(Assignment.job_id == job.id)).one()
    assert (state_of(session, job), ended.end_reason) == (JobState.COMPLETED, EndReason.COMPLETED)


def test_nobody_of_another_crew_sees_or_moves_the_job(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crew: Crew, lead: Person
) -> None:
    _, stranger = given_crew(session, branch, "R9", login="stranger")
    job = given_job(runtime, branch)
    assign(runtime, dispatcher, job, crew)
    with pytest.raises(NotFound), acting(runtime, stranger) as uow:
        lock(uow, job)
    with acting(runtime, lead) as uow:
        assert lock(uow, job).id == job.id


def test_a_crew_loses_sight_of_a_job_it_hands_back_but_not_of_one_it_completed(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crew: Crew, lead: Person
) -> None:
    job = given_job(runtime, branch)
    assign(runtime, dispatcher, job, crew)
    move(runtime, lead, job, "accepted")
    move(runtime, lead, job, "handed_back", reason="needs a crane")
    assert state_of(session, job) is JobState.NEW
    assert kinds_of(session, job)[-1] == "handed_back"
    with pytest.raises(NotFound), acting(runtime, lead) as uow:
        lock(uow, job)


def test_refusing_needs_a_reason(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crew: Crew, lead: Person
) -> None:
    job = given_job(runtime, branch)
    assign(runtime, dispatcher, job, crew)
    for reason in (None, "  ", "x" * 501, "a\x00b", 7):
        with pytest.raises(ReasonRequired):
            move(runtime, lead, job, "refused", reason=reason)  # type: ignore[arg-type]
    assert state_of(session, job) is JobState.ASSIGNED


def test_a_wrong_step_names_the_right_ones_and_changes_nothing(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crew: Crew, lead: Person
) -> None:
    job = given_job(runtime, branch)
    assign(runtime, dispatcher, job, crew)
    with pytest.raises(WrongTransition) as refused:
        move(runtime, lead, job, "working")
    assert refused.value.params == {"from": "assigned", "to": "working", "allowed": ["accepted", "new"]}
    assert (state_of(session, job), kinds_of(session, job)) == (JobState.ASSIGNED, ["opened", "assigned"])


@pytest.mark.parametrize("step", ["assigned", "planned"])
def test_a_job_is_given_to_a_crew_by_dispatch_only(
    runtime: Runtime, branch: Branch, dispatcher: Person, step: str
) -> None:
    job = given_job(runtime, branch)
    with pytest.raises(WrongTransition):
        move(runtime, dispatcher, job, step)


def test_completion_lists_all_that_is_missing(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crew: Crew, lead: Person
) -> None:
    job = given_job(runtime, branch)
    assign(runtime, dispatcher, job, crew)
    move(runtime, lead, job, "accepted", "en_route", "arrived", "working", "restored")
    with pytest.raises(JobIncomplete) as refused:
        move(runtime, lead, job, "completed")
    fields = [error.field for error in refused.value.errors]
    assert {"answers.cause", "photos.before", "photos.after", "signatures.customer"} <= set(fields)
    assert "photos.nameplate" not in fields
    assert state_of(session, job) is JobState.RESTORED


def test_a_busy_crew_gets_no_second_job(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crew: Crew
) -> None:
    first, second = given_job(runtime, branch), given_job(runtime, branch)
    assign(runtime, dispatcher, first, crew)
    with pytest.raises(CrewBusy):
        assign(runtime, dispatcher, second, crew)
    assert (state_of(session, second), kinds_of(session, second)) == (JobState.NEW, ["opened"])


def test_a_job_has_one_open_assignment_even_where_the_rules_are_passed_by(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crew: Crew
) -> None:
    other, _ = given_crew(session, branch, "R4")
    job = given_job(runtime, branch)
    assign(runtime, dispatcher, job, crew)
    with pytest.raises(JobTaken), runtime.unit_of_work(SYSTEM) as uow:
        uow.session.add(
            Assignment(
                id=uow.new_id(), branch_id=branch.id, job_id=job.id, crew_id=other.id, live=True, assigned_at=uow.now
            )
        )


def test_accepting_a_booked_visit_makes_it_live(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crew: Crew, lead: Person
) -> None:
    visit = given_job(runtime, branch, JobKind.CARE_VISIT)
    assign(runtime, dispatcher, visit, crew, live=False)
    assert state_of(session, visit) is JobState.PLANNED
    repair = given_job(runtime, branch)
    assign(runtime, dispatcher, repair, crew)
    with pytest.raises(CrewBusy):
        move(runtime, lead, visit, "accepted")
    move(runtime, lead, repair, "refused", reason="on the way to a visit")
    move(runtime, lead, visit, "accepted")
    assert session.scalars(select(Assignment.live).where(Assignment.job_id == visit.id)).one() is True


def test_dispatching_a_booked_job_to_another_crew_ends_the_booking(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crew: Crew
) -> None:
    other, _ = given_crew(session, branch, "R4")
    job = given_job(runtime, branch)
    assign(runtime, dispatcher, job, crew, live=False)
    assign(runtime, dispatcher, job, other)
    rows = session.execute(select(Assignment.crew_id, Assignment.end_reason).where(Assignment.job_id == job.id))
    assert {(row[0], row[1]) for row in rows} == {(crew.id, EndReason.WITHDRAWN), (other.id, None)}


def test_the_desk_moves_a_job_for_a_crew_that_phones_in(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crew: Crew
) -> None:
    job = given_job(runtime, branch)
    assign(runtime, dispatcher, job, crew)
    move(runtime, dispatcher, job, "accepted", "en_route")
    assert state_of(session, job) is JobState.EN_ROUTE


def test_the_hotline_reads_a_job_and_moves_nothing(runtime: Runtime, session: Session, branch: Branch) -> None:
    reader = given_person(session, branch, "mali", [Role.HOTLINE])
    job = given_job(runtime, branch)
    with pytest.raises(Forbidden):
        move(runtime, reader, job, "cancelled", reason="no")


def test_a_step_recorded_without_a_link_keeps_its_own_time(
    runtime: Runtime, session: Session, clock: FrozenClock, branch: Branch, dispatcher: Person, crew: Crew, lead: Person
) -> None:
    job = given_job(runtime, branch)
    assign(runtime, dispatcher, job, crew)
    move(runtime, lead, job, "accepted", "en_route")
    clock.tick(hours=2)
    with acting(runtime, lead) as uow:
        service.transition(uow, job=lock(uow, job), to="arrived", at=NOON + timedelta(minutes=20))
    line = session.scalars(select(JobEvent).where(JobEvent.job_id == job.id, JobEvent.kind == "arrived")).one()
    assert (line.at, line.received_at) == (NOON + timedelta(minutes=20), NOON + timedelta(hours=2))
    assert session.scalars(select(Job.arrived_at).where(Job.id == job.id)).one() == NOON + timedelta(minutes=20)


@pytest.mark.parametrize(
    ("item", "value", "reason"),
    [
        pytest.param("cause", "witchcraft", "choice", id="not one of the choices"),
        pytest.param("voltage_v", 999, "out_of_range", id="beyond the scale"),
        pytest.param("voltage_v", "230", "invalid", id="a text for a number"),
        pytest.param("risk_checked", False, "must_be_true", id="risks not checked"),
        pytest.param("parts_used", "x" * 501, "too_long", id="too long"),
        pytest.param("parts_used", "a\x00b", "unstorable", id="a NUL"),
        pytest.param("parts_used", "a\ud800b", "unstorable", id="half a character"),
        pytest.param("voltage_v", float("nan"), "unstorable", id="a number that is none"),
        pytest.param("colour", "red", "unknown_field", id="no such item"),
        pytest.param("colour", None, "unknown_field", id="no such item to clear"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_by_name(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, item: str, value: object, reason: str
) -> None:
    job = given_job(runtime, branch)
    with pytest.raises(BadAnswer) as refused, acting(runtime, dispatcher) as uow:
        record = queries.record_of(uow.session, job.id)
        assert record is not None
        service.answer(uow, record=record, item=item, value=value)
    assert [(error.field, error.reason) for error in refused.value.errors] == [(f"answers.{item}", reason)]
    assert session.scalars(select(FormRecord.answers).where(FormRecord.job_id == job.id)).one() == {}


def test_an_answer_bumps_the_records_revision_and_none_clears_it(
    runtime: Runtime, branch: Branch, dispatcher: Person
) -> None:
    job = given_job(runtime, branch)
    revisions = []
    for value in ("storm", "storm", None):
        with acting(runtime, dispatcher) as uow:
            record = queries.record_of(uow.session, job.id)
            assert record is not None
            revisions.append(service.answer(uow, record=record, item="cause", value=value).rev)
            answers = record.answers
    assert (revisions, answers) == ([2, 2, 3], {})


def test_what_looks_like_an_escape_is_kept_as_typed(runtime: Runtime, branch: Branch, dispatcher: Person) -> None:
    job = given_job(runtime, branch)
    with acting(runtime, dispatcher) as uow:
        record = queries.record_of(uow.session, job.id)
        assert record is not None
        service.answer(uow, record=record, item="action", value="typed \\u0000")
    with acting(runtime, dispatcher) as uow:
        kept = queries.record_of(uow.session, job.id)
        assert kept is not None
        assert kept.answers == {"action": "typed \\u0000"}


def test_nobody_answers_for_a_crew(runtime: Runtime, session: Session, branch: Branch) -> None:
    reader = given_person(session, branch, "wujing", [Role.QUALITY])
    job = given_job(runtime, branch)
    with pytest.raises(NotYourJob), acting(runtime, reader) as uow:
        record = queries.record_of(uow.session, job.id)
        assert record is not None
        service.answer(uow, record=record, item="cause", value="storm")


def test_a_cancelled_job_is_closed_to_every_change(runtime: Runtime, branch: Branch, dispatcher: Person) -> None:
    job = given_job(runtime, branch)
    move(runtime, dispatcher, job, "cancelled", reason="called twice")
    with pytest.raises(JobClosed), acting(runtime, dispatcher) as uow:
        service.edit_job(uow, job=lock(uow, job), changes={"note": "too late"})
    with pytest.raises(JobClosed), acting(runtime, dispatcher) as uow:
        record = queries.record_of(uow.session, job.id)
        assert record is not None
        service.answer(uow, record=record, item="cause", value="storm")


def test_an_edit_writes_only_what_differs_and_names_it(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person
) -> None:
    job = given_job(runtime, branch)
    with acting(runtime, dispatcher) as uow:
        edited = service.edit_job(uow, job=lock(uow, job), changes={"address": "龙衡路9号", "note": None})
        assert edited.rev == 2
    line = session.scalars(select(JobEvent).where(JobEvent.job_id == job.id, JobEvent.kind == "edited")).one()
    assert line.detail == {"fields": ["address"]}


def test_a_job_is_not_moved_out_of_the_branch(runtime: Runtime, branch: Branch, dispatcher: Person) -> None:
    job = given_job(runtime, branch)
    with pytest.raises(Invalid), acting(runtime, dispatcher) as uow:
        service.edit_job(uow, job=lock(uow, job), changes={"location": at_m(50_000, 0)})


def test_a_crew_writes_note_and_finding_and_nothing_else(
    runtime: Runtime, branch: Branch, dispatcher: Person, crew: Crew, lead: Person
) -> None:
    job = given_job(runtime, branch)
    assign(runtime, dispatcher, job, crew)
    with acting(runtime, lead) as uow:
        assert service.note_finding(uow, job=lock(uow, job), fields={"finding": "fuse blown"}).finding == "fuse blown"
    for fields in ({"priority": "normal"}, {"note": 7}, {"note": "x" * 2001}, {"finding": "a\ud800"}):
        with pytest.raises(Invalid), acting(runtime, lead) as uow:
            service.note_finding(uow, job=lock(uow, job), fields=fields)


def test_a_form_is_published_once_and_must_make_sense(runtime: Runtime) -> None:
    document = {
        "code": "x",
        "version": 1,
        "kind": "inspection",
        "title": {"en": "X"},
        "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
        "required": ["a"],
    }
    with runtime.unit_of_work(SYSTEM) as uow:
        service.publish_form(uow, document=document)
    with pytest.raises(FormPublished), runtime.unit_of_work(SYSTEM) as uow:
        service.publish_form(uow, document=document)
    for broken in ({"required": ["b"]}, {"kind": "magic"}, {"schema": {"type": "nonsense"}}, {"version": "1"}):
        with pytest.raises(BadForm), runtime.unit_of_work(SYSTEM) as uow:
            service.publish_form(uow, document={**document, "version": 2, **broken})


def test_running_jobs_keep_the_form_they_were_opened_with(runtime: Runtime, session: Session, branch: Branch) -> None:
    old = given_job(runtime, branch)
    document = dict(queries.form_of(session, code="outage-repair", version=1).document)
    with runtime.unit_of_work(SYSTEM) as uow:
        service.publish_form(uow, document={**document, "version": 2})
    new = given_job(runtime, branch)
    assert (old.form_version, new.form_version) == (1, 2)


def test_no_verb_asks_more_than_twelve_queries(
    runtime: Runtime, branch: Branch, dispatcher: Person, crew: Crew, lead: Person
) -> None:
    """What the verb itself asks. Following the change for tablets adds a fixed number at commit (tests/sync)."""
    asked = Asked(JobKind.OUTAGE_REPAIR, Priority.URGENT, at_m(), "龙衡路8号")
    with runtime.unit_of_work(SYSTEM) as uow, counted_queries(runtime) as sent:
        job = service.open_job(uow, branch_id=branch.id, asked=asked)
        uow.session.flush()  # the last rows are part of what the verb asks
        assert len(sent) <= 12, sent
    assign(runtime, dispatcher, job, crew)
    for step in ("accepted", "en_route", "arrived", "working", "restored"):
        with acting(runtime, lead) as uow:
            held = lock(uow, job)
            with counted_queries(runtime) as sent:
                service.transition(uow, job=held, to=step)
                assert len(sent) <= 6, sent
    with acting(runtime, lead) as uow, counted_queries(runtime) as sent:
        with pytest.raises(JobIncomplete):
            service.transition(uow, job=lock(uow, job), to="completed")
        assert len(sent) <= 6, sent


def test_forms_are_what_the_fixtures_say(session: Session) -> None:
    given_forms(session)
    for kind in JobKind:
        assert queries.newest_form(session, kind) is not None, kind
