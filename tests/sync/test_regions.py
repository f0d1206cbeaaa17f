"""Region buckets: what is amiss in the sub-districts a crew serves, held by its tablets and by nobody else's."""
# ruff: noqa: N802 - tests are named by the invariants of SPEC.md

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPoint, MultiPolygon, Point, Polygon, box
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.crews.models import Crew, CrewRegion
from app.customers.models import Place
from app.identity.models import AuditEntry, Branch, Person, Role
from app.jobs.models import Job
from app.kernel.actor import SYSTEM
from app.kernel.clock import FrozenClock
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from app.network.models import Commodity
from app.outages.models import Outage, OutageState
from app.sync.placement import OUTAGES_BY_REGION, region_key
from mobile_sync.adapters.sql import rebuild
from mobile_sync.adapters.tables import sync_bucket, sync_entry
from tests.factories import CENTRE, bearer, given_branch, given_person, signed_in, visitor
from tests.factories_field import at_m, given_crew, given_estate, given_premises, given_region, given_sub_district
from tests.sync.field import FieldTablet, field_tablet


def box_m(west: float, south: float, east: float, north: float) -> MultiPolygon:
    """A rectangle in metres round the town's middle."""
    a, b = at_m(west, south), at_m(east, north)
    return MultiPolygon([box(a.x, a.y, b.x, b.y)])


@pytest.fixture
def west(session: Session, branch: Branch) -> Place:
    return given_sub_district(session, branch, "西街道", boundary=box_m(-2000, -2000, 0, 2000))


@pytest.fixture
def east(session: Session, branch: Branch) -> Place:
    return given_sub_district(session, branch, "东街道", boundary=box_m(0, -2000, 2000, 2000))


def broken(runtime: Runtime, branch: Branch, place: Point, **fields: Any) -> Outage:
    """An open outage at a place."""
    with runtime.unit_of_work(SYSTEM) as uow:
        outage = Outage(
            id=uow.new_id(),
            branch_id=branch.id,
            number=f"OT{uow.new_id().hex[-8:]}",
            commodity=Commodity.POWER,
            state=OutageState.OPEN,
            location=place,
            opened_at=uow.now,
            **fields,
        )
        uow.session.add(outage)
    return outage


def change(runtime: Runtime, outage_id: UUID, **fields: Any) -> None:
    with runtime.unit_of_work(SYSTEM) as uow:
        outage = uow.session.get_one(Outage, outage_id)
        for name, value in fields.items():
            setattr(outage, name, value)


def held(session: Session, place_id: UUID) -> set[UUID]:
    """The outages that are in a region's bucket now."""
    entry, bucket = sync_entry.c, sync_bucket.c
    query = select(entry.rec_id).join(sync_bucket, bucket.id == entry.bucket_id)
    session.expire_all()
    return set(session.scalars(query.where(bucket.key == region_key(place_id), entry.gone.is_(False))))


def test_a_crew_holds_the_open_outages_of_where_it_serves_and_no_others(
    runtime: Runtime, session: Session, branch: Branch, crew: Crew, tablet: FieldTablet, west: Place, east: Place
) -> None:
    given_region(session, crew, west)
    near, far = broken(runtime, branch, at_m(-500, 10)), broken(runtime, branch, at_m(500, 10))
    tablet.engine.pull()
    assert tablet.held("outage").keys() == {near.id}
    assert tablet.engine.replica.mismatched == set()
    given_region(session, crew, east)
    tablet.engine.pull()
    assert tablet.held("outage").keys() == {near.id, far.id}


def test_an_outage_says_where_it_is_without_naming_a_household(
    app: Flask, session: Session, branch: Branch, crew: Crew, dispatcher: Person, tablet: FieldTablet, west: Place,
) -> None:  # fmt: skip
    estate = given_estate(session, branch, "桂苑小区")
    given_region(session, crew, west)
    given_premises(session, branch, at_m(-100, 12), address="龙衡路9号3栋301")  # whose kind of area says by when
    call = {
        "symptom": "no_supply",
        "location": {"type": "Point", "coordinates": [*at_m(-100, 10).coords[0]]},
        "caller_name": "周桂兰",
        "caller_phone": "13900001111",
        "note": "三楼301",
    }
    taken = signed_in(app, dispatcher).post("/api/v1/calls", json=call)
    assert taken.status_code == 201, taken.get_json()
    tablet.engine.pull()
    (doc,) = tablet.held("outage").values()
    assert [place["name_zh"] for place in doc["places"]] == [west.name_zh, estate.name_zh]
    assert (doc["number"], doc["state"], doc["commodity"]) == (taken.get_json()["outage_number"], "open", "power")
    assert doc["due_at"] > doc["opened_at"]
    assert not {"周桂兰", "13900001111", "三楼301", "龙衡路9号3栋301"} & set(str(doc).split("'"))


@pytest.mark.parametrize(
    "end",
    [
        {"state": OutageState.RESTORED},
        {"state": OutageState.CLOSED},
        {"state": OutageState.MERGED},
        {"location": at_m(700, 0)},
        {"location": at_m(9000, 0)},
    ],
)
def test_an_outage_that_ends_or_moves_leaves_in_the_same_transaction(
    runtime: Runtime, session: Session, branch: Branch, crew: Crew, tablet: FieldTablet, west: Place,
    end: dict[str, Any],
) -> None:  # fmt: skip
    given_region(session, crew, west)
    outage = broken(runtime, branch, at_m(-500, 10))
    tablet.engine.pull()
    assert tablet.held("outage").keys() == {outage.id}
    if end.get("state") is OutageState.MERGED:
        end = {**end, "merged_into_id": broken(runtime, branch, at_m(700, 0)).id}
    change(runtime, outage.id, **end)
    assert held(session, west.id) == set()
    tablet.engine.pull()
    assert tablet.held("outage") == {}
    assert tablet.engine.replica.mismatched == set()


def test_what_is_rolled_back_leaves_nothing_in_a_region(
    runtime: Runtime, session: Session, branch: Branch, west: Place
) -> None:
    outage = broken(runtime, branch, at_m(-500, 10))
    with pytest.raises(RuntimeError, match="power cut"), runtime.unit_of_work(SYSTEM) as uow:
        uow.session.get_one(Outage, outage.id).state = OutageState.CLOSED
        uow.session.flush()
        raise RuntimeError("power cut")
    assert held(session, west.id) == {outage.id}


def test_an_outage_that_opens_again_is_back(
    runtime: Runtime, session: Session, branch: Branch, crew: Crew, tablet: FieldTablet, west: Place
) -> None:
    given_region(session, crew, west)
    outage = broken(runtime, branch, at_m(-500, 10))
    for state, wanted in ((OutageState.RESTORED, set()), (OutageState.OPEN, {outage.id})):
        change(runtime, outage.id, state=state)
        tablet.engine.pull()
        assert tablet.held("outage").keys() == wanted


def test_outages_from_before_a_region_was_served_are_there_when_it_is(
    app: Flask, runtime: Runtime, session: Session, branch: Branch, crew: Crew, dispatcher: Person,
    tablet: FieldTablet, west: Place,
) -> None:  # fmt: skip
    outage = broken(runtime, branch, at_m(-500, 10))
    session.execute(
        sync_entry.delete().where(sync_entry.c.entity == "outage")
    )  # as a database of an older release has it
    session.commit()
    path = f"/api/v1/crews/{crew.id}/regions"
    desk = signed_in(app, dispatcher)
    served = desk.put(path, json={"place_ids": [str(west.id)]})
    assert served.status_code == 200, served.get_json()
    assert [(one["id"], one["served"]) for one in served.get_json()["items"]] == [(str(west.id), True)]
    tablet.engine.pull()
    assert tablet.held("outage").keys() == {outage.id}
    assert desk.put(path, json={"place_ids": []}).get_json()["items"][0]["served"] is False
    tablet.engine.pull()
    assert tablet.held("outage") == {}
    told = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "crew_regions_set")).all()
    assert len(told) == 2


def test_a_crew_cannot_be_given_what_is_no_sub_district_of_its_branch(
    app: Flask, session: Session, branch: Branch, crew: Crew, dispatcher: Person, west: Place
) -> None:
    estate = given_estate(session, branch)
    elsewhere = given_sub_district(session, given_branch(session, "FAR", centre=(100.5, 13.7)), centre=(100.5, 13.7))
    desk = signed_in(app, dispatcher)
    for wrong in (estate.id, elsewhere.id, new_id()):
        refused = desk.put(f"/api/v1/crews/{crew.id}/regions", json={"place_ids": [str(west.id), str(wrong)]})
        assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (422, "place_ids")
    assert session.scalar(select(func.count()).select_from(CrewRegion)) == 0
    with pytest.raises(IntegrityError, match="fk_crew_region_place"):
        given_region(session, crew, elsewhere)
    session.rollback()


def test_what_somebody_else_chose_meanwhile_is_not_overwritten(
    app: Flask, session: Session, branch: Branch, crew: Crew, dispatcher: Person, west: Place, east: Place
) -> None:
    manager = given_person(session, branch, "manager", [Role.MANAGER])
    path = f"/api/v1/crews/{crew.id}/regions"
    assert signed_in(app, manager).put(path, json={"place_ids": [str(east.id)], "before": []}).status_code == 200
    refused = signed_in(app, dispatcher).put(path, json={"place_ids": [str(west.id)], "before": []})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "regions-changed")
    session.expire_all()
    assert session.scalars(select(CrewRegion.place_id)).all() == [east.id]


@pytest.mark.parametrize("role", [Role.HOTLINE, Role.ENGINEER, Role.ADMIN])
def test_who_does_not_run_crews_sees_where_they_serve_and_changes_nothing(
    app: Flask, session: Session, branch: Branch, crew: Crew, west: Place, role: Role
) -> None:
    given_region(session, crew, west)
    client = signed_in(app, given_person(session, branch, "somebody", [role]))
    path = f"/api/v1/crews/{crew.id}/regions"
    assert [one["served"] for one in client.get(path).get_json()["items"]] == [True]
    assert client.put(path, json={"place_ids": []}).status_code == 403


def test_a_member_of_a_crew_does_not_choose_where_it_serves(
    app: Flask, crew_and_lead: tuple[Crew, Person], west: Place
) -> None:
    crew, lead = crew_and_lead
    path = f"/api/v1/crews/{crew.id}/regions"
    refused = visitor(app).put(path, json={"place_ids": [str(west.id)]}, headers=bearer(app, lead))
    assert refused.status_code == 403


def test_a_tablet_of_a_crew_that_serves_nothing_holds_no_outage(
    runtime: Runtime, session: Session, branch: Branch, crew: Crew, other_tablet: FieldTablet, west: Place
) -> None:
    given_region(session, crew, west)
    broken(runtime, branch, at_m(-500, 10))
    other_tablet.engine.pull()
    assert other_tablet.held("outage") == {}


@pytest.mark.usefixtures("west")
def test_a_tablet_of_another_branch_holds_no_outage_even_over_the_same_ground(
    app: Flask, runtime: Runtime, session: Session, branch: Branch
) -> None:
    rival = given_branch(session, "RIVAL")
    crew, lead = given_crew(session, rival, "X1", login="rival")
    given_region(session, crew, given_sub_district(session, rival, "西街道二", boundary=box_m(-2000, -2000, 0, 2000)))
    broken(runtime, branch, at_m(-500, 10))
    tablet = field_tablet(app, session, lead)
    tablet.engine.pull()
    assert tablet.held("outage") == {}


def test_a_later_job_that_is_due_earlier_is_told(
    runtime: Runtime, session: Session, branch: Branch, crew: Crew, tablet: FieldTablet, west: Place,
    clock: FrozenClock, job: Job,
) -> None:  # fmt: skip
    given_region(session, crew, west)
    outage = broken(runtime, branch, at_m(-500, 10))
    tablet.engine.pull()
    assert tablet.held("outage")[outage.id]["due_at"] is None
    due = clock() + timedelta(minutes=45)
    with runtime.unit_of_work(SYSTEM) as uow:
        found = uow.session.get_one(Job, job.id)
        found.outage_id, found.due_at = outage.id, due
    tablet.engine.pull()
    assert tablet.held("outage")[outage.id]["due_at"] == due.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def test_a_region_with_a_new_outline_is_asked_again(
    runtime: Runtime, session: Session, branch: Branch, west: Place
) -> None:
    inside, beside = broken(runtime, branch, at_m(-500, 10)), broken(runtime, branch, at_m(-2500, 10))
    assert held(session, west.id) == {inside.id}
    with runtime.unit_of_work(SYSTEM) as uow:
        uow.session.get_one(Place, west.id).boundary = box_m(-3000, -2000, -1000, 2000)
    assert held(session, west.id) == {beside.id}


METRES = st.integers(-3000, 3000)
PLACES = st.tuples(METRES, METRES).map(lambda m: at_m(*m))
OUTLINES = st.lists(st.tuples(METRES, METRES), min_size=3, max_size=8).map(
    lambda corners: MultiPoint([at_m(*corner) for corner in corners]).convex_hull
)
AREAS = OUTLINES.filter(lambda area: isinstance(area, Polygon)).map(lambda area: MultiPolygon([area]))
STATES = st.sampled_from([OutageState.OPEN, OutageState.OPEN, OutageState.RESTORED, OutageState.CLOSED])
STEPS = st.one_of(
    st.tuples(st.just("open"), PLACES),
    st.tuples(st.just("move"), st.integers(0, 9), PLACES),
    st.tuples(st.just("state"), st.integers(0, 9), STATES),
    st.tuples(st.just("delete"), st.integers(0, 9)),
    st.tuples(st.just("redraw"), st.integers(0, 2), AREAS),
)


def take(runtime: Runtime, branch: Branch, regions: list[Place], outages: list[UUID], step: tuple[Any, ...]) -> None:
    kind, *told = step
    if kind == "open":
        outages.append(broken(runtime, branch, told[0]).id)
    elif kind == "redraw":
        with runtime.unit_of_work(SYSTEM) as uow:
            uow.session.get_one(Place, regions[told[0]].id).boundary = told[1]
    elif outages:
        field = {"move": "location", "state": "state", "delete": "deleted_at"}[kind]
        change(runtime, outages[told[0] % len(outages)], **{field: told[1] if len(told) > 1 else runtime.clock()})


def lies_in(session: Session, regions: Iterable[Place]) -> dict[UUID, set[UUID]]:
    """Asked of the tables from scratch, region by region."""
    query = text(
        "SELECT o.id FROM outage o, place p WHERE p.id = :id AND o.branch_id = p.branch_id AND o.state = 'open' "
        "AND o.deleted_at IS NULL AND ST_Intersects(p.boundary, o.location)"
    )
    return {place.id: set(session.scalars(query, {"id": place.id})) for place in regions}


@given(st.lists(AREAS, min_size=3, max_size=3), st.lists(STEPS, min_size=4, max_size=14))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_I7_each_open_outage_is_in_exactly_the_regions_it_lies_in(
    runtime: Runtime, session: Session, areas: list[MultiPolygon], steps: list[tuple[Any, ...]]
) -> None:
    branch = given_branch(session, f"B{new_id().hex[-6:]}", centre=CENTRE)
    rival = given_branch(session, f"R{new_id().hex[-6:]}", centre=CENTRE)
    regions = [given_sub_district(session, branch, f"{n}", boundary=area) for n, area in enumerate(areas)]
    foreign = given_sub_district(session, rival, "外", boundary=box_m(-4000, -4000, 4000, 4000))
    outages: list[UUID] = []
    for step in steps:
        take(runtime, branch, regions, outages, step)
        assert {place.id: held(session, place.id) for place in regions} == lies_in(session, regions), step
    assert held(session, foreign.id) == set()
    with runtime.unit_of_work(SYSTEM) as uow:
        keys = [region_key(place.id) for place in [*regions, foreign]]
        assert rebuild(uow.session, keys, OUTAGES_BY_REGION) == 0


def test_a_colleague_at_a_desk_sees_where_a_crew_serves(
    app: Flask, session: Session, branch: Branch, crew: Crew, dispatcher: Person, west: Place, east: Place
) -> None:
    given_region(session, crew, east)
    answer = signed_in(app, dispatcher).get(f"/api/v1/crews/{crew.id}/regions")
    assert [(one["name_zh"], one["served"]) for one in answer.get_json()["items"]] == [
        (east.name_zh, True),
        (west.name_zh, False),
    ]
    mate = given_person(session, branch, "newcomer", [])
    refused = app.test_client().get(f"/api/v1/crews/{crew.id}/regions", headers=bearer(app, mate))
    assert refused.status_code in (403, 404)
