"""The story: a call about a power cut comes in, the right crew is sent, repairs it, and the record is whole."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.identity.models import Branch, Person, Role
from app.jobs import queries as jobs
from app.jobs import service as job_service
from app.jobs.models import Job
from app.kernel.clock import FrozenClock
from app.kernel.tasks import drain
from app.kernel.unit_of_work import Runtime
from app.media.models import AttachmentKind
from tests.factories import Client, acting, given_branch, given_person, signed_in
from tests.factories_field import (
    as_geojson,
    at_m,
    given_account,
    given_attachment,
    given_crew,
    given_forms,
    given_premises,
    given_street_grid,
)

REPAIR = {
    "risk_checked": True,
    "isolation": "isolated_proved",
    "fault_location": "lv_line",
    "cause": "storm",
    "voltage_v": 228,
    "result": "restored",
    "customer_told": True,
}


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    branch = given_branch(session)
    given_street_grid(session, branch)
    return branch


@pytest.fixture
def dispatcher(session: Session, branch: Branch) -> Person:
    return given_person(session, branch, "linxiao", [Role.DISPATCHER])


def test_a_power_cut_is_called_in_dispatched_repaired_and_closed(
    app: Flask, runtime: Runtime, session: Session, clock: FrozenClock, branch: Branch, dispatcher: Person
) -> None:
    premises = given_premises(session, branch, at_m(0, 0))
    given_account(session, premises, name="周桂兰", phone="13800000001")
    near, zhao = given_crew(session, branch, "R3", place=at_m(400, 0), login="zhaoqiang")
    given_crew(session, branch, "R5", place=at_m(-900, 0), login="qianwei")
    desk, tablet = signed_in(app, dispatcher), signed_in(app, zhao)

    found = desk.get("/api/v1/search", query_string={"q": "周桂兰"}).get_json()["items"]
    assert [hit["id"] for hit in found] == [str(premises.id)]
    call = {"symptom": "no_supply", "premises_id": str(premises.id), "caller_phone": "13800000001"}
    taken = created(desk.post("/api/v1/calls", json=call))
    assert taken["joined"] is False

    ranked = desk.get(f"/api/v1/jobs/{taken['job_id']}/candidates").get_json()
    assert [crew["code"] for crew in ranked["items"] if crew["ok"]] == ["R3", "R5"]
    sent = created(desk.post(f"/api/v1/jobs/{taken['job_id']}/assignments", json={"crew_id": str(near.id)}))
    assert sent["live"] is True

    assert [job["id"] for job in tablet.get("/api/v1/jobs").get_json()["items"]] == [taken["job_id"]]
    for state in ("accepted", "en_route", "arrived", "working", "restored"):
        clock.tick(minutes=5)
        assert moved(tablet, taken["job_id"], state)["state"] == state
    refused = tablet.post(f"/api/v1/jobs/{taken['job_id']}/transitions", json={"to": "completed"})
    assert refused.status_code == 409
    assert "signatures.customer" in refused.get_json()["params"]["missing"]

    fill_in(runtime, session, zhao, taken["job_id"])
    done = moved(tablet, taken["job_id"], "completed")
    assert (done["state"], done["missing"], done["allowed"]) == ("completed", [], [])

    drain(runtime)
    outage = desk.get(f"/api/v1/outages/{taken['outage_id']}").get_json()
    assert (outage["state"], outage["calls"]) == ("closed", 1)
    told = desk.get(f"/api/v1/jobs/{taken['job_id']}/timeline").get_json()["items"]
    assert [line["kind"] for line in told if line["kind"] != "answered"] == [
        "opened", "assigned", "accepted", "en_route", "arrived", "working", "restored", "completed",
    ]  # fmt: skip
    board = desk.get("/api/v1/crews").get_json()["items"]
    assert [crew["live_job"] for crew in board] == [None, None]


def test_neighbours_report_one_outage(app: Flask, clock: FrozenClock, dispatcher: Person) -> None:
    desk = signed_in(app, dispatcher)
    first = report(desk, at_m(0, 0))
    clock.tick(minutes=10)
    assert report(desk, at_m(150, 100))["outage_id"] == first["outage_id"]
    assert report(desk, at_m(3000, 0))["outage_id"] != first["outage_id"]


def report(desk: Client, place: Any, symptom: str = "no_supply") -> dict[str, Any]:
    return created(desk.post("/api/v1/calls", json={"symptom": symptom, "location": as_geojson(place)}))


def created(response: Any) -> dict[str, Any]:
    assert response.status_code == 201, response.get_json()
    body: dict[str, Any] = response.get_json()
    return body


def moved(client: Client, job_id: str, to: str) -> dict[str, Any]:
    response = client.post(f"/api/v1/jobs/{job_id}/transitions", json={"to": to})
    assert response.status_code == 200, response.get_json()
    body: dict[str, Any] = response.get_json()
    return body


def fill_in(runtime: Runtime, session: Session, person: Person, job_id: str) -> None:
    job = session.get_one(Job, job_id)
    with acting(runtime, person) as uow:
        record = jobs.record_of(uow.session, job.id)
        assert record is not None
        for item, value in REPAIR.items():
            job_service.answer(uow, record=record, item=item, value=value)
    for slot in ("before", "after"):
        given_attachment(session, job, AttachmentKind.PHOTO, slot)
    given_attachment(session, job, AttachmentKind.SIGNATURE, "customer", signer_name="周桂兰")
