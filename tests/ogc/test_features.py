"""OGC API - Features: what GIS programs find, by the standard's own words, within the scope of who asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV30SpecValidator
from sqlalchemy.orm import Session

from app.customers.models import Premises
from app.identity.models import Branch, Person, Role
from app.jobs.models import Job
from app.kernel.clock import FrozenClock
from app.kernel.unit_of_work import Runtime
from app.ogc.collections import COLLECTIONS
from app.ogc.rules import Crs
from app.ogc.schemas import CollectionsOut, ConformanceOut, FeatureOut, FeaturesOut, LandingOut
from tests.factories import CENTRE, Client, given_branch, given_person, signed_in, visitor
from tests.factories_field import at_m, given_crew, given_forms, given_job, given_premises
from tests.grid.town import given_networks

LON, LAT = CENTRE


@pytest.fixture
def branch(session: Session) -> Branch:
    return given_branch(session)


@pytest.fixture
def dispatcher(session: Session, branch: Branch) -> Person:
    return given_person(session, branch)


@pytest.fixture
def desk(app: Flask, dispatcher: Person) -> Client:
    return signed_in(app, dispatcher)


@pytest.fixture
def homes(session: Session, branch: Branch) -> list[Premises]:
    """Seven, 100 m apart, from the middle of town to the east."""
    return [given_premises(session, branch, at_m(100 * i, 0), address=f"Home {i}") for i in range(7)]


def asked(client: Client, path: str, status: int = 200) -> dict[str, Any]:
    answer = client.get(f"/ogc/{path}")
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.get_json(force=True)
    return body


def pages(client: Client, path: str) -> Iterator[dict[str, Any]]:
    """The page and those that its next links lead to."""
    following: str | None = path
    while following is not None:
        body = asked(client, following)
        yield body
        nexts = [link["href"] for link in body["links"] if link["rel"] == "next" and "json" in link["type"]]
        following = nexts[0].partition("/ogc/")[2] if nexts else None


def test_a_client_finds_its_way_from_the_landing_page(desk: Client) -> None:
    landing = asked(desk, "")
    assert asked(desk, "?f=json")["links"] == desk.get("/ogc?f=json").get_json()["links"]
    assert LandingOut().validate(landing) == {}
    by_rel = {link["rel"]: link["href"] for link in landing["links"]}
    assert {"self", "service-desc", "service-doc", "conformance", "data"} <= by_rel.keys()
    conformance = desk.get(by_rel["conformance"]).get_json()
    assert ConformanceOut().validate(conformance) == {}
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in conformance["conformsTo"]
    listed = desk.get(by_rel["data"]).get_json()
    assert CollectionsOut().validate(listed) == {}
    assert [one["id"] for one in listed["collections"]] == list(COLLECTIONS)
    tiles = [link for link in listed["collections"][0]["links"] if link.get("templated")]
    assert tiles[0]["href"].endswith("/api/v1/tiles/jobs/{z}/{x}/{y}.mvt")
    assert listed["collections"][0]["extent"]["spatial"]["bbox"] == [[120.0, 30.1, 120.2, 30.3]]
    definition = visitor_document(desk, by_rel["service-desc"])
    assert "/ogc/collections/{collection_id}/items" in definition["paths"]


def visitor_document(desk: Client, address: str) -> dict[str, Any]:
    answer = desk.get(address)
    assert answer.content_type == "application/vnd.oai.openapi+json;version=3.0"
    document: dict[str, Any] = answer.get_json(force=True)
    assert [str(error) for error in OpenAPIV30SpecValidator(document).iter_errors()] == []
    return document


def test_pages_lead_through_every_feature_once(desk: Client, homes: list[Premises]) -> None:
    found = list(pages(desk, "collections/premises/items?limit=3"))
    assert [page["numberReturned"] for page in found] == [3, 3, 1]
    assert [page.get("numberMatched") for page in found] == [7, None, None]
    assert all(FeaturesOut().validate(page) == {} for page in found)
    features = [feature for page in found for feature in page["features"]]
    assert [feature["id"] for feature in features] == sorted(str(home.id) for home in homes)
    assert features[0]["properties"].keys() == COLLECTIONS["premises"].properties.keys()
    assert features[0]["geometry"]["type"] == "Point"


@pytest.mark.parametrize(
    ("bbox", "addresses"),
    [
        (f"{LON - 0.0005},{LAT - 0.001},{LON + 0.0015},{LAT + 0.001}", {"Home 0", "Home 1"}),
        (f"{LON - 0.0005},{LAT - 0.001},-10,{LON + 0.0015},{LAT + 0.001},10", {"Home 0", "Home 1"}),
        (f"{LAT - 0.001},{LON - 0.0005},{LAT + 0.001},{LON + 0.0015}&bbox-crs={Crs.WGS84.uri}", {"Home 0", "Home 1"}),
        ("-180,-90,180,90", {f"Home {number}" for number in range(7)}),
        (f"170,-90,{LON + 0.0015},90", {"Home 0", "Home 1"}),  # across the 180th meridian and round to here
        ("170,-90,-170,90", set()),
    ],
)
def test_a_box_takes_what_lies_in_it(desk: Client, homes: list[Premises], bbox: str, addresses: set[str]) -> None:
    assert len(homes) == 7
    found = asked(desk, f"collections/premises/items?bbox={bbox}")
    assert {feature["properties"]["address"] for feature in found["features"]} == addresses
    assert found["numberMatched"] == len(addresses)


def test_axes_and_units_are_those_of_the_reference_system_asked_for(desk: Client, homes: list[Premises]) -> None:
    def place(crs: Crs) -> Any:
        answer = desk.get(f"/ogc/collections/premises/items/{homes[0].id}?crs={crs.uri}")
        assert answer.headers["Content-Crs"] == f"<{crs.uri}>"
        assert FeatureOut().validate(answer.get_json(force=True)) == {}
        return answer.get_json(force=True)["geometry"]["coordinates"]

    assert place(Crs.CRS84) == pytest.approx([LON, LAT], abs=1e-6)
    assert place(Crs.WGS84) == place(Crs.CGCS2000) == pytest.approx([LAT, LON], abs=1e-6)
    x, y = place(Crs.WEB_MERCATOR)
    assert (x, y) == pytest.approx((LON * 111_319.4908, 3_531_000), rel=2e-3)
    boxed = f"collections/premises/items?bbox={x - 50},{y - 50},{x + 50},{y + 50}&bbox-crs={Crs.WEB_MERCATOR.uri}"
    assert [feature["id"] for feature in asked(desk, boxed)["features"]] == [str(homes[0].id)]


def test_jobs_are_found_by_time_and_by_their_properties(
    desk: Client, runtime: Runtime, session: Session, clock: FrozenClock, branch: Branch
) -> None:
    given_forms(session)
    old, new = (session.get_one(Job, given_job(runtime, branch).id) for _ in range(2))
    old.opened_at = clock().replace(month=1)
    old.completed_at, new.opened_at = old.opened_at.replace(day=20), clock()
    session.commit()

    def numbers(query: str) -> set[str]:
        found = asked(desk, f"collections/jobs/items?{query}")
        return {feature["properties"]["number"] for feature in found["features"]}

    assert numbers("") == {old.number, new.number}
    assert numbers("datetime=2026-01-18") == {old.number}
    assert numbers("datetime=2026-02-01T00:00:00Z/..") == {new.number}
    assert numbers("datetime=../2026-01-31") == {old.number}
    assert numbers("datetime=2026-03-01/2026-03-02") == set()
    assert numbers(f"number={new.number}&state=new") == {new.number}
    assert numbers("state=completed") == set()


def test_a_crew_never_heard_from_is_told_without_a_place(app: Flask, session: Session, branch: Branch) -> None:
    given_crew(session, branch, "C-SEEN", place=at_m(0, 0), login="seen")
    given_crew(session, branch, "C-UNSEEN", place=None, login="unseen")
    desk = signed_in(app, given_person(session, branch))
    found = asked(desk, "collections/crews/items")
    assert {one["properties"]["code"]: one["geometry"] is None for one in found["features"]} == {
        "C-SEEN": False,
        "C-UNSEEN": True,
    }
    assert asked(desk, "collections/crews/items?bbox=-180,-90,180,90")["numberMatched"] == 1


def test_networks_are_lines_and_their_switches_points(desk: Client, session: Session, branch: Branch) -> None:
    given_networks(session, branch)
    links = asked(desk, "collections/network-links/items?limit=5000")["features"]
    assert {one["geometry"]["type"] for one in links} == {"LineString"}
    devices = asked(desk, "collections/switchgear/items?limit=5000")["features"]
    assert {one["geometry"]["type"] for one in devices} == {"Point"}
    assert {one["id"] for one in devices} < {one["id"] for one in links}
    valves = asked(desk, "collections/switchgear/items?kind=valve")["features"]
    assert {one["properties"]["commodity"] for one in valves} == {"gas"}
    nodes = asked(desk, "collections/network-nodes/items?commodity=power&limit=1")
    assert nodes["features"][0]["properties"]["commodity"] == "power"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("collections/jobs/items?bbox=1,2,3", "bbox"),
        ("collections/jobs/items?bbox=1,2,3,east", "bbox"),
        ("collections/jobs/items?bbox=1,2,3,nan", "bbox"),
        ("collections/jobs/items?bbox=0,50,1,40", "bbox"),
        ("collections/jobs/items?bbox=0,0,500,1", "bbox"),
        ("collections/jobs/items?datetime=yesterday", "datetime"),
        ("collections/jobs/items?datetime=2026-01-02/2026-01-01", "datetime"),
        ("collections/jobs/items?datetime=2026-01-01T00:00:00", "datetime"),
        ("collections/jobs/items?limit=0", "limit"),
        ("collections/jobs/items?limit=many", "limit"),
        ("collections/jobs/items?cursor=0", "cursor"),
        ("collections/jobs/items?crs=EPSG:4326", "crs"),
        ("collections/jobs/items?colour=red", "colour"),
        ("collections/jobs/items?area_kind=city", "area_kind"),
        ("collections?f=xml", "f"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_refused_by_name(desk: Client, path: str, field: str) -> None:
    problem = asked(desk, path, 400)
    assert (problem["code"], [error["field"] for error in problem["errors"]]) == ("bad-parameter", [field])


def test_what_is_not_there_or_not_theirs_is_not_found(app: Flask, session: Session, homes: list[Premises]) -> None:
    far = signed_in(app, given_person(session, given_branch(session, "FAR", centre=(100.5, 13.7)), "far"))
    assert asked(far, "collections/premises/items")["features"] == []
    assert asked(far, f"collections/premises/items/{homes[0].id}", 404)["code"] == "not-found"
    assert asked(far, "collections/balloons", 404)["code"] == "unknown-collection"


def test_a_crew_member_sees_the_ground_only(app: Flask, session: Session, branch: Branch) -> None:
    lineman = signed_in(app, given_person(session, branch, "lineman", [Role.CREW_MEMBER]))
    names = [one["id"] for one in asked(lineman, "collections")["collections"]]
    assert names == ["network-nodes", "network-links", "switchgear", "premises"]
    for path in ("collections/jobs", "collections/jobs/items", f"collections/crews/items/{branch.id}"):
        assert asked(lineman, path, 403)["code"] == "forbidden"


def test_people_get_pages_in_their_language(desk: Client, homes: list[Premises]) -> None:
    accepts = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "en"}
    for path in ("", "conformance", "collections", "collections/premises", f"collections/premises/items/{homes[0].id}"):
        answer = desk.get(f"/ogc/{path}", headers=accepts)
        assert answer.content_type == "text/html; charset=utf-8", path
        assert '<html lang="en">' in answer.text
    listed = desk.get("/ogc/collections/premises/items?f=html&limit=2")
    assert "Home 0" in listed.text
    assert '<html lang="zh-CN">' in listed.text
    assert "default-src 'none'" in listed.headers["Content-Security-Policy"]
    assert asked(desk, "collections?f=json")["collections"]


def test_words_of_people_cannot_write_a_page(desk: Client, session: Session, branch: Branch) -> None:
    given_premises(session, branch, at_m(0, 0), address="<script>alert(1)</script>")
    assert "<script" not in desk.get("/ogc/collections/premises/items?f=html").text


def test_who_has_not_signed_in_is_asked_for_a_password_or_a_token(app: Flask) -> None:
    answer = visitor(app).get("/ogc/collections")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert Job.__tablename__ not in answer.text
