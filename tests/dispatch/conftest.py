"""A branch with a dispatcher at a desk, and two crews who may do any visit."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import Branch, Person, Role
from tests.dispatch.visits import CARE
from tests.factories import Client, given_branch, given_person, signed_in
from tests.factories_field import given_crew, given_forms


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
    return given_crew(session, branch, "R1", skills=CARE)[0]


@pytest.fixture
def other(session: Session, branch: Branch) -> Crew:
    return given_crew(session, branch, "R2", skills=CARE)[0]
