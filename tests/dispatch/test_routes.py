"""The dispatch doors: candidates, board, search."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.dispatch.schemas import CandidatesOut, CrewDetail, CrewOut
from app.identity.models import Branch, Role
from app.kernel.net import narrow
from app.kernel.unit_of_work import Runtime
from app.staff.models import Grade, Skill
from tests.factories import Client, given_branch, given_person, signed_in
from tests.factories_field import (
    at_m,
    counted_queries,
    given_account,
    given_crew,
    given_forms,
    given_job,
    given_premises,
    given_skill,
    given_street_grid,
)


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    branch = given_branch(session)
    given_street_grid(session, branch, side=5)
    return branch


@pytest.fixture
def desk(app: Flask, session: Session, branch: Branch) -> Client:
    return signed_in(app, given_person(session, branch, "linxiao", [Role.DISPATCHER]))


def test_candidates_fit_their_schema_and_show_the_best_of_all(
    runtime: Runtime, session: Session, branch: Branch, desk: Client
) -> None:
    job = given_job(runtime, branch)
    given_crew(session, branch, "R1", place=at_m(400, 0))
    given_crew(session, branch, "R2", on_duty=False)
    body = desk.get(f"/api/v1/jobs/{job.id}/candidates").get_json()
    assert (body["total"], body["ok_count"], body["job_id"]) == (2, 1, str(job.id))
    assert CandidatesOut().validate(body) == {}
    best, refused = body["items"]
    assert (best["code"], best["ok"], best["estimated"]) == ("R1", True, False)
    assert best["distance_m"] == pytest.approx(400, abs=5)
    assert (refused["distance_m"], refused["eta_s"], refused["position_age_s"]) == (None, None, None)
    assert {reason["code"] for reason in refused["reasons"] if reason["blocks"]} == {"off_duty"}
    one = desk.get(f"/api/v1/jobs/{job.id}/candidates?limit=1").get_json()
    assert (len(one["items"]), one["total"]) == (1, 2)


def test_a_sent_crew_can_be_called_back_over_http(
    runtime: Runtime, session: Session, branch: Branch, desk: Client
) -> None:
    crew, _ = given_crew(session, branch)
    job = given_job(runtime, branch)
    sent = desk.post(f"/api/v1/jobs/{job.id}/assignments", json={"crew_id": str(crew.id)}).get_json()
    assert sent["job_id"] == str(job.id)
    back = desk.post(f"/api/v1/assignments/{sent['id']}/withdraw", json={})
    assert (back.status_code, back.get_json()["end_reason"]) == (200, "withdrawn")
    again = desk.post(f"/api/v1/assignments/{sent['id']}/withdraw", json={})
    assert (again.status_code, again.get_json()["code"]) == (409, "assignment-ended")
    assert desk.get(f"/api/v1/jobs/{job.id}").get_json()["state"] == "new"


def test_crews_are_read_by_name_and_a_foreign_one_is_left_out(session: Session, branch: Branch, desk: Client) -> None:
    first, second, _ = (given_crew(session, branch, code)[0] for code in ("R1", "R2", "R3"))
    far = given_branch(session, "FX", centre=(120.0, 30.0))
    foreign, _ = given_crew(session, far, "R9", place=at_m(0, 0, centre=(120.0, 30.0)), login="foreign")
    named = "&".join(f"id={crew.id}" for crew in (second, first, foreign))
    page = desk.get(f"/api/v1/crews?{named}").get_json()
    assert ([crew["code"] for crew in page["items"]], page["next"]) == (["R1", "R2"], None)
    refused = desk.get("/api/v1/crews?id=R1")
    assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (422, "id.0")


@pytest.mark.parametrize("crews", [1, 25], ids=["one crew", "twenty-five crews"])
def test_the_board_costs_the_same_whatever_the_crews(
    runtime: Runtime, session: Session, branch: Branch, desk: Client, crews: int
) -> None:
    for number in range(crews):
        given_crew(session, branch, f"R{number:02d}", place=at_m(number, 0))
    with counted_queries(runtime) as sent:
        page = desk.get("/api/v1/crews?limit=200").get_json()
    assert [crew["code"] for crew in page["items"]] == [f"R{number:02d}" for number in range(crews)]
    assert page["next"] is None
    assert len(sent) <= 4, sent


def test_the_board_fits_its_schema_and_pages_by_code(session: Session, branch: Branch, desk: Client) -> None:
    crew, person = given_crew(session, branch, "R1", place=at_m(1, 1), skills=[Skill.CARE], grade=Grade.JUNIOR)
    session.add(given_skill(person, Skill.CARE, Grade.SENIOR))
    session.commit()
    given_crew(session, branch, "R2")
    page = desk.get("/api/v1/crews?limit=1").get_json()
    assert set(page["items"][0]) == set(CrewOut().fields)
    assert page["items"][0]["skills"] == [{"skill": "care", "grade": "senior"}]
    following = desk.get("/api/v1/crews", query_string={"limit": 1, "cursor": page["next"]}).get_json()
    assert ([item["code"] for item in following["items"]], following["next"]) == (["R2"], None)
    one = desk.get(f"/api/v1/crews/{crew.id}")
    assert set(one.get_json()) == set(CrewDetail().fields)
    assert [member["person_id"] for member in one.get_json()["members"]] == [str(person.id)]
    assert one.headers["ETag"] == '"1"'


def test_a_crew_sees_itself_and_no_other(app: Flask, session: Session, branch: Branch) -> None:
    own, lead = given_crew(session, branch, "R1", login="zhaoqiang")
    other, _ = given_crew(session, branch, "R2")
    tablet = signed_in(app, lead)
    assert [crew["id"] for crew in tablet.get("/api/v1/crews").get_json()["items"]] == [str(own.id)]
    assert tablet.get(f"/api/v1/crews/{own.id}").status_code == 200
    assert tablet.get(f"/api/v1/crews/{other.id}").status_code == 404


def hits(client: Client, q: str) -> list[tuple[str, str]]:
    items: list[dict[str, Any]] = client.get("/api/v1/search", query_string={"q": q}).get_json()["items"]
    return [(item["kind"], item["id"]) for item in items]


def test_one_box_finds_jobs_crews_outages_and_premises(
    runtime: Runtime, session: Session, branch: Branch, desk: Client
) -> None:
    job = given_job(runtime, branch)
    crew, _ = given_crew(session, branch, "R7")
    premises = given_premises(session, branch)
    given_account(session, premises, name="周桂兰")
    taken = desk.post("/api/v1/calls", json={"symptom": "flicker", "premises_id": str(premises.id)}).get_json()
    assert hits(desk, job.number.lower()) == [("job", str(job.id))]
    assert hits(desk, taken["outage_number"]) == [("outage", taken["outage_id"])]
    assert hits(desk, "R7") == [("crew", str(crew.id))]
    assert hits(desk, "周桂") == [("premises", str(premises.id))]
    assert desk.get("/api/v1/search?q=x").status_code == 422
    assert desk.get("/api/v1/search?q=a%00b").status_code == 422


def test_a_job_is_found_by_either_end_of_its_number_and_in_its_own_branch_only(
    runtime: Runtime, session: Session, branch: Branch, desk: Client
) -> None:
    elsewhere = given_branch(session, "XX", centre=(110.0, 30.0))
    ours, theirs = given_job(runtime, branch), given_job(runtime, elsewhere, place=at_m(centre=(110.0, 30.0)))
    ending = text("SELECT jobs_ending_in(:digits)").bindparams(digits=ours.number[-4:])
    assert theirs.number == ours.number  # each branch counts for itself
    assert set(session.scalars(ending)) == {ours.id, theirs.id}
    for q in (ours.number[:2], ours.number[:6], ours.number[-4:]):
        assert hits(desk, q) == [("job", str(ours.id))]
    assert hits(desk, f"%{ours.number[-3:]}") == []
    narrow(session, [branch.id])
    assert session.scalars(ending).all() == [ours.id]


def test_a_crew_member_finds_their_own_jobs_only(
    app: Flask, runtime: Runtime, session: Session, branch: Branch, desk: Client
) -> None:
    crew, lead = given_crew(session, branch, "R1", login="zhaoqiang")
    ours, other = given_job(runtime, branch), given_job(runtime, branch)
    given_account(session, given_premises(session, branch), name="周桂兰")
    desk.post(f"/api/v1/jobs/{ours.id}/assignments", json={"crew_id": str(crew.id)})
    tablet = signed_in(app, lead)
    assert hits(tablet, "QX20260716") == [("job", str(ours.id))]
    assert hits(tablet, "周桂兰") == []
    assert hits(tablet, other.number) == []
