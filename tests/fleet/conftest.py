"""A town with a dispatcher, a crew at work on a job, and its tablet."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.dispatch import service as dispatch
from app.identity.models import Branch, Person, Role
from app.jobs.models import Job
from app.kernel.unit_of_work import Runtime
from tests.factories import Client, acting, given_branch, given_person, signed_in
from tests.factories_field import at_m, given_crew, given_forms, given_job
from tests.sync.field import FieldTablet, field_tablet


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
def job(runtime: Runtime, branch: Branch, dispatcher: Person, crew_and_lead: tuple[Crew, Person]) -> Job:
    job = given_job(runtime, branch)
    with acting(runtime, dispatcher) as uow:
        dispatch.dispatch_crew(uow, job_id=job.id, crew_id=crew_and_lead[0].id)
    return job


@pytest.fixture
def tablet(app: Flask, session: Session, crew_and_lead: tuple[Crew, Person], job: Job) -> FieldTablet:
    """It holds the job, and has said so: with a pull a tablet acknowledges the one before."""
    assert job.id
    tablet = field_tablet(app, session, crew_and_lead[1])
    tablet.engine.pull()
    tablet.engine.pull()
    return tablet


@pytest.fixture
def other_hand(app: Flask, session: Session, crew_and_lead: tuple[Crew, Person], job: Job) -> FieldTablet:
    """A second tablet of the crew."""
    assert job.id
    tablet = field_tablet(app, session, crew_and_lead[1])
    tablet.engine.pull()
    return tablet


@pytest.fixture
def desk(app: Flask, dispatcher: Person) -> Client:
    return signed_in(app, dispatcher)
