"""The proof of a day at the door for tablets: counted by the branch's clock."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.dispatch import service as dispatch
from app.identity.models import Device, DeviceState, Person
from app.jobs.models import Job
from app.kernel.unit_of_work import Runtime
from mobile_sync.proof import differences, journal
from tests.factories import acting, visitor
from tests.sync.field import FieldTablet, photo


@pytest.fixture
def at_work(runtime: Runtime, dispatcher: Person, crew: Crew, job: Job, tablet: FieldTablet) -> FieldTablet:
    with acting(runtime, dispatcher) as uow:
        dispatch.dispatch_crew(uow, job_id=job.id, crew_id=crew.id)
    tablet.engine.pull()
    return tablet


def proof_of(app: Flask, tablet: FieldTablet, day: str) -> dict[str, Any]:
    answer = visitor(app).get("/sync/v1/proof", query_string={"day": day}, headers=tablet.headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.get_json()
    return told


def record_of(tablet: FieldTablet) -> UUID:
    (record_id,) = tablet.held("form_record")
    return record_id


def test_a_day_is_counted_by_the_clock_of_the_branch(app: Flask, at_work: FieldTablet, job: Job) -> None:
    at_work.engine.update("job", job.id, {"note": "late"}, device_at="2026-07-15T15:59:00Z")  # 23:59 in Shanghai
    at_work.engine.update("job", job.id, {"note": "early"}, device_at="2026-07-15T16:01:00Z")
    at_work.engine.push()
    for day in ("2026-07-15", "2026-07-16"):
        assert proof_of(app, at_work, day)["ops"] == [
            {"entity": "job", "kind": "update", "status": "applied", "count": 1}
        ]
    assert proof_of(app, at_work, "2026-07-16")["since"] == "2026-07-15T16:00:00.000Z"


def test_records_and_photos_of_a_day_are_the_same_on_both_sides(app: Flask, at_work: FieldTablet, job: Job) -> None:
    at_work.engine.update("form_record", record_of(at_work), {"answers.cause": "tree"})
    at_work.engine.update("form_record", record_of(at_work), {"answers.voltage_v": "much"})
    at_work.attach(job.id, "before", photo("navy"))
    at_work.attach(job.id, "after", photo("white"))
    at_work.engine.push()
    told = proof_of(app, at_work, "2026-07-16")
    assert {(line["entity"], line["status"]): line["count"] for line in told["ops"]} == {
        ("attachment", "applied"): 2,
        ("form_record", "applied"): 1,
        ("form_record", "rejected"): 1,
    }
    assert [(line["kind"], line["count"], line["verified"]) for line in told["files"]] == [("photo", 2, 0)]
    at_work.send_files()
    told = proof_of(app, at_work, "2026-07-16")
    [photos] = told["files"]
    assert (photos["verified"], photos["bytes"] == photos["verified_bytes"]) == (2, True)
    counted = journal(at_work.engine.outbox.entries, {}, *moments(told))
    assert (counted.ops.total(), counted.files_count, differences(counted, told)) == (4, 2, [])


def moments(told: dict[str, Any]) -> tuple[Any, Any]:
    from datetime import datetime  # noqa: PLC0415

    return datetime.fromisoformat(told["since"]), datetime.fromisoformat(told["until"])


def test_a_signed_out_tablet_is_told_nothing(app: Flask, session: Session, at_work: FieldTablet) -> None:
    session.get_one(Device, at_work.device_id).state = DeviceState.REVOKED
    session.commit()
    refused = visitor(app).get("/sync/v1/proof?day=2026-07-16", headers=at_work.headers)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "device_revoked")


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "day"), ("day=yesterday", "day"), ("day=0001-01-01", "day"), ("day=2026-02-30", "day"), ("dya=1", "dya")],
)
def test_a_day_that_is_none_is_refused_by_its_field(app: Flask, tablet: FieldTablet, query: str, field: str) -> None:
    refused = visitor(app).get(f"/sync/v1/proof?{query}", headers=tablet.headers)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.get_json()["errors"]] == [field]
