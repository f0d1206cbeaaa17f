"""Booking and moving visits as the desk does, hours after the frozen clock's start."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import Branch, Person
from app.jobs import queries as job_queries
from app.jobs import service as job_service
from app.jobs.models import Job, JobKind, JobState
from app.kernel.unit_of_work import Runtime
from app.staff.models import Skill
from tests.factories import Client, acting
from tests.factories_field import NOON, given_job

CARE = (Skill.LOW_VOLTAGE, Skill.CARE)  # of who may do any visit


def hours(n: float) -> datetime:
    """So many hours after the frozen clock's start, 08:00 in Shanghai; the crews are on duty from -1 to 8."""
    return NOON + timedelta(hours=n)


def asked(crew: Crew, start: datetime, end: datetime) -> dict[str, Any]:
    return {"crew_id": str(crew.id), "planned_start": start.isoformat(), "planned_end": end.isoformat()}


def book(desk: Client, job: Job, crew: Crew, start: float = 1, end: float = 2) -> Any:
    return desk.post(f"/api/v1/jobs/{job.id}/visits", json=asked(crew, hours(start), hours(end)))


def move(desk: Client, visit: str, crew: Crew, start: float, end: float) -> Any:
    return desk.post(f"/api/v1/assignments/{visit}/move", json=asked(crew, hours(start), hours(end)))


def booked(desk: Client, runtime: Runtime, branch: Branch, crew: Crew, start: float = 1, end: float = 2) -> str:
    answer = book(desk, given_job(runtime, branch, JobKind.CARE_VISIT), crew, start, end)
    assert answer.status_code == 201, answer.text
    visit: str = answer.get_json()["id"]
    return visit


def step(runtime: Runtime, by: Person, job: Job, *states: str) -> None:
    for to in states:
        with acting(runtime, by) as uow:
            held = job_queries.lock_job(uow.session, uow.actor, job.id)
            job_service.transition(uow, job=held, to=to, reason="because" if to == "handed_back" else None)


def state_of(session: Session, job_id: Any) -> JobState:
    return session.get_one(Job, job_id, populate_existing=True).state
