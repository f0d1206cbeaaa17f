"""Answers on which safety hangs are never merged: a clash alarms desk and crew, and only the desk settles it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import AuditEntry, Branch, Person, Role
from app.jobs import queries, service
from app.jobs.errors import BadForm
from app.jobs.models import FormRecord
from app.kernel.actor import SYSTEM
from app.kernel.unit_of_work import Runtime
from tests.conflicts.conftest import Quarrel
from tests.factories import Client, given_person, signed_in

SETTLE = "/api/v1/conflicts/settlements"
DEAD, ALIVE = {"isolation": "isolated_proved"}, {"isolation": "live_work"}


def the_alarm(desk: Client) -> dict[str, Any]:
    [shown] = desk.get("/api/v1/conflicts").get_json()["items"]
    assert shown["policy"] == "never"
    return dict(shown)


def acknowledge(client: Client, alarm: dict[str, Any]) -> int:
    return client.post(f"/api/v1/conflicts/{alarm['id']}/acknowledgement", json={}).status_code


def isolation(session: Session, quarrel: Quarrel) -> object:
    return session.get_one(FormRecord, quarrel.record_id, populate_existing=True).answers.get("isolation")


def trail(session: Session) -> list[str]:
    query = select(AuditEntry.action).where(AuditEntry.entity == "sync_conflict").order_by(AuditEntry.id)
    return list(session.scalars(query))


@pytest.fixture
def disputed(quarrel: Quarrel) -> Quarrel:
    quarrel.answer(mine=ALIVE, theirs=DEAD)
    return quarrel


def test_the_desk_is_alarmed_until_somebody_has_seen_it(
    session: Session, desk: Client, dispatcher: Person, disputed: Quarrel
) -> None:
    alarm = the_alarm(desk)
    assert (alarm["theirs"], alarm["mine"], alarm["acknowledged_at"]) == ("isolated_proved", "live_work", None)
    assert acknowledge(desk, alarm) == 204
    alarm = the_alarm(desk)
    assert alarm["acknowledged_by_name"] == dispatcher.name
    assert isolation(session, disputed) == "isolated_proved"
    timeline = desk.get(f"/api/v1/jobs/{disputed.job.id}/timeline").get_json()["items"]
    assert {"alarm_raised", "alarm_acknowledged"} <= {line["kind"] for line in timeline}
    assert trail(session) == ["alarm_raised", "alarm_acknowledged"]


def test_who_saw_it_first_stays(
    app: Flask, session: Session, branch: Branch, desk: Client, dispatcher: Person, disputed: Quarrel
) -> None:
    assert acknowledge(desk, the_alarm(desk)) == 204
    second = signed_in(app, given_person(session, branch, "second", [Role.DISPATCHER]))
    assert acknowledge(second, the_alarm(desk)) == 204
    assert the_alarm(desk)["acknowledged_by_name"] == dispatcher.name
    assert disputed.job.number == the_alarm(desk)["job_number"]


def test_another_value_from_the_tablet_alarms_again(desk: Client, disputed: Quarrel) -> None:
    acknowledge(desk, the_alarm(desk))
    disputed.second.engine.update("form_record", disputed.record_id, {"answers.isolation": "not_needed"})
    disputed.second.engine.push()
    alarm = the_alarm(desk)
    assert (alarm["mine"], alarm["acknowledged_at"]) == ("not_needed", None)


def test_even_a_correction_by_the_one_who_answered_waits_for_the_desk(
    session: Session, desk: Client, quarrel: Quarrel
) -> None:
    """I17: only a first write and a decision change such a field."""
    for answer in (DEAD, ALIVE):
        quarrel.first.engine.update("form_record", quarrel.record_id, {"answers.isolation": answer["isolation"]})
    quarrel.first.engine.push()
    assert isolation(session, quarrel) == "isolated_proved"
    alarm = the_alarm(desk)
    decision = {"conflicts": [{"id": alarm["id"], "rev": alarm["rev"]}], "take": "mine"}
    assert desk.post(SETTLE, json=decision).status_code == 200
    assert isolation(session, quarrel) == "live_work"


def test_the_crew_hears_of_it_first_of_all_and_does_not_decide_it(disputed: Quarrel) -> None:
    for tablet in (disputed.first, disputed.second):
        answer = tablet.post("pull", {"epoch": None, "cursors": {}})
        places = {change["bucket"] for change in answer["changes"] if change["entity"] == "conflict"}
        first = {bucket["key"] for bucket in answer["buckets"] if bucket["priority"] == 0}
        assert places
        assert places <= first
    disputed.second.engine.pull()
    [(conflict_id, doc)] = disputed.second.held("conflict").items()
    assert (doc["policy"], doc["deciders"]) == ("never", [])
    saw = {"theirs": doc["held"], "mine": doc["mine"]}
    op_no = disputed.second.engine.update("conflict", conflict_id, {"take": "mine", "saw": saw})
    disputed.second.engine.push()
    assert disputed.second.result(op_no)["problem"]["code"] == "forbidden"


def test_whom_the_desk_names_decides_it_on_the_tablet(
    session: Session, desk: Client, crew_and_lead: tuple[Crew, Person], disputed: Quarrel
) -> None:
    alarm = the_alarm(desk)
    owner = {"person_id": str(crew_and_lead[1].id)}
    assert desk.put(f"/api/v1/conflicts/{alarm['id']}/owner", json=owner).status_code == 204
    disputed.second.engine.pull()
    doc = disputed.second.held("conflict")[UUID(alarm["id"])]
    assert doc["deciders"] == [owner["person_id"]]
    saw = {"theirs": doc["held"], "mine": doc["mine"]}
    op_no = disputed.second.engine.update("conflict", UUID(alarm["id"]), {"take": "mine", "saw": saw})
    disputed.second.engine.push()
    assert disputed.second.result(op_no)["status"] == "applied"
    assert isolation(session, disputed) == "live_work"


def test_settling_it_says_that_it_was_seen(desk: Client, dispatcher: Person, disputed: Quarrel) -> None:
    alarm = the_alarm(desk)
    decision = {"conflicts": [{"id": alarm["id"], "rev": alarm["rev"]}], "take": "theirs"}
    assert desk.post(SETTLE, json=decision).status_code == 200
    [settled] = desk.get("/api/v1/conflicts?state=settled").get_json()["items"]
    assert settled["acknowledged_by_name"] == dispatcher.name
    disputed.second.engine.pull()
    [told] = disputed.second.held("conflict").values()
    assert (told["state"], told["take"]) == ("resolved", "theirs")


def test_only_the_desk_of_the_branch_acknowledges_and_only_alarms(
    app: Flask, session: Session, branch: Branch, desk: Client, quarrel: Quarrel
) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    [human] = desk.get("/api/v1/conflicts").get_json()["items"]
    refused = desk.post(f"/api/v1/conflicts/{human['id']}/acknowledgement", json={})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "no-alarm")
    hotline = signed_in(app, given_person(session, branch, "mali", [Role.HOTLINE]))
    assert acknowledge(hotline, human) == 403


@pytest.mark.usefixtures("branch")
def test_a_form_names_only_policies_that_there_are(runtime: Runtime, session: Session) -> None:
    document = dict(queries.form_of(session, code="outage-repair", version=1).document)
    schema = {"type": "object", "properties": {"a": {"type": "string", "x-policy": "sometimes"}}}
    with pytest.raises(BadForm) as refused, runtime.unit_of_work(SYSTEM) as uow:
        service.publish_form(uow, document={**document, "version": 9, "required": ["a"], "schema": schema})
    assert [error.field for error in refused.value.errors] == ["schema.properties.a.x-policy"]
