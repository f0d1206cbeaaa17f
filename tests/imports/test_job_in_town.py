"""The main job is done in an imported town as in the invented one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask
from shapely.geometry import Point
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers.models import Premises
from app.identity.models import Branch, Person, Role
from app.imports.command import import_layers
from app.jobs import queries as jobs
from app.jobs import service as job_service
from app.jobs.models import Job
from app.kernel.clock import FrozenClock
from app.kernel.tasks import drain
from app.kernel.unit_of_work import Runtime
from app.media.models import AttachmentKind
from tests.factories import Client, acting, given_person, signed_in
from tests.factories_field import given_attachment, given_crew, given_forms

TOWN = Path(__file__).resolve().parents[2] / "fixtures" / "towns" / "schutterwald"
MARKET, EAST_END = Point(7.8836, 48.4569), Point(7.8990, 48.4545)
REPAIR = {"risk_checked": True, "isolation": "isolated_proved", "fault_location": "lv_line", "cause": "ageing",
          "voltage_v": 231, "result": "restored", "customer_told": True}  # fmt: skip


def given_the_town(runtime: Runtime, session: Session) -> tuple[Branch, Premises]:
    """Schutterwald with its checklists, and the building nearest to the market."""
    given_forms(session)
    assert import_layers(runtime, TOWN, branch_code="SCH", mapping=TOWN / "mapping.toml").kept
    branch = session.scalars(select(Branch).where(Branch.code == "SCH")).one()
    premises = session.scalars(select(Premises).where(Premises.branch_id == branch.id)).all()
    return branch, min(premises, key=lambda one: one.location.distance(MARKET))


def test_a_power_cut_in_schutterwald_is_called_in_repaired_and_closed(
    app: Flask, runtime: Runtime, session: Session, clock: FrozenClock
) -> None:
    branch, home = given_the_town(runtime, session)
    near, lead = given_crew(session, branch, "R1", place=Point(7.8860, 48.4572), login="mueller")
    given_crew(session, branch, "R2", place=EAST_END, login="schmidt")
    desk = signed_in(app, given_person(session, branch, "weber", [Role.DISPATCHER]))
    tablet = signed_in(app, lead)

    (found,) = desk.get("/api/v1/search", query_string={"q": home.address[:40]}).get_json()["items"]
    taken = made(desk.post("/api/v1/calls", json={"symptom": "no_supply", "premises_id": found["id"]}), 201)
    ranked = desk.get(f"/api/v1/jobs/{taken['job_id']}/candidates").get_json()["items"]
    assert [crew["code"] for crew in ranked] == ["R1", "R2"]
    assert ranked[1]["distance_m"] > 1_000 > ranked[0]["distance_m"]  # along the streets that came with the town
    made(desk.post(f"/api/v1/jobs/{taken['job_id']}/assignments", json={"crew_id": str(near.id)}), 201)

    for state in ("accepted", "en_route", "arrived", "working", "restored"):
        clock.tick(minutes=5)
        step(tablet, taken["job_id"], state)
    fill_in(runtime, session, lead, taken["job_id"])
    assert step(tablet, taken["job_id"], "completed")["missing"] == []
    drain(runtime)
    assert desk.get(f"/api/v1/outages/{taken['outage_id']}").get_json()["state"] == "closed"


def made(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.get_json()
    body: dict[str, Any] = response.get_json()
    return body


def step(client: Client, job_id: str, to: str) -> dict[str, Any]:
    return made(client.post(f"/api/v1/jobs/{job_id}/transitions", json={"to": to}), 200)


def fill_in(runtime: Runtime, session: Session, person: Person, job_id: str) -> None:
    job = session.get_one(Job, job_id)
    with acting(runtime, person) as uow:
        record = jobs.record_of(uow.session, job.id)
        assert record is not None
        for item, value in REPAIR.items():
            job_service.answer(uow, record=record, item=item, value=value)
    for slot in ("before", "after"):
        given_attachment(session, job, AttachmentKind.PHOTO, slot)
    given_attachment(session, job, AttachmentKind.SIGNATURE, "customer", signer_name="Weber")
