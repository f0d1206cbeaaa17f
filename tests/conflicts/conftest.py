"""Two tablets of one crew, and a question of the checklist that they answer differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

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


@dataclass
class Quarrel:
    """One job's checklist on two tablets of its crew."""

    job: Job
    record_id: UUID
    first: FieldTablet
    second: FieldTablet

    def answer(self, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
        """The first tablet's answers arrive first; the second has not heard of them."""
        self.first.engine.update("form_record", self.record_id, fields_of(theirs))
        self.first.engine.push()
        self.second.engine.update("form_record", self.record_id, fields_of(mine))
        self.second.engine.push()


def fields_of(answers: dict[str, Any]) -> dict[str, Any]:
    return {f"answers.{item}": value for item, value in answers.items()}


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
def quarrel(
    app: Flask,
    session: Session,
    runtime: Runtime,
    dispatcher: Person,
    branch: Branch,
    crew_and_lead: tuple[Crew, Person],
) -> Quarrel:
    crew, lead = crew_and_lead
    job = given_job(runtime, branch)
    with acting(runtime, dispatcher) as uow:
        dispatch.dispatch_crew(uow, job_id=job.id, crew_id=crew.id)
    tablets = [field_tablet(app, session, lead) for _ in range(2)]
    for tablet in tablets:
        tablet.engine.pull()
    (record_id,) = tablets[0].held("form_record")
    return Quarrel(job, record_id, *tablets)


@pytest.fixture
def desk(app: Flask, dispatcher: Person) -> Client:
    return signed_in(app, dispatcher)
