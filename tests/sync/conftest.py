"""A town with a dispatcher, two crews and a job; tablets of the crews."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import Branch, Person, Role
from app.jobs import queries as jobs
from app.jobs import service
from app.jobs.models import Assignment, Job
from app.kernel.unit_of_work import Runtime
from tests.factories import acting, given_branch, given_person
from tests.factories_field import at_m, given_crew, given_forms, given_job
from tests.sync.field import Assign, FieldTablet, field_tablet


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    return given_branch(session)


@pytest.fixture
def dispatcher(session: Session, branch: Branch) -> Person:
    return given_person(session, branch, "linxiao", [Role.DISPATCHER])


@pytest.fixture
def crew_and_lead(session: Session, branch: Branch) -> tuple[Crew, Person]:
    return given_crew(session, branch, "R3", place=at_m(300, 0), login="zhaoqiang")


@pytest.fixture
def crew(crew_and_lead: tuple[Crew, Person]) -> Crew:
    return crew_and_lead[0]


@pytest.fixture
def other_crew_and_lead(session: Session, branch: Branch) -> tuple[Crew, Person]:
    return given_crew(session, branch, "R5", place=at_m(-300, 0), login="qianwei")


@pytest.fixture
def job(runtime: Runtime, branch: Branch) -> Job:
    return given_job(runtime, branch)


@pytest.fixture
def tablet(app: Flask, session: Session, crew_and_lead: tuple[Crew, Person]) -> FieldTablet:
    return field_tablet(app, session, crew_and_lead[1])


@pytest.fixture
def other_tablet(app: Flask, session: Session, other_crew_and_lead: tuple[Crew, Person]) -> FieldTablet:
    return field_tablet(app, session, other_crew_and_lead[1])


@pytest.fixture
def assign(runtime: Runtime, dispatcher: Person) -> Assign:
    """Sends a crew to a job, as the dispatcher."""

    def give(job: Job, crew: Crew) -> Assignment:
        with acting(runtime, dispatcher) as uow:
            found = jobs.lock_job(uow.session, uow.actor, job.id)
            return service.assign(uow, job=found, crew_id=crew.id, reasons=[])

    return give
