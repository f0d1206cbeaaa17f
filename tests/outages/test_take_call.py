"""Taking calls: joined, new, refused; the outage follows its jobs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.demands.models import Channel, Demand, DemandKind, Symptom
from app.demands.service import Call
from app.identity.models import Branch, Person, Role
from app.jobs import queries as jobs
from app.jobs import service as job_service
from app.jobs.models import Job, JobKind, Priority
from app.kernel.clock import FrozenClock
from app.kernel.ids import new_id
from app.kernel.problems import Forbidden
from app.kernel.tasks import drain
from app.kernel.unit_of_work import Runtime
from app.outages import service
from app.outages.errors import OutageClosed, UnknownOutage
from app.outages.models import Outage, OutageState
from app.outages.schemas import OutageOut
from app.outages.service import Join, Taken
from tests.factories import Client, acting, given_branch, given_person, signed_in
from tests.factories_field import (
    METRE_DEG,
    as_geojson,
    at_m,
    counted_queries,
    given_crew,
    given_forms,
    given_premises,
    given_transformer_with_services,
)


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    return given_branch(session)


@pytest.fixture
def hotline(session: Session, branch: Branch) -> Person:
    return given_person(session, branch, "mali", [Role.HOTLINE])


@pytest.fixture
def desk(app: Flask, hotline: Person) -> Client:
    return signed_in(app, hotline)


def take(runtime: Runtime, who: Person, join: Join = "auto", **call: Any) -> Taken:
    said = Call(**{"channel": Channel.PHONE, "symptom": Symptom.NO_SUPPLY, **call})
    with acting(runtime, who) as uow:
        return service.take_call(uow, call=said, join=join)


def counts(session: Session) -> tuple[int, int, int]:
    return tuple(session.scalar(select(func.count()).select_from(table)) or 0 for table in (Demand, Outage, Job))  # type: ignore[return-value]


def test_who_takes_the_call_is_asked_first_and_stays_accountable(
    runtime: Runtime, session: Session, branch: Branch, hotline: Person
) -> None:
    premises = given_premises(session, branch)
    taken = take(runtime, hotline, premises_id=premises.id, caller_name="周桂兰")
    demand = session.get_one(Demand, taken.demand.id)
    assert (demand.first_asked_id, demand.taken_by, demand.number) == (hotline.id, hotline.id, "SL20260716-0001")
    job = session.get_one(Job, taken.job.id)
    assert (job.address, job.contact_name, job.outage_id) == (premises.address, "周桂兰", taken.outage.id)
    assert job.due_at is not None


def test_a_neighbours_call_joins_and_raises_the_urgency(runtime: Runtime, session: Session, hotline: Person) -> None:
    first = take(runtime, hotline, location=at_m(0, 0), symptom=Symptom.FLICKER)
    second = take(runtime, hotline, location=at_m(200, 0), symptom=Symptom.WIRE_DOWN)
    assert (second.outage.id, second.job.id, second.joined) == (first.outage.id, first.job.id, True)
    assert session.scalars(select(Job.priority).where(Job.id == first.job.id)).one() is Priority.EMERGENCY
    assert counts(session) == (2, 1, 1)


def test_customers_of_one_transformer_share_an_outage_across_the_district(
    runtime: Runtime, session: Session, branch: Branch, hotline: Person
) -> None:
    _, near, far = given_transformer_with_services(session, branch, [at_m(0, 0), at_m(900, 0)])
    here = given_premises(session, branch, at_m(0, 0), service_node_id=near)
    there = given_premises(session, branch, at_m(900, 0), service_node_id=far)
    first = take(runtime, hotline, premises_id=here.id)
    assert take(runtime, hotline, premises_id=there.id).outage.id == first.outage.id


def test_gas_and_power_are_two_outages_at_one_address(runtime: Runtime, session: Session, hotline: Person) -> None:
    dark = take(runtime, hotline, location=at_m())
    smell = take(runtime, hotline, location=at_m(), symptom=Symptom.GAS_SMELL)
    assert smell.outage.id != dark.outage.id
    assert (smell.job.kind, smell.job.priority) == (JobKind.GAS_LEAK, Priority.EMERGENCY)
    assert session.get_one(Demand, smell.demand.id).kind is DemandKind.GAS_LEAK


def test_the_taker_may_say_new_or_name_the_outage(runtime: Runtime, session: Session, hotline: Person) -> None:
    first = take(runtime, hotline, location=at_m())
    second = take(runtime, hotline, "new", location=at_m())
    third = take(runtime, hotline, first.outage.id, location=at_m(5000, 0))
    assert second.outage.id != first.outage.id
    assert (third.outage.id, third.job.id) == (first.outage.id, first.job.id)
    assert counts(session) == (3, 2, 2)


def test_a_call_from_the_street_is_addressed_by_the_nearest_premises(
    runtime: Runtime, session: Session, branch: Branch, hotline: Person
) -> None:
    given_premises(session, branch, at_m(150, 0), address="远处1号")
    given_premises(session, branch, at_m(60, 0), address="近处1号")
    assert take(runtime, hotline, location=at_m()).job.address == "近处1号"
    nowhere = take(runtime, hotline, location=at_m(0, 3000)).job
    assert (nowhere.address, nowhere.due_at) == (f"{at_m(0, 3000).x:.5f}, {at_m(0, 3000).y:.5f}", None)


def test_a_call_cannot_join_a_closed_outage(runtime: Runtime, session: Session, hotline: Person) -> None:
    taken = take(runtime, hotline, location=at_m())
    outage = session.get_one(Outage, taken.outage.id)
    outage.state, outage.closed_at = OutageState.CLOSED, runtime.clock()
    session.commit()
    before = counts(session)
    with pytest.raises(OutageClosed) as refused:
        take(runtime, hotline, outage.id, location=at_m())
    assert refused.value.params["number"] == outage.number
    assert counts(session) == before
    assert take(runtime, hotline, location=at_m()).outage.id != outage.id


def test_an_outage_of_another_branch_cannot_be_joined(runtime: Runtime, session: Session, hotline: Person) -> None:
    elsewhere = given_branch(session, "XX", centre=(110.0, 30.0))
    foreign = given_person(session, elsewhere, "foreign", [Role.HOTLINE])
    theirs = take(runtime, foreign, location=at_m(centre=(110.0, 30.0)))
    for outage_id in (theirs.outage.id, new_id()):
        with pytest.raises(UnknownOutage):
            take(runtime, hotline, outage_id, location=at_m())


def test_a_crew_member_takes_no_calls(runtime: Runtime, session: Session, branch: Branch) -> None:
    _, person = given_crew(session, branch)
    premises = given_premises(session, branch)
    with pytest.raises(Forbidden):
        take(runtime, person, premises_id=premises.id)


FAR_AWAY = as_geojson(at_m(60_000, 0))


@pytest.mark.parametrize(
    ("body", "code", "field", "reason"),
    [
        pytest.param({}, "invalid", "premises_id", "required", id="neither premises nor place"),
        pytest.param(
            {"premises_id": str(UUID(int=7))}, "unknown-premises", "premises_id", "not_found", id="no premises"
        ),
        pytest.param({"location": FAR_AWAY}, "invalid", "location", "outside_branch", id="outside the branch"),
        pytest.param(
            {"location": {"type": "Point", "coordinates": [30.2, 120.1]}},
            "invalid",
            "location",
            "swapped",
            id="swapped",
        ),
        pytest.param(
            {"location": {"type": "Point", "coordinates": [13_369_000, 3_530_000]}},
            "invalid",
            "location",
            "not_wgs84",
            id="Web Mercator metres",
        ),
        pytest.param({"location": {"type": "Polygon"}}, "invalid", "location", "invalid", id="not a point"),
        pytest.param({"symptom": "haunted"}, "invalid", "symptom", "choice", id="unknown symptom"),
        pytest.param({"colour": "red"}, "invalid", "colour", "unknown_field", id="unknown field"),
        pytest.param({"join": "yesterday's"}, "invalid", "join", "choice", id="no outage's id"),
    ],
)
def test_a_bad_call_is_refused_by_name_and_changes_nothing(
    session: Session, desk: Client, body: dict[str, Any], code: str, field: str, reason: str
) -> None:
    refused = desk.post("/api/v1/calls", json={"symptom": "no_supply", **body})
    answer = refused.get_json()
    assert (refused.status_code, answer["code"]) == (422, code)
    assert (field, reason) in [(error["field"], error["reason"]) for error in answer["errors"]]
    assert counts(session) == (0, 0, 0)


def test_a_closed_outage_is_a_conflict_over_http(
    runtime: Runtime, session: Session, hotline: Person, desk: Client
) -> None:
    taken = take(runtime, hotline, location=at_m())
    outage = session.get_one(Outage, taken.outage.id)
    outage.state, outage.closed_at = OutageState.CLOSED, runtime.clock()
    session.commit()
    body = {"symptom": "no_supply", "location": as_geojson(at_m()), "join": str(outage.id)}
    refused = desk.post("/api/v1/calls", json=body)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "outage-closed")


def test_taking_a_call_asks_at_most_twelve_queries(
    runtime: Runtime, session: Session, branch: Branch, hotline: Person
) -> None:
    _, near = given_transformer_with_services(session, branch, [at_m(0, 0)])
    premises = given_premises(session, branch, service_node_id=near)
    for expected_join in (False, True):
        with acting(runtime, hotline) as uow, counted_queries(runtime) as sent:
            said = Call(channel=Channel.PHONE, symptom=Symptom.NO_SUPPLY, premises_id=premises.id)
            assert service.take_call(uow, call=said).joined is expected_join
        assert len(sent) <= 12, sent


def test_an_outage_is_restored_and_closed_with_its_jobs_however_often_it_is_told(
    runtime: Runtime, session: Session, clock: FrozenClock, branch: Branch, hotline: Person
) -> None:
    dispatcher = given_person(session, branch, "linxiao", [Role.DISPATCHER])
    crew, lead = given_crew(session, branch, login="zhaoqiang")
    taken = take(runtime, hotline, location=at_m())
    with acting(runtime, dispatcher) as uow:
        held = jobs.lock_job(uow.session, uow.actor, taken.job.id)
        job_service.assign(uow, job=held, crew_id=crew.id, reasons=[])
    for step, state in (
        ("accepted", OutageState.OPEN),
        ("en_route", OutageState.OPEN),
        ("arrived", OutageState.OPEN),
        ("working", OutageState.OPEN),
        ("restored", OutageState.RESTORED),
        ("working", OutageState.OPEN),
        ("restored", OutageState.RESTORED),
    ):
        clock.tick(minutes=1)
        with acting(runtime, lead) as uow:
            job_service.transition(uow, job=jobs.lock_job(uow.session, uow.actor, taken.job.id), to=step)
        drain(runtime)
        with runtime.unit_of_work() as uow:
            service.follow_jobs(uow, outage_id=taken.outage.id)
        session.expire_all()
        assert session.get_one(Outage, taken.outage.id).state is state, step
    assert session.get_one(Outage, taken.outage.id).restored_at == clock()


def test_the_list_made_in_sql_fits_the_schema(
    runtime: Runtime, session: Session, branch: Branch, hotline: Person, desk: Client
) -> None:
    _, near = given_transformer_with_services(session, branch, [at_m(0, 0)])
    premises = given_premises(session, branch, service_node_id=near)
    taken = take(runtime, hotline, premises_id=premises.id)
    listed = desk.get("/api/v1/outages?state=open").get_json()["items"]
    one = desk.get(f"/api/v1/outages/{taken.outage.id}")
    assert [one.get_json()] == listed
    assert (listed[0]["calls"], [job["id"] for job in listed[0]["jobs"]]) == (1, [str(taken.job.id)])
    assert listed[0]["suspected_node_kind"] == "transformer"
    assert one.headers["ETag"] == '"1"'
    outage = session.get_one(Outage, taken.outage.id)
    dumped = OutageOut().dump(outage)
    assert {name: listed[0][name] for name in dumped} == {**dumped, "location": listed[0]["location"]}
    assert listed[0]["location"]["coordinates"] == pytest.approx(
        [outage.location.x, outage.location.y], abs=METRE_DEG / 10
    )
    assert set(OutageOut().fields) == set(listed[0])
    assert desk.get("/api/v1/outages?state=closed").get_json() == {"items": [], "next": None}


def test_pages_of_outages_join_without_gap(runtime: Runtime, hotline: Person, desk: Client) -> None:
    opened = {str(take(runtime, hotline, "new", location=at_m()).outage.id) for _ in range(5)}
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = desk.get("/api/v1/outages", query_string=query).get_json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert (len(seen), set(seen)) == (5, opened)
    assert desk.get("/api/v1/outages?cursor=nonsense").status_code == 422


def test_a_foreign_hotline_sees_no_outage(app: Flask, runtime: Runtime, session: Session, hotline: Person) -> None:
    taken = take(runtime, hotline, location=at_m())
    elsewhere = given_branch(session, "XX", centre=(110.0, 30.0))
    foreign = signed_in(app, given_person(session, elsewhere, "foreign", [Role.HOTLINE]))
    assert foreign.get("/api/v1/outages").get_json()["items"] == []
    assert foreign.get(f"/api/v1/outages/{taken.outage.id}").status_code == 404
    assert foreign.get(f"/api/v1/calls?outage_id={taken.outage.id}").get_json()["items"] == []


def test_neighbours_who_call_in_one_instant_report_one_outage(committed_runtime: Runtime) -> None:
    runtime = committed_runtime
    with runtime.sessions() as session:
        given_forms(session)
        branch = given_branch(session)
        people = [given_person(session, branch, f"h{number}", [Role.HOTLINE]) for number in range(3)]
    start = Barrier(3)

    def call(number: int) -> UUID:
        start.wait()
        return take(runtime, people[number], location=at_m(number * 20.0, 0)).outage.id

    with ThreadPoolExecutor(3) as pool:
        outages = set(pool.map(call, range(3)))
    assert len(outages) == 1
    with runtime.sessions() as session:
        numbers = set(session.scalars(select(Demand.number)))
        assert (counts(session), len(numbers)) == ((3, 1, 1), 3)
