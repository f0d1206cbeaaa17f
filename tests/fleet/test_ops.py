"""Somebody who answers for it opens what nobody could judge, has it judged again, repairs it, or ends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.crews.models import Crew
from app.dispatch import service as dispatch
from app.fleet.schemas import OpOut
from app.identity.models import AuditEntry, Branch, Device, DeviceState, Person, Role
from app.jobs.models import Assignment, FormRecord, Job
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from tests.factories import Client, acting, given_branch, given_person, signed_in
from tests.factories_field import at_m, given_crew
from tests.sync.field import FieldTablet, photo


def ops_of(desk: Client, tablet: FieldTablet, state: str = "waiting", **query: Any) -> list[dict[str, Any]]:
    answer = desk.get(f"/api/v1/fleet/{tablet.device_id}/ops", query_string={"state": state, **query})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def decide(
    desk: Client, tablet: FieldTablet, verdict: str, op: Mapping[str, Any], rev: int | None = None, **body: Any
) -> TestResponse:
    path = f"/api/v1/fleet/{tablet.device_id}/ops/{op['op_no']}/{verdict}"
    seen = op["rev"] if rev is None else rev
    return desk.post(path, json=body, headers={"If-Match": f'"{seen}"'})


@pytest.fixture
def lost(session: Session, tablet: FieldTablet, job: Job) -> FieldTablet:
    """Its tablet was signed out while it held a note and an answer."""
    (record_id,) = tablet.held("form_record")
    tablet.engine.update("job", job.id, {"note": "院内有狗"})
    tablet.engine.update("form_record", record_id, {"answers.cause": "tree"})
    device = session.get_one(Device, tablet.device_id)
    device.state = DeviceState.REVOKED
    session.commit()
    tablet.engine.push()
    return tablet


def test_what_was_wanted_stands_in_words_beside_what_the_system_has(
    desk: Client, lost: FieldTablet, job: Job, crew_and_lead: tuple[Crew, Person]
) -> None:
    note, answer = ops_of(desk, lost)
    for op in (note, answer):
        assert OpOut().validate({key: value for key, value in op.items() if key != "kind"}, partial=True) == {}
    assert (note["op_no"], note["status"], note["rev"], note["entity"], note["kind"]) == (
        1,
        "quarantined",
        0,
        "job",
        "update",
    )
    assert (note["why"]["code"], note["why"]["title"]) == ("device_revoked", "平板已停用")
    assert (note["sent"], note["held"]) == ({"note": "院内有狗"}, {"note": None})
    assert (note["job_number"], note["person_name"]) == (job.number, crew_and_lead[1].name)
    assert answer["questions"]["answers.cause"]["x-title"]["en"]
    assert answer["job_id"] == str(job.id)


def test_the_reason_is_told_in_the_readers_language(desk: Client, lost: FieldTablet) -> None:
    path = f"/api/v1/fleet/{lost.device_id}/ops"
    [op, _] = desk.get(path, headers={"Accept-Language": "en"}).get_json()["items"]
    assert op["why"]["title"] == "The tablet was signed out"


def test_a_replay_writes_in_the_name_of_whoever_recorded_it(
    desk: Client, lost: FieldTablet, session: Session, job: Job, crew_and_lead: tuple[Crew, Person]
) -> None:
    note, _ = ops_of(desk, lost)
    told = decide(desk, lost, "replay", note)
    assert (told.status_code, told.get_json()) == (
        200,
        {"op_no": 1, "status": "applied", "done": True, "why": None, "released": 0},
    )
    assert session.get_one(Job, job.id, populate_existing=True).note == "院内有狗"
    timeline = desk.get(f"/api/v1/jobs/{job.id}/timeline").get_json()["items"]
    noted = next(line for line in timeline if line["kind"] == "noted")
    assert (noted["person_id"], noted["device_id"]) == (str(crew_and_lead[1].id), str(lost.device_id))


def test_a_repaired_answer_is_checked_by_the_form_and_keeps_what_came(
    desk: Client, lost: FieldTablet, session: Session
) -> None:
    _, answer = ops_of(desk, lost)
    wrong = decide(desk, lost, "repair", answer, fields={"answers.cause": "ufo"}, reason="Photo shows it")
    assert (wrong.status_code, wrong.get_json()["done"], wrong.get_json()["why"]["code"]) == (200, False, "bad-answer")
    assert wrong.get_json()["why"]["title"]
    _, answer = ops_of(desk, lost)
    assert (answer["status"], answer["rev"], answer["fields_now"]) == ("quarantined", 1, {"answers.cause": "ufo"})
    right = decide(desk, lost, "repair", answer, fields={"answers.cause": "storm"}, reason="Photo shows it")
    assert (right.get_json()["status"], right.get_json()["done"]) == ("merged", True)
    record = session.scalars(select(FormRecord)).one()
    assert record.answers == {"cause": "storm"}
    [kept] = ops_of(desk, lost, "decided")
    assert (kept["sent"], kept["fields_now"], kept["status"]) == (
        {"answers.cause": "tree"},
        {"answers.cause": "storm"},
        "merged",
    )
    tried, done = kept["history"]
    assert (tried["verb"], tried["done"], tried["status"], tried["why"]["code"]) == (
        "repaired",
        False,
        "rejected",
        "bad-answer",
    )
    assert (done["reason"], done["person_name"], done["fields_said"]) == (
        "Photo shows it",
        done["person_name"],
        {"answers.cause": "storm"},
    )


def test_a_refused_one_is_told_to_the_tablet_with_its_reason(desk: Client, lost: FieldTablet) -> None:
    note, _ = ops_of(desk, lost)
    assert decide(desk, lost, "refuse", note, reason="Wrong house").get_json()["status"] == "rejected"
    lost.engine.ask_again()
    told = lost.result(1)
    assert (told["problem"]["code"], told["centre"]["reason"]) == ("not_applied", "Wrong house")


def test_work_on_a_job_that_went_to_another_crew_is_vouched_for(
    runtime: Runtime, session: Session, desk: Client, dispatcher: Person, tablet: FieldTablet, job: Job, branch: Branch
) -> None:  # fmt: skip
    other, _ = given_crew(session, branch, "R5", place=at_m(-300, 0), login="qianwei")
    held = session.scalars(select(Assignment).where(Assignment.job_id == job.id, Assignment.ended_at.is_(None))).one()
    with acting(runtime, dispatcher) as uow:
        dispatch.withdraw(uow, assignment_id=held.id)
        dispatch.dispatch_crew(uow, job_id=job.id, crew_id=other.id)
    runtime.clock.tick(minutes=5)  # type: ignore[attr-defined]
    tablet.engine.pull()
    tablet.engine.update("job", job.id, {"finding": "burnt terminal"})
    tablet.engine.push()
    [op] = ops_of(desk, tablet)
    assert op["why"]["code"] == "out_of_scope"
    assert decide(desk, tablet, "replay", op).get_json()["status"] == "applied"
    assert session.get_one(Job, job.id, populate_existing=True).finding == "burnt terminal"


def test_what_waited_for_it_follows(desk: Client, tablet: FieldTablet, session: Session, job: Job) -> None:
    tablet.engine.record(
        tablet.engine.op("update", "job", job.id, {"note": "one"}),
        tablet.engine.op("create", "balloon", new_id(), {"colour": "red"}),
    )
    tablet.engine.update("job", job.id, {"finding": "after it"})
    tablet.engine.push()
    first, second, third = ops_of(desk, tablet)
    assert [op["status"] for op in (first, second, third)] == ["held", "quarantined", "held"]
    assert first["why"]["params"] == {"op_no": 2}
    told = decide(desk, tablet, "refuse", second, reason="No balloons").get_json()
    assert (told["status"], told["released"]) == ("rejected", 2)
    assert session.get_one(Job, job.id, populate_existing=True).finding == "after it"


def test_a_photo_that_nobody_could_judge_names_its_job(desk: Client, tablet: FieldTablet, job: Job) -> None:
    tablet.attach(job.id, "nowhere", photo("navy"))
    tablet.engine.update("form_record", new_id(), {"answers.cause": "tree"})
    tablet.engine.create("balloon", new_id(), {"note": 3}, files=[])
    tablet.engine.push()
    waiting = ops_of(desk, tablet)
    assert [(op["entity"], op["job_number"]) for op in waiting] == [("balloon", None)]


@pytest.mark.parametrize("verdict", ["replay", "repair", "refuse"])
def test_only_what_was_seen_is_decided(desk: Client, lost: FieldTablet, verdict: str) -> None:
    note, _ = ops_of(desk, lost)
    body = {"fields": {"note": "x"}} if verdict == "repair" else {}
    path = f"/api/v1/fleet/{lost.device_id}/ops/1/{verdict}"
    assert desk.post(path, json={**body, "reason": "x"}).status_code == 428
    assert decide(desk, lost, verdict, note, rev=7, **body, reason="x").status_code == 412
    assert decide(desk, lost, verdict, note, **body, reason="x").status_code == 200
    late = decide(desk, lost, verdict, note, rev=1, **body, reason="x")
    assert (late.status_code, late.get_json()["code"]) == (409, "op-settled")


def test_the_same_key_gives_the_same_answer(desk: Client, lost: FieldTablet) -> None:
    note, _ = ops_of(desk, lost)
    path = f"/api/v1/fleet/{lost.device_id}/ops/1/refuse"
    answers = [
        desk.post(path, json={"reason": "Wrong house"}, headers={"If-Match": f'"{note["rev"]}"'}, key="the-same-key")
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].get_json() == answers[1].get_json()
    assert len(ops_of(desk, lost, "decided")[0]["history"]) == 1


@pytest.mark.parametrize(
    ("verdict", "body", "field"),
    [
        ("refuse", {}, "reason"),
        ("refuse", {"reason": ""}, "reason"),
        ("repair", {"fields": {"note": "x"}}, "reason"),
        ("repair", {"reason": "x"}, "fields"),
        ("repair", {"reason": "x", "fields": {}}, "fields"),
        ("repair", {"reason": "x", "fields": {"$deleted": True}}, "fields.fields"),
        ("repair", {"reason": "x", "fields": {"note": "a\x00b"}}, "fields"),
        ("replay", {"reason": "x" * 501}, "reason"),
        ("replay", {"mood": 1}, "mood"),
    ],
)
def test_a_word_that_makes_no_sense_changes_nothing(
    desk: Client, lost: FieldTablet, verdict: str, body: dict[str, Any], field: str
) -> None:
    note, _ = ops_of(desk, lost)
    refused = decide(desk, lost, verdict, note, **body)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.get_json()["errors"]] == [field]
    assert ops_of(desk, lost)[0]["rev"] == 0


def test_an_op_that_was_never_sent_is_not_there(desk: Client, lost: FieldTablet) -> None:
    for op_no in (99, 2**53, 10**30):
        assert decide(desk, lost, "refuse", {"op_no": op_no, "rev": 0}, reason="x").status_code == 404


def test_every_look_and_every_word_is_in_the_trail(
    desk: Client, lost: FieldTablet, session: Session, dispatcher: Person
) -> None:
    note, _ = ops_of(desk, lost)
    decide(desk, lost, "refuse", note, reason="Wrong house")
    trail = session.scalars(
        select(AuditEntry).where(AuditEntry.entity == "device", AuditEntry.person_id == dispatcher.id)
        .order_by(AuditEntry.id)
    ).all()  # fmt: skip
    assert [(one.action, one.entity_id, one.detail) for one in trail] == [
        ("ops_viewed", lost.device_id, {"ops": 2}),
        ("op_refused", lost.device_id, {"op_no": 1, "status": "rejected", "released": 0}),
    ]


@pytest.mark.parametrize("role", [Role.MANAGER, Role.HOTLINE, Role.CREW_MEMBER])
def test_who_does_not_answer_for_it_sees_nothing_of_it(
    app: Flask, session: Session, branch: Branch, lost: FieldTablet, role: Role
) -> None:
    somebody = signed_in(app, given_person(session, branch, "somebody", [role]))
    assert somebody.get(f"/api/v1/fleet/{lost.device_id}/ops").status_code == 403
    assert decide(somebody, lost, "refuse", {"op_no": 1, "rev": 0}, reason="x").status_code == 403


def test_another_branch_finds_no_such_tablet(app: Flask, session: Session, lost: FieldTablet) -> None:
    stranger = signed_in(app, given_person(session, given_branch(session, "FAR"), "far", [Role.DISPATCHER]))
    assert stranger.get(f"/api/v1/fleet/{lost.device_id}/ops").status_code == 404
    assert decide(stranger, lost, "replay", {"op_no": 1, "rev": 0}).status_code == 404


def test_somebody_stands_for_a_tablet_but_not_for_branches_it_has_no_business_in(
    session: Session, desk: Client, lost: FieldTablet, job: Job
) -> None:
    far = given_branch(session, "FAR", centre=(100.5, 13.7))
    session.execute(update(Job).where(Job.id == job.id).values(branch_id=far.id))
    session.commit()
    note, _ = ops_of(desk, lost)
    assert (note["job_number"], note["held"]) == (None, {"note": None})
    assert decide(desk, lost, "replay", note).get_json()["done"] is False
    assert session.get_one(Job, job.id, populate_existing=True).note is None


def test_pages_of_what_waits_have_no_gap(desk: Client, tablet: FieldTablet) -> None:
    for _ in range(5):
        tablet.engine.create("balloon", new_id(), {})
    tablet.engine.push()
    seen, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = desk.get(f"/api/v1/fleet/{tablet.device_id}/ops", query_string=query).get_json()
        seen += [op["op_no"] for op in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [1, 2, 3, 4, 5]
    assert desk.get(f"/api/v1/fleet/{tablet.device_id}/ops?cursor=bm8").status_code == 422
