"""The jobs doors: revisions, keys, refusals as problems."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import Branch, Person
from app.jobs.models import Job, JobEvent
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from tests.factories import Client, signed_in
from tests.factories_field import as_geojson, at_m, given_job


@pytest.fixture
def desk(app: Flask, dispatcher: Person) -> Client:
    return signed_in(app, dispatcher)


def events_of(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(JobEvent)) or 0


def test_a_jobs_page_shows_form_answers_missing_and_next_steps(runtime: Runtime, branch: Branch, desk: Client) -> None:
    job = given_job(runtime, branch)
    answer = desk.get(f"/api/v1/jobs/{job.id}")
    body = answer.get_json()
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert (body["number"], body["record"]["answers"], body["assignment"]) == (job.number, {}, None)
    assert body["form"]["code"] == "outage-repair"
    assert "photos.before" in body["missing"]
    assert body["allowed"] == ["cancelled"]


def test_an_edit_needs_the_revision_that_was_read(runtime: Runtime, branch: Branch, desk: Client) -> None:
    job = given_job(runtime, branch)
    place = f"/api/v1/jobs/{job.id}"
    assert desk.patch(place, json={"note": "x"}).status_code == 428
    edited = desk.patch(place, json={"note": "x"}, headers={"If-Match": '"1"'})
    assert (edited.status_code, edited.headers["ETag"], edited.get_json()["note"]) == (200, '"2"', "x")
    assert desk.patch(place, json={"note": "y"}, headers={"If-Match": '"1"'}).status_code == 412


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        pytest.param({"colour": "red"}, "colour", "unknown_field", id="unknown field"),
        pytest.param({"priority": "whatever"}, "priority", "choice", id="unknown priority"),
        pytest.param(
            {"location": {"type": "Point", "coordinates": [30.2, 120.1]}}, "location", "swapped", id="swapped"
        ),
        pytest.param({"location": as_geojson(at_m(90_000, 0))}, "location", "outside_branch", id="outside the branch"),
        pytest.param(
            {"location": {"type": "Point", "coordinates": [385_000.0, 3_345_000.0]}},
            "location",
            "not_wgs84",
            id="metres",
        ),
        pytest.param(
            {"location": {"type": "Point", "coordinates": ["a", None]}}, "location", "invalid", id="no numbers"
        ),
        pytest.param({"contact_phone": "call me"}, "contact_phone", "invalid", id="no phone number"),
    ],
)
def test_a_bad_edit_names_the_field_and_changes_nothing(
    runtime: Runtime, session: Session, branch: Branch, desk: Client, body: dict[str, Any], field: str, reason: str
) -> None:
    job = given_job(runtime, branch)
    before = events_of(session)
    refused = desk.patch(f"/api/v1/jobs/{job.id}", json=body, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.content_type) == (422, "application/problem+json")
    assert [(error["field"], error["reason"]) for error in refused.get_json()["errors"]] == [(field, reason)]
    session.expire_all()
    assert (session.get_one(Job, job.id).rev, events_of(session)) == (1, before)


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        pytest.param("transitions", {"to": "working"}, 409, "wrong-transition", id="wrong state"),
        pytest.param("transitions", {"to": "cancelled"}, 422, "reason-required", id="no reason"),
        pytest.param("transitions", {"to": "flying"}, 422, "invalid", id="no such state"),
        pytest.param("transitions", {"to": "assigned"}, 422, "invalid", id="assigned without a crew"),
        pytest.param("assignments", {"crew_id": str(new_id())}, 422, "unknown-crew", id="no such crew"),
    ],
)
def test_a_refused_step_is_a_problem_and_changes_nothing(
    runtime: Runtime,
    session: Session,
    branch: Branch,
    desk: Client,
    path: str,
    body: dict[str, Any],
    status: int,
    code: str,
) -> None:
    job = given_job(runtime, branch)
    refused = desk.post(f"/api/v1/jobs/{job.id}/{path}", json=body)
    assert (refused.status_code, refused.get_json()["code"]) == (status, code)
    session.expire_all()
    assert (session.get_one(Job, job.id).rev, events_of(session)) == (1, 1)


def test_a_body_that_is_not_json_is_said_to_be_none(runtime: Runtime, branch: Branch, desk: Client) -> None:
    job = given_job(runtime, branch)
    refused = desk.post(f"/api/v1/jobs/{job.id}/transitions", data=b"{to: cancelled", content_type="application/json")
    assert (refused.status_code, refused.get_json()["code"]) == (400, "not-json")


def test_the_same_key_sends_one_crew_once(runtime: Runtime, branch: Branch, desk: Client, crew: Crew) -> None:
    job = given_job(runtime, branch)
    place, body = f"/api/v1/jobs/{job.id}/assignments", {"crew_id": str(crew.id)}
    first = desk.post(place, json=body, key="send-r3-to-0001")
    again = desk.post(place, json=body, key="send-r3-to-0001")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    assert [line["kind"] for line in desk.get(f"/api/v1/jobs/{job.id}/timeline").get_json()["items"]] == [
        "opened",
        "assigned",
    ]


def test_a_busy_crew_is_a_problem_of_its_own_in_both_languages(
    runtime: Runtime, branch: Branch, desk: Client, crew: Crew
) -> None:
    first, second = given_job(runtime, branch), given_job(runtime, branch)
    assert desk.post(f"/api/v1/jobs/{first.id}/assignments", json={"crew_id": str(crew.id)}).status_code == 201
    for language, title in (("zh-CN", "该班组正在执行其他工单"), ("en", "The crew is already on another job.")):
        refused = desk.post(
            f"/api/v1/jobs/{second.id}/assignments",
            json={"crew_id": str(crew.id)},
            headers={"Accept-Language": language},
        )
        assert (refused.status_code, refused.get_json()["title"]) == (409, title)
        assert refused.get_json()["params"]["job_number"] == first.number


def test_a_crew_that_hands_a_job_back_gets_its_answer(
    app: Flask, runtime: Runtime, branch: Branch, desk: Client, crew: Crew, lead: Person
) -> None:
    job = given_job(runtime, branch)
    desk.post(f"/api/v1/jobs/{job.id}/assignments", json={"crew_id": str(crew.id)})
    tablet = signed_in(app, lead)
    back = tablet.post(f"/api/v1/jobs/{job.id}/transitions", json={"to": "refused", "reason": "van broke down"})
    assert (back.status_code, back.get_json()["state"], back.get_json()["allowed"]) == (200, "new", [])
    assert tablet.get(f"/api/v1/jobs/{job.id}").status_code == 404


def test_lists_exports_and_pages_answer_over_http(runtime: Runtime, branch: Branch, desk: Client) -> None:
    job = given_job(runtime, branch)
    page = desk.get("/api/v1/jobs?state=open&limit=1").get_json()
    assert ([item["id"] for item in page["items"]], page["next"]) == ([str(job.id)], None)
    table = desk.get("/api/v1/jobs.csv?state=open")
    assert table.content_type == "text/csv; charset=utf-8"
    assert job.number in table.get_data(as_text=True)
    assert desk.get(f"/api/v1/jobs/{job.id}/attachments").get_json() == {"items": []}
    assert desk.get("/api/v1/jobs?state=nowhere").status_code == 422
    misspelt = desk.get("/api/v1/jobs.csv?sate=open")
    assert (misspelt.status_code, misspelt.get_json()["errors"][0]["reason"]) == (422, "unknown_field")
    assert desk.get("/api/v1/jobs?q=%00").status_code == 422
