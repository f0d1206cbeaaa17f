"""A branch with a dispatcher at a desk and two crews, whose day tomorrow is on duty."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.crews.models import Crew, Shift
from app.identity.models import Branch, Person, Role
from app.kernel.ids import new_id
from app.staff.models import Skill
from tests.factories import Client, given_branch, given_person, signed_in
from tests.factories_field import NOON, at_m, given_crew, given_forms

SKILLS = (Skill.INSPECTION, Skill.METERING, Skill.CARE)


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    return given_branch(session)


@pytest.fixture
def dispatcher(session: Session, branch: Branch) -> Person:
    return given_person(session, branch, "linxiao", [Role.DISPATCHER])


@pytest.fixture
def desk(app: Flask, dispatcher: Person) -> Client:
    return signed_in(app, dispatcher)


@pytest.fixture
def crew(session: Session, branch: Branch) -> Crew:
    return _tomorrow(session, given_crew(session, branch, "P1", skills=SKILLS, place=at_m())[0])


@pytest.fixture
def other(session: Session, branch: Branch) -> Crew:
    return _tomorrow(session, given_crew(session, branch, "P2", skills=SKILLS, place=at_m(3_000))[0])


def _tomorrow(session: Session, crew: Crew) -> Crew:
    start = NOON + timedelta(days=1)
    on_duty = {"starts_at": start, "ends_at": start + timedelta(hours=9)}
    session.add(Shift(id=new_id(), branch_id=crew.branch_id, crew_id=crew.id, **on_duty))
    session.commit()
    return crew
