"""A conflict is a record on the tablets it concerns, and a person there may decide it, with or without a link."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.crews.models import Crew, CrewMember
from app.dispatch import service as dispatch
from app.identity.models import Branch, Person, Role
from app.jobs import queries, service
from app.jobs.models import FormRecord
from app.kernel.actor import SYSTEM
from app.kernel.clock import FrozenClock
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from app.schedule import clear_finished_jobs
from tests.conflicts.conftest import Quarrel
from tests.factories import Client, acting, given_person
from tests.factories_field import NOON, at_m, given_crew
from tests.sync.field import FieldTablet, field_tablet

SETTLE = "/api/v1/conflicts/settlements"


def the_conflict(tablet: FieldTablet) -> tuple[UUID, dict[str, Any]]:
    """The only one that the tablet holds, after a pull."""
    tablet.engine.pull()
    [(conflict_id, doc)] = tablet.held("conflict").items()
    return conflict_id, doc


def decide(tablet: FieldTablet, conflict_id: UUID, doc: dict[str, Any], take: str, **more: Any) -> int:
    """A decision on what the tablet shows; nothing is sent."""
    saw = {"theirs": doc["held"], "mine": doc["mine"]}
    return tablet.engine.update("conflict", conflict_id, {"take": take, "saw": saw, **more})


def settled_at_desk(desk: Client, take: str) -> None:
    [shown] = desk.get("/api/v1/conflicts").get_json()["items"]
    decision = {"conflicts": [{"id": shown["id"], "rev": shown["rev"]}], "take": take, "reason": "seen on a photo"}
    assert desk.post(SETTLE, json=decision).status_code == 200


def answers(session: Session, quarrel: Quarrel) -> dict[str, Any]:
    return session.get_one(FormRecord, quarrel.record_id, populate_existing=True).answers


def given_member(session: Session, branch: Branch, crew: Crew, login: str, *, lead: bool) -> Person:
    person = given_person(session, branch, login, [Role.CREW_MEMBER])
    member = CrewMember(id=new_id(), branch_id=branch.id, crew_id=crew.id, person_id=person.id, since=NOON, lead=lead)
    session.add(member)
    session.commit()
    return person


@pytest.fixture
def disputed(quarrel: Quarrel) -> Quarrel:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    return quarrel


def test_both_tablets_of_the_crew_are_told_who_wrote_what(
    disputed: Quarrel, crew_and_lead: tuple[Crew, Person]
) -> None:
    for tablet in (disputed.first, disputed.second):
        _, doc = the_conflict(tablet)
        assert (doc["field"], doc["mine"], doc["theirs"], doc["held"]) == ("answers.cause", "tree", "storm", "storm")
        assert (doc["state"], doc["policy"], doc["job_id"]) == ("open", "human", str(disputed.job.id))
        assert doc["question"]["x-title"]["en"]
        assert doc["mine_by"]["device_id"] == str(disputed.second.device_id)
        assert doc["theirs_by"]["person_name_en"]
        assert doc["deciders"] == [str(crew_and_lead[1].id)]  # who wrote it


def test_a_decision_made_without_a_link_is_the_desks_own_verb(
    disputed: Quarrel, session: Session, desk: Client
) -> None:
    conflict_id, doc = the_conflict(disputed.second)
    disputed.second.engine.update("form_record", disputed.record_id, {"answers.voltage_v": 228})
    op_no = decide(disputed.second, conflict_id, doc, "mine", reason="I stood before the tree")
    disputed.second.engine.push()
    assert disputed.second.result(op_no)["status"] == "applied"
    assert answers(session, disputed) == {"cause": "tree", "voltage_v": 228}
    [settled] = desk.get("/api/v1/conflicts?state=settled").get_json()["items"]
    assert (settled["take"], settled["reason"]) == ("mine", "I stood before the tree")
    assert settled["resolved_by_id"] == doc["mine_by"]["person_id"]
    timeline = desk.get(f"/api/v1/jobs/{disputed.job.id}/timeline").get_json()["items"]
    assert "conflict_settled" in {line["kind"] for line in timeline}
    for tablet in (disputed.first, disputed.second):
        _, told = the_conflict(tablet)
        assert (told["state"], told["take"], told["resolved_by_name"]) == (
            "resolved",
            "mine",
            settled["resolved_by_name"],
        )
        assert tablet.held("form_record")[disputed.record_id]["answers"]["cause"] == "tree"


def test_another_value_is_checked_like_any_answer(disputed: Quarrel, session: Session) -> None:
    conflict_id, doc = the_conflict(disputed.second)
    wrong = decide(disputed.second, conflict_id, doc, "value", value="aliens")
    right = decide(disputed.second, conflict_id, doc, "value", value="animal")
    disputed.second.engine.push()
    assert disputed.second.result(wrong)["problem"]["code"] == "bad-answer"
    assert disputed.second.result(right)["status"] == "applied"
    assert answers(session, disputed) == {"cause": "animal"}


def test_what_the_desk_has_settled_meanwhile_is_not_settled_again(
    disputed: Quarrel, session: Session, desk: Client
) -> None:
    conflict_id, doc = the_conflict(disputed.second)
    op_no = decide(disputed.second, conflict_id, doc, "mine")
    settled_at_desk(desk, "theirs")
    disputed.second.engine.push()
    result = disputed.second.result(op_no)
    assert (result["status"], result["problem"]["code"]) == ("rejected", "conflict-settled")
    assert answers(session, disputed) == {"cause": "storm"}
    _, told = the_conflict(disputed.second)
    assert (told["state"], told["take"], told["reason"]) == ("resolved", "theirs", "seen on a photo")


def test_a_decision_on_values_that_do_not_stand_any_more_writes_nothing(disputed: Quarrel, session: Session) -> None:
    conflict_id, doc = the_conflict(disputed.second)
    op_no = decide(disputed.second, conflict_id, doc, "mine")
    disputed.first.engine.pull()
    disputed.first.engine.update("form_record", disputed.record_id, {"answers.cause": "animal"})
    disputed.first.engine.push()
    disputed.second.engine.push()
    assert disputed.second.result(op_no)["problem"]["code"] == "moved-on"
    assert answers(session, disputed) == {"cause": "animal"}
    _, told = the_conflict(disputed.second)
    assert (told["state"], told["held"], told["mine"]) == ("open", "animal", "tree")


@pytest.mark.usefixtures("disputed")
def test_the_leader_of_the_crew_decides_and_a_colleague_only_reads(
    app: Flask, session: Session, branch: Branch, crew_and_lead: tuple[Crew, Person]
) -> None:
    leader = given_member(session, branch, crew_and_lead[0], "leader", lead=True)
    colleague = field_tablet(app, session, given_member(session, branch, crew_and_lead[0], "colleague", lead=False))
    conflict_id, doc = the_conflict(colleague)
    assert set(doc["deciders"]) == {str(leader.id), str(crew_and_lead[1].id)}
    refused = decide(colleague, conflict_id, doc, "theirs")
    colleague.engine.push()
    assert colleague.result(refused)["problem"]["code"] == "forbidden"
    theirs = field_tablet(app, session, leader)
    done = decide(theirs, *the_conflict(theirs), "theirs")
    theirs.engine.push()
    assert theirs.result(done)["status"] == "applied"


def test_another_crew_neither_hears_of_it_nor_decides(
    app: Flask, session: Session, branch: Branch, disputed: Quarrel
) -> None:
    conflict_id, doc = the_conflict(disputed.second)
    stranger = field_tablet(app, session, given_crew(session, branch, "R5", login="qianwei")[1])
    stranger.engine.pull()
    assert stranger.held("conflict") == {}
    op_no = decide(stranger, conflict_id, doc, "mine")
    stranger.engine.push()
    assert stranger.result(op_no)["problem"]["code"] == "out_of_scope"


def test_it_follows_the_job_to_another_crew_and_stays_with_its_author(
    app: Flask,
    runtime: Runtime,
    session: Session,
    branch: Branch,
    dispatcher: Person,
    crew_and_lead: tuple[Crew, Person],
    disputed: Quarrel,
) -> None:
    colleague = field_tablet(app, session, given_member(session, branch, crew_and_lead[0], "colleague", lead=False))
    the_conflict(colleague)
    other, lead = given_crew(session, branch, "R5", place=at_m(200, 0), login="qianwei")
    with acting(runtime, dispatcher) as uow:
        job = queries.lock_job(uow.session, uow.actor, disputed.job.id)
        service.withdraw(uow, job=job, reason="nearer crew")
    with acting(runtime, dispatcher) as uow:
        dispatch.dispatch_crew(uow, job_id=disputed.job.id, crew_id=other.id)
    now_theirs = field_tablet(app, session, lead)
    assert the_conflict(now_theirs)[1]["mine"] == "tree"
    colleague.engine.pull()
    assert colleague.held("conflict") == {}
    _, authors = the_conflict(disputed.second)
    assert authors["deciders"] == []  # the work is not theirs any more


@pytest.mark.usefixtures("disputed")
def test_whom_the_desk_hands_it_to_has_it_on_the_tablet(
    app: Flask, session: Session, branch: Branch, desk: Client
) -> None:
    boss = given_person(session, branch, "boss", [Role.DISPATCHER, Role.CREW_MEMBER])
    tablet = field_tablet(app, session, boss)
    tablet.engine.pull()
    assert tablet.held("conflict") == {}
    [shown] = desk.get("/api/v1/conflicts").get_json()["items"]
    desk.put(f"/api/v1/conflicts/{shown['id']}/owner", json={"person_id": str(boss.id)})
    _, doc = the_conflict(tablet)
    assert str(boss.id) in doc["deciders"]
    desk.put(f"/api/v1/conflicts/{shown['id']}/owner", json={"person_id": None})
    tablet.engine.pull()
    assert tablet.held("conflict") == {}


def test_three_days_after_the_decision_it_has_left_the_tablets(
    app: Flask,
    runtime: Runtime,
    session: Session,
    clock: FrozenClock,
    crew_and_lead: tuple[Crew, Person],
    desk: Client,
    disputed: Quarrel,
) -> None:
    settled_at_desk(desk, "theirs")
    the_conflict(disputed.second)
    clock.tick(days=3, minutes=1)
    with runtime.unit_of_work(SYSTEM) as uow:
        clear_finished_jobs(uow)
    later = field_tablet(app, session, crew_and_lead[1])
    later.engine.pull()
    assert (len(later.held("job")), later.held("conflict")) == (1, {})


@pytest.mark.parametrize("fields", [{"take": "value"}, {"take": "mine", "value": 3}, {"take": "both"}, {"value": 3}])
def test_a_decision_that_says_nothing_or_two_things_is_refused(disputed: Quarrel, fields: dict[str, Any]) -> None:
    conflict_id, doc = the_conflict(disputed.second)
    saw = {"theirs": doc["held"], "mine": doc["mine"]}
    op_no = disputed.second.engine.update("conflict", conflict_id, {"saw": saw, **fields})
    disputed.second.engine.push()
    assert disputed.second.result(op_no)["problem"]["code"] == "invalid"
    assert the_conflict(disputed.second)[1]["state"] == "open"
