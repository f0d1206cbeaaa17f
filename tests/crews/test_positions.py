"""Where crews are: the newest reading counts, all are kept, broken ones are refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.crews import queries, service
from app.crews.errors import NotYourCrew
from app.crews.models import Crew, CrewPosition, PositionFix
from app.identity.models import Branch, Person, Role
from app.kernel.actor import SYSTEM
from app.kernel.ids import new_id
from app.kernel.problems import Invalid, NotFound
from app.kernel.unit_of_work import Runtime
from tests.factories import acting, given_branch, given_person, signed_in
from tests.factories_field import NOON, as_geojson, at_m, given_crew


@pytest.fixture
def branch(session: Session) -> Branch:
    return given_branch(session)


@pytest.fixture
def crew_and_lead(session: Session, branch: Branch) -> tuple[Crew, Person]:
    return given_crew(session, branch, "R3", login="zhaoqiang")


def report(runtime: Runtime, who: Person, crew: Crew, place: Point, at: datetime, fix_id: UUID | None = None) -> bool:
    with acting(runtime, who) as uow:
        return service.record_fix(uow, crew_id=crew.id, location=place, at=at, fix_id=fix_id)


def fixes(session: Session, crew: Crew) -> int:
    return session.scalar(select(func.count()).select_from(PositionFix).where(PositionFix.crew_id == crew.id)) or 0


def test_an_older_reading_never_replaces_a_newer_one(
    runtime: Runtime, session: Session, crew_and_lead: tuple[Crew, Person]
) -> None:
    crew, lead = crew_and_lead
    assert report(runtime, lead, crew, at_m(100, 0), NOON) is True
    assert report(runtime, lead, crew, at_m(0, 0), NOON - timedelta(minutes=5)) is False
    assert report(runtime, lead, crew, at_m(0, 0), NOON) is False
    last = queries.last_position(session, crew.id)
    assert last is not None
    assert (last.at, last.location) == (NOON, at_m(100, 0))
    assert fixes(session, crew) == 3


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 600), min_size=1, max_size=12))
def test_in_whatever_order_readings_arrive_the_newest_stands(
    runtime: Runtime, session: Session, crew_and_lead: tuple[Crew, Person], seconds: list[int]
) -> None:
    crew, lead = crew_and_lead
    for second in seconds:
        report(runtime, lead, crew, at_m(second, 0), NOON - timedelta(seconds=600 - second))
    last = queries.last_position(session, crew.id)
    assert last is not None
    assert last.at == NOON - timedelta(seconds=600 - max(seconds))
    session.delete(last)
    session.commit()


def test_the_same_reading_sent_twice_is_kept_once(
    runtime: Runtime, session: Session, crew_and_lead: tuple[Crew, Person]
) -> None:
    crew, lead = crew_and_lead
    fix_id = new_id()
    for _ in range(2):
        report(runtime, lead, crew, at_m(), NOON, fix_id)
    assert fixes(session, crew) == 1


@pytest.mark.parametrize(
    ("place", "late", "field", "reason"),
    [
        pytest.param(Point(0.0, 0.0), timedelta(0), "location", "outside_branch", id="null island"),
        pytest.param(Point(30.2, 120.1 - 60), timedelta(0), "location", "outside_branch", id="another continent"),
        pytest.param(at_m(), timedelta(minutes=6), "at", "in_future", id="from the future"),
    ],
)
def test_a_reading_that_cannot_be_is_refused_and_changes_nothing(
    runtime: Runtime,
    session: Session,
    crew_and_lead: tuple[Crew, Person],
    place: Point,
    late: timedelta,
    field: str,
    reason: str,
) -> None:
    crew, lead = crew_and_lead
    with pytest.raises(Invalid) as refused:
        report(runtime, lead, crew, place, NOON + late)
    assert [(error.field, error.reason) for error in refused.value.errors] == [(field, reason)]
    assert (fixes(session, crew), session.get(CrewPosition, crew.id)) == (0, None)


def test_only_members_report_a_crews_position(
    runtime: Runtime, session: Session, branch: Branch, crew_and_lead: tuple[Crew, Person]
) -> None:
    _, stranger = given_crew(session, branch, "R9")
    elsewhere = given_branch(session, "XX", centre=(110.0, 30.0))
    _, foreign = given_crew(session, elsewhere, "X1")
    for who, problem in ((stranger, NotYourCrew), (foreign, NotFound)):
        with pytest.raises(problem):
            report(runtime, who, crew_and_lead[0], at_m(), NOON)


def test_the_system_may_report_for_a_vehicle_tracker(
    runtime: Runtime, session: Session, crew_and_lead: tuple[Crew, Person]
) -> None:
    with runtime.unit_of_work(SYSTEM) as uow:
        assert service.record_fix(uow, crew_id=crew_and_lead[0].id, location=at_m(), at=NOON)
    assert fixes(session, crew_and_lead[0]) == 1


def test_crews_on_duty_are_those_with_a_shift_now(session: Session, branch: Branch) -> None:
    on, _ = given_crew(session, branch, "ON")
    given_crew(session, branch, "OFF", on_duty=False)
    assert [crew.id for crew in queries.crews_on_duty(session, branch.id, NOON)] == [on.id]
    assert queries.crews_on_duty(session, branch.id, NOON + timedelta(hours=8)) == []


def test_a_tablet_reports_over_http_and_the_board_shows_it(
    app: Flask, session: Session, branch: Branch, crew_and_lead: tuple[Crew, Person]
) -> None:
    crew, lead = crew_and_lead
    tablet = signed_in(app, lead)
    body = {"location": as_geojson(at_m(5, 5)), "at": (NOON - timedelta(seconds=40)).isoformat(), "accuracy_m": 6.5}
    told = tablet.post(f"/api/v1/crews/{crew.id}/positions", json=body)
    assert (told.status_code, told.get_json()) == (201, {"newest": True})
    desk = signed_in(app, given_person(session, branch, "linxiao", [Role.DISPATCHER]))
    shown = desk.get("/api/v1/crews").get_json()["items"][0]
    assert (shown["position_age_s"], shown["accuracy_m"]) == (40, 6.5)
    assert shown["duty_until"] is not None
    bad = tablet.post(f"/api/v1/crews/{crew.id}/positions", json={**body, "accuracy_m": -1, "colour": "red"})
    assert {error["field"] for error in bad.get_json()["errors"]} == {"accuracy_m", "colour"}
