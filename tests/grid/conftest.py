"""A town with its networks, and a dispatcher at a desk."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.identity.models import Branch, Role
from tests.factories import Client, given_branch, given_person, signed_in
from tests.grid.town import Networks, given_networks


@pytest.fixture
def branch(session: Session) -> Branch:
    return given_branch(session)


@pytest.fixture
def networks(session: Session, branch: Branch) -> Networks:
    return given_networks(session, branch)


@pytest.fixture
def desk(app: Flask, session: Session, branch: Branch) -> Client:
    return signed_in(app, given_person(session, branch, "linxiao", [Role.DISPATCHER]))
