"""Travel times over HTTP: what a dispatcher sees, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from shapely.geometry import Point, shape
from sqlalchemy.orm import Session

from app.identity.models import Branch, Role
from tests.factories import Client, given_branch, given_person, signed_in
from tests.factories_field import at_m, given_street_grid


@pytest.fixture
def branch(session: Session) -> Branch:
    branch = given_branch(session)
    given_street_grid(session, branch)
    return branch


@pytest.fixture
def desk(app: Flask, session: Session, branch: Branch) -> Client:
    return signed_in(app, given_person(session, branch, "dispatcher", [Role.DISPATCHER]))


def position(place: Point) -> list[float]:
    return [place.x, place.y]


def test_a_matrix_tells_seconds_metres_and_what_is_only_estimated(desk: Client, branch: Branch) -> None:
    far = Point(at_m().x + 1, at_m().y)
    body = {"branch_id": str(branch.id), "sources": [position(at_m(-400, 0)), position(far)],
            "targets": [position(at_m(400, 200)), position(at_m(-400, 0))]}  # fmt: skip
    answer = desk.post("/api/v1/streets/matrix", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.get_json()
    assert told["time_s"][0] == [100, 0]
    assert told["distance_m"][0] == [1000, 0]
    assert told["estimated"] == [[False, False], [True, True]]
    assert (told["engine"], told["profile"], told["confidence"]) == ("edges", "posted", "data")


def test_what_is_reached_comes_as_geojson_with_the_word_of_whose_speeds_they_are(desk: Client, branch: Branch) -> None:
    here = at_m()
    query = {"branch_id": str(branch.id), "near": f"{here.x},{here.y}", "minutes": "1,2", "profile": "van"}
    answer = desk.get("/api/v1/streets/isochrones", query_string=query)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/geo+json"
    told = answer.get_json()
    assert told["confidence"] == "synthetic"
    two, one = (shape(feature["geometry"]) for feature in told["features"])
    assert two.covers(one)
    assert one.covers(here)
    assert [feature["properties"] for feature in told["features"]] == [
        {"minutes": 2, "estimated": False}, {"minutes": 1, "estimated": False}]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ({"near": "91,120"}, "near", None),
        ({"near": "30.2,120.1,7"}, "near", "invalid"),
        ({"near": "120.1,30.2", "minutes": "5,ten"}, "minutes", "invalid"),
        ({"near": "120.1,30.2", "minutes": "0"}, "minutes", "out_of_range"),
        ({"near": "120.1,30.2", "profile": "hovercraft"}, "profile", "choice"),
    ],
)
def test_nonsense_is_refused_with_field_and_reason(
    desk: Client, branch: Branch, query: dict[str, str], field: str, reason: str | None
) -> None:
    answer = desk.get("/api/v1/streets/isochrones", query_string={"branch_id": str(branch.id), **query})
    assert answer.status_code == 422, answer.text
    (error,) = answer.get_json()["errors"]
    assert error["field"].split(".")[-1] == field
    assert reason is None or error["reason"] == reason


def test_more_places_than_a_screen_shows_are_refused(desk: Client, branch: Branch) -> None:
    places = [position(at_m())] * 51
    body = {"branch_id": str(branch.id), "sources": places, "targets": places[:1]}
    answer = desk.post("/api/v1/streets/matrix", json=body)
    assert answer.status_code == 422
    assert "sources" in answer.text
