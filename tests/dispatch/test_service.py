"""Sending crews, against the database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.dispatch import service
from app.dispatch.errors import AssignmentEnded, CrewNotQualified, CrewOffDuty, UnknownCrew
from app.identity.models import Branch, Person, Role
from app.jobs import queries as job_queries
from app.jobs import service as job_service
from app.jobs.errors import CrewBusy, JobTaken, WrongTransition
from app.jobs.models import Assignment, EndReason, Job, JobKind, JobState
from app.kernel.problems import Forbidden, NotFound, Problem
from app.kernel.unit_of_work import Runtime
from app.staff.models import Grade, Skill
from tests.factories import acting, given_branch, given_person
from tests.factories_field import (
    NOON,
    at_m,
    counted_queries,
    given_crew,
    given_forms,
    given_job,
    given_skill,
    given_street_grid,
)


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    branch = given_branch(session)
    given_street_grid(session, branch)
    return branch


def send(runtime: Runtime, by: Person, job: Job, crew: Crew) -> Assignment:
    with acting(runtime, by) as uow:
        return service.dispatch_crew(uow, job_id=job.id, crew_id=crew.id)


def rank(runtime: Runtime, by: Person, job: Job) -> service.Ranking:
    with acting(runtime, by) as uow:
        return service.candidates(uow, job_id=job.id)


def test_crews_are_ranked_by_their_way_along_streets(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person
) -> None:
    given_crew(session, branch, "FAR", place=at_m(-1000, -400))
    given_crew(session, branch, "NEAR", place=at_m(400, 200))
    given_crew(session, branch, "OFF", place=at_m(200, 0), on_duty=False)
    given_crew(session, branch, "GAS", place=at_m(200, 0), skills=[Skill.GAS_IGNITION])
    ranking = rank(runtime, dispatcher, given_job(runtime, branch))
    order = [(candidate.facts.code, candidate.ok) for candidate in ranking.candidates]
    assert order == [("NEAR", True), ("FAR", True), ("OFF", False), ("GAS", False)]
    near = ranking.candidates[0]
    assert near.trip is not None
    assert (near.trip.distance_m, near.trip.eta_s) == (pytest.approx(600, rel=0.01), pytest.approx(60, rel=0.01))
    assert ranking.ok_count == 2


def test_the_best_valid_certificate_in_the_crew_counts(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person
) -> None:
    _, lapsed = given_crew(session, branch, "LAPSED", skills=[])
    session.add(given_skill(lapsed, Skill.LOW_VOLTAGE, Grade.SENIOR, until=NOON))
    _, both = given_crew(session, branch, "BOTH", skills=[Skill.LOW_VOLTAGE], grade=Grade.JUNIOR)
    session.add(given_skill(both, Skill.LOW_VOLTAGE, Grade.SENIOR))
    session.commit()
    ranking = rank(runtime, dispatcher, given_job(runtime, branch))
    found = {candidate.facts.code: candidate.facts.grade for candidate in ranking.candidates}
    assert found == {"BOTH": Grade.SENIOR, "LAPSED": None}
    refused = next(candidate for candidate in ranking.candidates if candidate.facts.code == "LAPSED")
    assert "skill_expired" in [reason.code for reason in refused.reasons]


@pytest.mark.parametrize("crews", [2, 40], ids=["two crews", "forty crews"])
def test_the_number_of_queries_does_not_grow_with_the_crews(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crews: int
) -> None:
    for number in range(crews):
        given_crew(session, branch, f"R{number}", place=at_m(number * 10, 0))
    job = given_job(runtime, branch)
    rank(runtime, dispatcher, job)  # reads the streets
    with acting(runtime, dispatcher) as uow, counted_queries(runtime) as sent:
        assert len(service.candidates(uow, job_id=job.id).candidates) == crews
    assert len(sent) == 3, sent


def test_a_crew_is_sent_with_its_reasons_kept(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person
) -> None:
    crew, _ = given_crew(session, branch, "R3", place=at_m(400, 0))
    job = given_job(runtime, branch)
    assignment = send(runtime, dispatcher, job, crew)
    assert {reason["code"] for reason in assignment.reasons} >= {"skill", "on_duty"}
    assert session.scalars(select(Job.state).where(Job.id == job.id)).one() is JobState.ASSIGNED


def test_sending_a_crew_takes_at_most_twelve_queries(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person
) -> None:
    crew, _ = given_crew(session, branch, "R3", place=at_m(400, 0))
    job = given_job(runtime, branch)
    with acting(runtime, dispatcher) as uow, counted_queries(runtime) as sent:
        service.dispatch_crew(uow, job_id=job.id, crew_id=crew.id)
    assert len(sent) <= 12, sent


def test_a_busy_crew_is_refused(runtime: Runtime, session: Session, branch: Branch, dispatcher: Person) -> None:
    crew, _ = given_crew(session, branch)
    first, second = given_job(runtime, branch), given_job(runtime, branch)
    send(runtime, dispatcher, first, crew)
    with pytest.raises(CrewBusy) as refused:
        send(runtime, dispatcher, second, crew)
    assert refused.value.params["job_number"] == first.number
    assert session.scalars(select(Job.state).where(Job.id == second.id)).one() is JobState.NEW


def test_an_unqualified_crew_is_refused(runtime: Runtime, session: Session, branch: Branch, dispatcher: Person) -> None:
    crew, _ = given_crew(session, branch, skills=[Skill.METERING])
    with pytest.raises(CrewNotQualified):
        send(runtime, dispatcher, given_job(runtime, branch), crew)


def test_a_crew_off_duty_is_refused(runtime: Runtime, session: Session, branch: Branch, dispatcher: Person) -> None:
    crew, _ = given_crew(session, branch, on_duty=False)
    with pytest.raises(CrewOffDuty):
        send(runtime, dispatcher, given_job(runtime, branch), crew)


def test_a_crew_of_another_branch_is_unknown(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person
) -> None:
    elsewhere = given_branch(session, "XX", centre=(110.0, 30.0))
    crew, _ = given_crew(session, elsewhere)
    with pytest.raises(UnknownCrew):
        send(runtime, dispatcher, given_job(runtime, branch), crew)


def test_a_dispatcher_of_another_branch_finds_no_job(runtime: Runtime, session: Session, branch: Branch) -> None:
    elsewhere = given_branch(session, "XX", centre=(110.0, 30.0))
    foreign = given_person(session, elsewhere, "foreign", [Role.DISPATCHER])
    crew, _ = given_crew(session, branch)
    job = given_job(runtime, branch)
    with pytest.raises(NotFound):
        send(runtime, foreign, job, crew)
    with pytest.raises(NotFound):
        rank(runtime, foreign, job)


def test_the_hotline_sends_nobody(runtime: Runtime, session: Session, branch: Branch) -> None:
    hotline = given_person(session, branch, "mali", [Role.HOTLINE])
    crew, _ = given_crew(session, branch)
    with pytest.raises(Forbidden):
        send(runtime, hotline, given_job(runtime, branch), crew)


def test_a_job_that_has_a_crew_gets_no_second_one(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person
) -> None:
    job = given_job(runtime, branch)
    send(runtime, dispatcher, job, given_crew(session, branch, "R1")[0])
    with pytest.raises(WrongTransition):
        send(runtime, dispatcher, job, given_crew(session, branch, "R2")[0])


def test_a_crew_called_back_is_free_and_the_job_new(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person
) -> None:
    crew, _ = given_crew(session, branch)
    job = given_job(runtime, branch)
    sent = send(runtime, dispatcher, job, crew)
    with acting(runtime, dispatcher) as uow:
        assert service.withdraw(uow, assignment_id=sent.id).end_reason is EndReason.WITHDRAWN
    with pytest.raises(AssignmentEnded), acting(runtime, dispatcher) as uow:
        service.withdraw(uow, assignment_id=sent.id)
    send(runtime, dispatcher, job, crew)
    assert session.scalars(select(Job.state).where(Job.id == job.id)).one() is JobState.ASSIGNED


def test_a_booked_visit_soon_speaks_against_a_crew(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person
) -> None:
    crew, _ = given_crew(session, branch, place=at_m(200, 0), skills=[Skill.LOW_VOLTAGE, Skill.CARE])
    visit = given_job(runtime, branch, JobKind.CARE_VISIT)
    with acting(runtime, dispatcher) as uow:
        window = (uow.now + timedelta(minutes=30), uow.now + timedelta(minutes=60))
        held = job_queries.lock_job(uow.session, uow.actor, visit.id)
        job_service.assign(uow, job=held, crew_id=crew.id, reasons=[], live=False, window=window)
    best = rank(runtime, dispatcher, given_job(runtime, branch)).candidates[0]
    against = {reason.code: reason.params for reason in best.reasons if not reason.good}
    assert against["breaks_visit"]["job_number"] == visit.number
    assert best.ok


def test_two_dispatchers_in_one_instant_send_a_crew_once(committed_runtime: Runtime) -> None:
    runtime = committed_runtime
    with runtime.sessions() as session:
        given_forms(session)
        branch = given_branch(session)
        dispatchers = [given_person(session, branch, f"d{number}", [Role.DISPATCHER]) for number in range(2)]
        crew, _ = given_crew(session, branch)
    jobs = [given_job(runtime, branch) for _ in range(2)]
    start = Barrier(2)

    def attempt(number: int) -> type[Problem] | None:
        start.wait()
        try:
            send(runtime, dispatchers[number], jobs[number], crew)
        except Problem as refused:
            return type(refused)
        return None

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(attempt, range(2)))
    assert sorted(outcomes, key=str) == sorted([None, CrewBusy], key=str)
    with runtime.sessions() as session:
        assert len(session.scalars(select(Assignment)).all()) == 1


def test_two_dispatchers_in_one_instant_give_a_job_once(committed_runtime: Runtime) -> None:
    runtime = committed_runtime
    with runtime.sessions() as session:
        given_forms(session)
        branch = given_branch(session)
        dispatchers = [given_person(session, branch, f"d{number}", [Role.DISPATCHER]) for number in range(2)]
        crews = [given_crew(session, branch, f"R{number}")[0] for number in range(2)]
    job = given_job(runtime, branch)
    start = Barrier(2)

    def attempt(number: int) -> type[Problem] | None:
        start.wait()
        try:
            send(runtime, dispatchers[number], job, crews[number])
        except Problem as refused:
            return type(refused)
        return None

    with ThreadPoolExecutor(2) as pool:
        outcomes = set(pool.map(attempt, range(2)))
    assert None in outcomes
    assert outcomes - {None} <= {WrongTransition, JobTaken}
    assert len(outcomes) == 2
