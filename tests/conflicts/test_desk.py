"""A tablet and the server disagree: a person at the desk sees both values and decides once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.conflicts.schemas import ConflictOut
from app.crews.models import Crew
from app.identity.models import Branch, Person, Role
from app.jobs import queries, service
from app.jobs.models import FormRecord
from app.kernel.unit_of_work import Runtime
from app.live.queries import missed, number_changes
from tests.conflicts.conftest import Quarrel
from tests.factories import Client, acting, given_branch, given_person, signed_in
from tests.factories_field import counted_queries
from tests.sync.field import field_tablet

SETTLE = "/api/v1/conflicts/settlements"


def open_conflicts(desk: Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = desk.get("/api/v1/conflicts").get_json()["items"]
    return items


def decision(*conflicts: dict[str, Any], take: str, **more: Any) -> dict[str, Any]:
    return {"conflicts": [{"id": one["id"], "rev": one["rev"]} for one in conflicts], "take": take, **more}


def answers(session: Session, quarrel: Quarrel) -> dict[str, Any]:
    return session.get_one(FormRecord, quarrel.record_id, populate_existing=True).answers


def test_both_values_stand_side_by_side_with_who_wrote_them(desk: Client, quarrel: Quarrel) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    [shown] = open_conflicts(desk)
    assert ConflictOut().validate(shown) == {}
    assert (shown["field"], shown["mine"], shown["theirs"], shown["held"]) == (
        "answers.cause",
        "tree",
        "storm",
        "storm",
    )
    assert (shown["base_known"], shown["base"]) == (True, None)
    assert (shown["job_number"], shown["state"], shown["policy"]) == (quarrel.job.number, "open", "human")
    assert shown["question"]["x-title"]["en"]
    assert shown["mine_by"]["device_id"] == str(quarrel.second.device_id)
    assert shown["theirs_by"]["device_id"] == str(quarrel.first.device_id)
    assert shown["mine_by"]["person_name"] == shown["theirs_by"]["person_name"] != ""
    assert shown["due_at"] > shown["raised_at"]


def test_taking_what_the_tablet_wrote_makes_an_ordinary_new_version(
    desk: Client, session: Session, quarrel: Quarrel
) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    [shown] = open_conflicts(desk)
    settled = desk.post(SETTLE, json=decision(shown, take="mine", reason="Photo shows a tree"))
    assert (settled.status_code, settled.get_json()) == (200, {"settled": [shown["id"]]})
    assert answers(session, quarrel) == {"cause": "tree"}
    assert open_conflicts(desk) == []
    [closed] = desk.get("/api/v1/conflicts?state=settled").get_json()["items"]
    assert (closed["take"], closed["reason"], closed["rev"]) == ("mine", "Photo shows a tree", shown["rev"] + 1)
    timeline = desk.get(f"/api/v1/jobs/{quarrel.job.id}/timeline").get_json()["items"]
    assert "conflict_settled" in {line["kind"] for line in timeline}
    quarrel.first.engine.pull()
    assert quarrel.first.held("form_record")[quarrel.record_id]["answers"] == {"cause": "tree"}


def test_keeping_the_servers_value_writes_nothing(desk: Client, session: Session, quarrel: Quarrel) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    [shown] = open_conflicts(desk)
    assert desk.post(SETTLE, json=decision(shown, take="theirs")).status_code == 200
    stored = session.get_one(FormRecord, quarrel.record_id, populate_existing=True)
    assert (stored.answers, stored.rev) == ({"cause": "storm"}, shown["rev"])


def test_a_third_value_is_checked_like_any_answer(desk: Client, session: Session, quarrel: Quarrel) -> None:
    quarrel.answer(mine={"voltage_v": 230}, theirs={"voltage_v": 210})
    [shown] = open_conflicts(desk)
    refused = desk.post(SETTLE, json=decision(shown, take="value", value="much"))
    assert (refused.status_code, refused.get_json()["code"]) == (422, "bad-answer")
    assert len(open_conflicts(desk)) == 1
    assert desk.post(SETTLE, json=decision(shown, take="value", value=221)).status_code == 200
    assert answers(session, quarrel) == {"voltage_v": 221}


def test_one_decision_settles_many(desk: Client, session: Session, quarrel: Quarrel) -> None:
    quarrel.answer(mine={"cause": "tree", "voltage_v": 230}, theirs={"cause": "storm", "voltage_v": 210})
    shown = open_conflicts(desk)
    assert desk.post(SETTLE, json=decision(*shown, take="mine")).status_code == 200
    assert answers(session, quarrel) == {"cause": "tree", "voltage_v": 230}
    assert open_conflicts(desk) == []


def test_a_conflict_is_settled_once(desk: Client, session: Session, quarrel: Quarrel) -> None:
    """I15."""
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    [shown] = open_conflicts(desk)
    desk.post(SETTLE, json=decision(shown, take="theirs"))
    again = desk.post(SETTLE, json=decision(shown, take="mine"))
    assert (again.status_code, again.get_json()["code"]) == (409, "conflict-settled")
    assert answers(session, quarrel) == {"cause": "storm"}


def test_a_record_that_moved_on_is_looked_at_again_first(desk: Client, session: Session, quarrel: Quarrel) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    [shown] = open_conflicts(desk)
    quarrel.first.engine.update("form_record", quarrel.record_id, {"answers.voltage_v": 228})
    quarrel.first.engine.push()
    refused = desk.post(SETTLE, json=decision(shown, take="mine"))
    assert (refused.status_code, refused.get_json()["code"]) == (412, "precondition-failed")
    assert answers(session, quarrel) == {"cause": "storm", "voltage_v": 228}


def test_a_decision_is_written_even_after_the_job_was_cancelled(
    desk: Client, runtime: Runtime, session: Session, dispatcher: Person, quarrel: Quarrel
) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    with acting(runtime, dispatcher) as uow:
        job = queries.lock_job(uow.session, uow.actor, quarrel.job.id)
        service.transition(uow, job=job, to="cancelled", reason="reported twice")
    [shown] = open_conflicts(desk)
    assert desk.post(SETTLE, json=decision(shown, take="mine")).status_code == 200
    assert answers(session, quarrel) == {"cause": "tree"}


def test_two_tablets_wanting_different_values_are_not_both_taken(
    app: Flask, desk: Client, session: Session, quarrel: Quarrel, crew_and_lead: tuple[Crew, Person]
) -> None:
    third = field_tablet(app, session, crew_and_lead[1])
    third.engine.pull()
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    third.engine.update("form_record", quarrel.record_id, {"answers.cause": "vehicle"})
    third.engine.push()
    shown = open_conflicts(desk)
    assert len(shown) == 2
    refused = desk.post(SETTLE, json=decision(*shown, take="mine"))
    assert (refused.status_code, refused.get_json()["code"]) == (422, "two-answers")
    assert desk.post(SETTLE, json=decision(*shown, take="theirs")).status_code == 200


@pytest.mark.parametrize("body", [{"take": "value"}, {"take": "mine", "value": 3}, {"take": "both"}])
def test_a_decision_that_says_two_things_is_refused(desk: Client, quarrel: Quarrel, body: dict[str, Any]) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    [shown] = open_conflicts(desk)
    refused = desk.post(SETTLE, json={"conflicts": [{"id": shown["id"], "rev": shown["rev"]}], **body})
    assert refused.status_code == 422
    assert len(open_conflicts(desk)) == 1


def test_another_branch_neither_sees_nor_settles(app: Flask, session: Session, desk: Client, quarrel: Quarrel) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    [shown] = open_conflicts(desk)
    far = given_branch(session, "FX", centre=(120.0, 30.0))
    foreign = signed_in(app, given_person(session, far, "foreign", [Role.DISPATCHER]))
    assert open_conflicts(foreign) == []
    assert foreign.post(SETTLE, json=decision(shown, take="theirs")).status_code == 404


def test_who_does_not_dispatch_sees_but_does_not_settle(
    app: Flask, session: Session, branch: Branch, quarrel: Quarrel
) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    hotline = signed_in(app, given_person(session, branch, "mali", [Role.HOTLINE]))
    [shown] = open_conflicts(hotline)
    assert hotline.post(SETTLE, json=decision(shown, take="theirs")).status_code == 403


def test_a_conflict_is_handed_to_a_dispatcher_with_a_time(
    session: Session, branch: Branch, desk: Client, dispatcher: Person, quarrel: Quarrel
) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    [shown] = open_conflicts(desk)
    owner = f"/api/v1/conflicts/{shown['id']}/owner"
    handed = desk.put(owner, json={"person_id": str(dispatcher.id), "due_at": "2026-11-23T08:00:00Z"})
    assert handed.status_code == 204
    [shown] = open_conflicts(desk)
    assert (shown["assignee_id"], shown["assignee_name"]) == (str(dispatcher.id), dispatcher.name)
    hotline = given_person(session, branch, "mali", [Role.HOTLINE])
    refused = desk.put(owner, json={"person_id": str(hotline.id)})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "unknown-person")


def test_the_screens_of_the_branch_are_told_when_a_conflict_is_raised_handed_over_and_settled(
    runtime: Runtime, session: Session, branch: Branch, desk: Client, dispatcher: Person, quarrel: Quarrel
) -> None:
    """None of the three gives the job a new revision, and a raised one changes no record at all."""
    since = 0

    def told() -> set[tuple[str, str]]:
        nonlocal since
        number_changes(runtime.sessions, [branch.id])
        found = missed(session, branch.id, since)
        since = found.seq
        return {(change.entity, str(change.id)) for change in found.changes}

    quarrel.first.engine.update("form_record", quarrel.record_id, {"answers.cause": "storm"})
    quarrel.first.engine.push()
    told()
    quarrel.second.engine.update("form_record", quarrel.record_id, {"answers.cause": "tree"})
    quarrel.second.engine.push()
    assert told() == {("job", str(quarrel.job.id))}
    [shown] = open_conflicts(desk)
    desk.put(f"/api/v1/conflicts/{shown['id']}/owner", json={"person_id": str(dispatcher.id)})
    assert told() == {("job", str(quarrel.job.id))}
    desk.post(SETTLE, json=decision(shown, take="theirs"))
    assert told() == {("job", str(quarrel.job.id))}


@pytest.mark.parametrize("questions", [1, 2])
def test_the_list_costs_the_same_whatever_its_length(
    runtime: Runtime, desk: Client, quarrel: Quarrel, questions: int
) -> None:
    mine, theirs = {"cause": "tree", "voltage_v": 230}, {"cause": "storm", "voltage_v": 210}
    asked = list(mine)[:questions]
    quarrel.answer(mine={item: mine[item] for item in asked}, theirs={item: theirs[item] for item in asked})
    with counted_queries(runtime) as sent:
        assert len(open_conflicts(desk)) == questions
    assert len(sent) == 2  # who is asking, and the list
