"""Whatever anybody does in whatever order: jobs stay legal, a crew has one live assignment, the timeline tells all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import Branch, Person
from app.jobs import queries, service
from app.jobs.models import Assignment, EndReason, Job, JobEvent, JobKind, JobState
from app.kernel.problems import Problem
from app.kernel.unit_of_work import Runtime, UnitOfWork
from tests.factories import acting
from tests.factories_field import given_crew, given_job

Who = str
Op = tuple[Who, int, str]

ops = st.lists(
    st.tuples(
        st.sampled_from(["desk", "R1", "R2"]),
        st.integers(0, 2),
        st.one_of(
            st.sampled_from(["assign R1", "assign R2", "book R1", "book R2", "withdraw"]),
            st.sampled_from([state.value for state in JobState] + ["handed_back", "refused"]),
        ),
    ),
    min_size=5,
    max_size=40,
)


@pytest.fixture
def people(session: Session, branch: Branch, dispatcher: Person) -> dict[str, tuple[Crew | None, Person]]:
    return {
        "desk": (None, dispatcher),
        "R1": given_crew(session, branch, "R1", login="one"),
        "R2": given_crew(session, branch, "R2", login="two"),
    }


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=ops)
def test_any_story_leaves_every_job_legal(
    runtime: Runtime,
    session: Session,
    branch: Branch,
    people: dict[str, tuple[Crew | None, Person]],
    story: list[Op],
) -> None:
    kinds = (JobKind.OUTAGE_REPAIR, JobKind.CARE_VISIT, JobKind.INSPECTION)
    jobs = [given_job(runtime, branch, kind) for kind in kinds]
    for who, which, deed in story:
        attempt(runtime, people, who, jobs[which], deed)
    session.expire_all()
    for job in jobs:
        is_legal(session, session.get_one(Job, job.id))
    live = list(session.scalars(select(Assignment.crew_id).where(Assignment.live, Assignment.ended_at.is_(None))))
    assert len(live) == len(set(live))
    for assignment in session.scalars(select(Assignment).where(Assignment.ended_at.is_(None))):
        assignment.ended_at, assignment.end_reason = runtime.clock(), EndReason.CANCELLED  # free the crews for the next
    session.commit()


def attempt(runtime: Runtime, people: dict[str, tuple[Crew | None, Person]], who: str, job: Job, deed: str) -> None:
    """Do it as this person would; a refusal is an answer too, and must leave nothing behind."""
    try:
        with acting(runtime, people[who][1]) as uow:
            held = queries.lock_job(uow.session, uow.actor, job.id)
            DEEDS.get(deed.split(maxsplit=1)[0], step)(uow, held, deed, people)
    except Problem:
        pass


def step(uow: UnitOfWork, job: Job, deed: str, _people: Any) -> None:
    service.transition(uow, job=job, to=deed, reason="because")


def give(uow: UnitOfWork, job: Job, deed: str, people: dict[str, tuple[Crew | None, Person]]) -> None:
    crew = people[deed.split()[1]][0]
    assert crew is not None
    service.assign(uow, job=job, crew_id=crew.id, reasons=[], live=deed.startswith("assign"))


def take_back(uow: UnitOfWork, job: Job, _deed: str, _people: Any) -> None:
    service.withdraw(uow, job=job)


DEEDS: dict[str, Callable[[UnitOfWork, Job, str, Any], None]] = {"assign": give, "book": give, "withdraw": take_back}

HELD = {
    JobState.PLANNED,
    JobState.ASSIGNED,
    JobState.ACCEPTED,
    JobState.EN_ROUTE,
    JobState.ARRIVED,
    JobState.WORKING,
    JobState.RESTORED,
}


def is_legal(session: Session, job: Job) -> None:
    assignment = queries.open_assignment(session, job.id)
    assert (assignment is not None) == (job.state in HELD)
    if assignment is not None:
        assert assignment.live == (job.state is not JobState.PLANNED)
    assert (job.completed_at is not None) == (job.state is JobState.COMPLETED)
    assert job.state is not JobState.COMPLETED, "nobody filled in a checklist"
    lines = list(
        session.scalars(select(JobEvent.kind).where(JobEvent.job_id == job.id).order_by(JobEvent.at, JobEvent.id))
    )
    last = {"opened": "new", "refused": "new", "handed_back": "new", "withdrawn": "new"}
    assert last.get(lines[-1], lines[-1]) == job.state.value
