"""A branch with its forms, and a job in it that photos may belong to."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.identity.models import Branch
from app.jobs.models import Job
from app.kernel.unit_of_work import Runtime
from tests.factories import given_branch
from tests.factories_field import given_forms, given_job


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    return given_branch(session)


@pytest.fixture
def job(runtime: Runtime, branch: Branch) -> Job:
    return given_job(runtime, branch)
