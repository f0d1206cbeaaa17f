"""A branch with forms, a dispatcher and a crew on duty."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import Branch, Person, Role
from tests.factories import given_branch, given_person
from tests.factories_field import at_m, given_crew, given_forms


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
def lead(crew_and_lead: tuple[Crew, Person]) -> Person:
    return crew_and_lead[1]
