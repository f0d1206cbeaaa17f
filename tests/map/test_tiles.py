"""Tiles and live features: what they hold, for whom, and what they never show."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import mapbox_vector_tile
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.crews.models import Crew, CrewPosition
from app.demands.models import Demand
from app.identity.models import Branch, Person, Role
from app.jobs import queries as jobs
from app.jobs import service
from app.jobs.models import Job
from app.kernel.clock import FrozenClock
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from app.map.cache import TileCache
from app.map.errors import TileOutOfRange
from app.map.layers import LAYERS, LIVE_LAYERS
from app.map.schemas import PROPERTIES
from app.map.tiles import Tile, tile_of
from app.network.models import Commodity, LinkKind, LinkState, NetworkLink
from app.outages.models import Outage
from tests.factories import CENTRE, Client, acting, given_branch, given_person, given_tablet, signed_in, visitor
from tests.factories_field import (
    as_geojson,
    at_m,
    given_crew,
    given_estate,
    given_forms,
    given_job,
    given_premises,
    given_street_grid,
    given_transformer_with_services,
)

ELSEWHERE = (121.5, 31.2)


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


def fetch(
    client: Client, layer: str, z: int = 16, *, centre: tuple[float, float] = CENTRE, **headers: str
) -> TestResponse:
    tile = tile_of(*centre, z)
    sent = {"Accept-Encoding": "gzip", **headers}
    return client.get(f"/api/v1/tiles/{layer}/{tile.z}/{tile.x}/{tile.y}.mvt", headers=sent)


def features(answered: TestResponse) -> dict[str, list[dict[str, Any]]]:
    assert answered.status_code == 200, answered.data
    decoded = mapbox_vector_tile.decode(gzip.decompress(answered.data))
    return {name: layer["features"] for name, layer in decoded.items()}


def neighbours(client: Client, layer: str, z: int = 16) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """The tile and those around it."""
    middle = tile_of(*CENTRE, z)
    for x in (middle.x - 1, middle.x, middle.x + 1):
        for y in (middle.y - 1, middle.y, middle.y + 1):
            yield features(client.get(f"/api/v1/tiles/{layer}/{z}/{x}/{y}.mvt", headers={"Accept-Encoding": "gzip"}))


def given_town(session: Session, runtime: Runtime, branch: Branch, centre: tuple[float, float], mark: str) -> set[str]:
    """One of everything around a place; returns every id."""
    here = at_m(0, 0, centre=centre)
    premises = given_premises(session, branch, here, code=f"{mark}1")
    network = given_transformer_with_services(session, branch, [here, at_m(40, 0, centre=centre)])
    switch = NetworkLink(
        id=new_id(), branch_id=branch.id, commodity=Commodity.POWER, kind=LinkKind.SWITCH, code=f"{mark}-S",
        from_node_id=network[1], to_node_id=network[2], normal_state=LinkState.CLOSED, state=LinkState.OPEN,
        length_m=1.0, path=LineString([here, at_m(1, 0, centre=centre)]),
    )  # fmt: skip
    session.add(switch)
    session.commit()
    crew, _ = given_crew(session, branch, f"{mark}R", place=here)
    job = given_job(runtime, branch, place=here)
    outage = Outage(
        id=new_id(), branch_id=branch.id, number=f"{mark}-O", commodity=Commodity.POWER, state="open", location=here,
        opened_at=runtime.clock(),
    )  # fmt: skip
    session.add(outage)
    session.commit()
    return {str(one) for one in (premises.id, *network, switch.id, crew.id, job.id, outage.id)}


def ids_in(tiles: dict[str, list[dict[str, Any]]]) -> set[str]:
    return {feature["properties"]["id"] for found in tiles.values() for feature in found}


def test_every_layer_shows_what_stands_there(runtime: Runtime, session: Session, branch: Branch, desk: Client) -> None:
    ids = given_town(session, runtime, branch, CENTRE, "A")
    estate = given_estate(session, branch)
    given_street_grid(session, branch, side=3)
    shown = {layer: features(fetch(desk, layer)) for layer in LAYERS}
    assert ids <= set().union(*(ids_in(tile) for tile in shown.values()))
    assert {one["properties"]["id"] for one in shown["places"]["place_labels"]} == {str(estate.id)}
    assert shown["streets"]["streets"][0]["properties"]["class"] == "secondary"
    points = {one["properties"]["kind"]: one["properties"] for one in shown["power"]["power_points"]}
    assert (points["switch"]["state"], points["switch"]["normal_state"]) == ("open", "closed")
    assert points["switch"]["angle"] in {89, 90, 91}
    assert {"transformer", "service_point", "switch"} == set(points)


def test_feature_ids_are_numbers_that_scripts_can_hold(runtime: Runtime, branch: Branch, desk: Client) -> None:
    job = given_job(runtime, branch)
    (feature,) = features(fetch(desk, "jobs"))["jobs"]
    assert feature["id"] == int(job.id.hex[-12:], 16) < 2**48
    assert feature["properties"]["id"] == str(job.id)


def test_nothing_of_another_branch_is_in_any_tile_or_feature(
    app: Flask, runtime: Runtime, session: Session, branch: Branch, desk: Client
) -> None:
    elsewhere = given_branch(session, "XS", centre=CENTRE)  # the same ground, another utility
    theirs = given_town(session, runtime, elsewhere, CENTRE, "B")
    stranger = signed_in(app, given_person(session, elsewhere, "stranger", [Role.DISPATCHER]))
    ours = given_town(session, runtime, branch, CENTRE, "A")
    for client, own, foreign in ((desk, ours, theirs), (stranger, theirs, ours)):
        seen: set[str] = set()
        for layer in LAYERS:
            for tile in (
                features(fetch(client, layer, 5)),
                features(fetch(client, layer, 12)),
                *neighbours(client, layer),
            ):
                seen |= ids_in(tile)
        seen |= {one["properties"]["id"] for one in client.get("/api/v1/map/features").get_json(force=True)["features"]}
        assert own <= seen
        assert not foreign & seen


def test_a_tag_of_one_reader_gives_another_no_tile(
    app: Flask, runtime: Runtime, session: Session, branch: Branch, desk: Client
) -> None:
    given_town(session, runtime, branch, CENTRE, "A")
    elsewhere = given_branch(session, "XS", centre=CENTRE)
    stranger = signed_in(app, given_person(session, elsewhere, "stranger", [Role.DISPATCHER]))
    tag = fetch(desk, "power").headers["ETag"]
    assert fetch(desk, "power", **{"If-None-Match": tag}).status_code == 304
    theirs = fetch(stranger, "power", **{"If-None-Match": tag})
    assert (theirs.status_code, gzip.decompress(theirs.data)) == (200, b"")


def test_tiles_are_private_and_asked_for_again(desk: Client) -> None:
    answered = fetch(desk, "streets")
    assert answered.headers["Cache-Control"] == "private, no-cache"
    assert answered.headers["Content-Encoding"] == "gzip"
    plain = fetch(desk, "streets", **{"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.data == gzip.decompress(answered.data)


def test_a_change_of_the_ground_changes_the_tile_at_once(session: Session, branch: Branch, desk: Client) -> None:
    given_street_grid(session, branch, side=2)
    first = fetch(desk, "streets")
    edges = len(features(first)["streets"])
    assert fetch(desk, "streets", **{"If-None-Match": first.headers["ETag"]}).status_code == 304
    given_street_grid(session, branch, side=3)
    second = fetch(desk, "streets", **{"If-None-Match": first.headers["ETag"]})
    assert len(features(second)["streets"]) > edges


def test_far_away_only_the_large_things_are_shown(
    runtime: Runtime, session: Session, branch: Branch, desk: Client
) -> None:
    given_town(session, runtime, branch, CENTRE, "A")
    given_street_grid(session, branch, side=3)
    for layer in ("streets", "premises", "power"):
        assert ids_in(features(fetch(desk, layer, 8))) == set()
    assert len(features(fetch(desk, "jobs", 0))["jobs"]) == 1


@pytest.mark.parametrize(
    ("path", "field"),
    [("19/0/0", "z"), ("3/8/0", "x"), ("3/0/8", "y"), ("0/0/1", "y"), ("18/262144/0", "x")],
)
def test_a_tile_that_does_not_exist_is_a_problem(path: str, field: str, desk: Client) -> None:
    answered = desk.get(f"/api/v1/tiles/jobs/{path}.mvt")
    assert (answered.status_code, answered.get_json()["code"]) == (422, "tile-out-of-range")
    assert answered.get_json()["errors"][0]["field"] == field


def test_a_layer_that_does_not_exist_is_a_problem(desk: Client) -> None:
    assert desk.get("/api/v1/tiles/customers/0/0/0.mvt").get_json()["code"] == "unknown-layer"
    assert desk.get("/api/v1/map/features?layers=jobs,streets").get_json()["code"] == "unknown-layer"


def test_a_crew_s_tablet_sees_the_ground_and_nothing_that_moves_on_it(
    app: Flask, runtime: Runtime, session: Session, branch: Branch
) -> None:
    given_town(session, runtime, branch, CENTRE, "A")
    given_street_grid(session, branch, side=2)
    given_estate(session, branch)
    _, member = given_crew(session, branch, "R9")
    tablet = given_tablet(app, session, member)
    client = visitor(app)
    for layer in LAYERS:
        seen = fetch(client, layer, **tablet.headers)
        assert seen.status_code == (403 if layer in LIVE_LAYERS else 200), layer
        if layer not in {*LIVE_LAYERS, "gas"}:
            assert ids_in(features(seen)), layer
    for layers in ("", "?layers=crews", "?layers=jobs,outages"):
        assert client.get(f"/api/v1/map/features{layers}", headers=tablet.headers).status_code == 403


def test_a_crew_s_tablet_sees_no_ground_of_another_branch(
    app: Flask, runtime: Runtime, session: Session, branch: Branch
) -> None:
    given_town(session, runtime, branch, CENTRE, "A")
    elsewhere = given_branch(session, "XS", centre=CENTRE)
    _, member = given_crew(session, elsewhere, "X9")
    tablet = given_tablet(app, session, member)
    for layer in LAYERS:
        if layer not in LIVE_LAYERS:
            assert ids_in(features(fetch(visitor(app), layer, **tablet.headers))) == set()


def test_features_made_in_sql_are_what_the_schemas_dump(
    runtime: Runtime, session: Session, clock: FrozenClock, branch: Branch, dispatcher: Person, desk: Client
) -> None:
    given_town(session, runtime, branch, CENTRE, "A")
    busy, _ = given_crew(session, branch, "R2", place=at_m(10, 10))
    given_crew(session, branch, "R3", place=at_m(20, 10), on_duty=False)
    job = given_job(runtime, branch, due_at=clock() + timedelta(hours=2))
    with acting(runtime, dispatcher) as uow:
        service.assign(uow, job=jobs.lock_job(uow.session, uow.actor, job.id), crew_id=busy.id, reasons=[])
    desk.post("/api/v1/calls", json={"symptom": "no_supply", "location": as_geojson(at_m(0, 0))})
    sent = desk.get("/api/v1/map/features").get_json(force=True)["features"]
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in LIVE_LAYERS}
    for feature in sent:
        properties = dict(feature["properties"])
        told[properties.pop("layer")].append(properties)
        assert feature["id"] == int(UUID(properties["id"]).hex[-12:], 16)
    assert told["jobs"] == dumped("jobs", [with_crew(session, one) for one in rows(session, Job, Job.id)])
    assert {crew["code"]: (crew["state"], crew["job_id"]) for crew in told["crews"]} == {
        "AR": ("free", None), "R2": ("busy", str(job.id)), "R3": ("off", None),
    }  # fmt: skip
    states = {crew["code"]: crew for crew in told["crews"]}
    assert told["crews"] == dumped("crews", [with_duty(session, one, states) for one in rows(session, Crew, Crew.code)])
    assert told["outages"] == dumped("outages", [with_calls(session, one) for one in rows(session, Outage, Outage.id)])
    (place,) = (one["geometry"]["coordinates"] for one in sent if one["properties"]["id"] == str(job.id))
    assert place == pytest.approx([job.location.x, job.location.y], abs=1e-6)


def rows(session: Session, model: Any, order: Any) -> list[Any]:
    return list(session.scalars(select(model).order_by(order)))


def dumped(layer: str, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return PROPERTIES[layer]().dump(objects, many=True)  # type: ignore[no-any-return]


def with_crew(session: Session, job: Job) -> dict[str, Any]:
    held = jobs.open_assignment(session, job.id)
    return {**vars(job), "crew_id": held and held.crew_id}


def with_duty(session: Session, crew: Crew, told: dict[str, dict[str, Any]]) -> dict[str, Any]:
    position = session.get_one(CrewPosition, crew.id)
    return {**vars(crew), "at": position.at, "state": told[crew.code]["state"], "job_id": told[crew.code]["job_id"]}


def with_calls(session: Session, outage: Outage) -> dict[str, Any]:
    return {**vars(outage), "calls": session.scalar(select(func.count()).where(Demand.outage_id == outage.id))}


def test_a_finished_job_is_off_the_map(runtime: Runtime, branch: Branch, dispatcher: Person, desk: Client) -> None:
    job = given_job(runtime, branch)
    with acting(runtime, dispatcher) as uow:
        found = jobs.lock_job(uow.session, uow.actor, job.id)
        service.transition(uow, job=found, to="cancelled", reason="重复报修")
    assert desk.get("/api/v1/map/features?layers=jobs").get_json(force=True)["features"] == []


def test_the_cache_holds_what_was_used_last_within_its_room() -> None:
    cache = TileCache(room_bytes=30)
    for name in "abc":
        cache.put(name, b"x" * 10)
    assert cache.get("a") == b"x" * 10
    cache.put("d", b"x" * 10)
    assert [cache.get(name) is not None for name in "abcd"] == [True, False, True, True]


@given(lon=st.floats(-179.9, 179.9), lat=st.floats(-85, 85), z=st.integers(8, 18))
def test_a_place_lies_in_its_tile_with_room_to_spare(lon: float, lat: float, z: int) -> None:
    west, south, east, north = tile_of(lon, lat, z).ground()
    assert west < lon < east
    assert south < lat < north


@given(z=st.integers(-5, 30), x=st.integers(-5, 2**20), y=st.integers(-5, 2**20))
def test_a_tile_is_on_the_grid_or_refused(z: int, x: int, y: int) -> None:
    on_the_grid = 0 <= z <= 18 and 0 <= x < 2**z and 0 <= y < 2**z if z >= 0 else False
    if on_the_grid:
        assert Tile.at(z, x, y) == Tile(z, x, y)
    else:
        with pytest.raises(TileOutOfRange):
            Tile.at(z, x, y)
