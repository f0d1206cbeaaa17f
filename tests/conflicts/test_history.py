"""Who could decide, what is left of one job's conflicts, and every version of its records with who, when and where."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import Branch, Person, Role
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from tests.conflicts.conftest import Quarrel
from tests.factories import Client, given_branch, given_person, signed_in
from tests.factories_field import counted_queries, given_crew

HERE = {"lon": 120.2345, "lat": 30.2101, "accuracy_m": 6.5}


def history_of(desk: Client, quarrel: Quarrel, **query: Any) -> dict[str, Any]:
    answer = desk.get(f"/api/v1/jobs/{quarrel.job.id}/history", query_string=query)
    assert answer.status_code == 200, answer.get_json()
    page: dict[str, Any] = answer.get_json()
    return page


def test_each_version_says_what_changed_by_whom_on_which_tablet_when_and_where(
    desk: Client, crew_and_lead: tuple[Crew, Person], quarrel: Quarrel
) -> None:
    tablet = quarrel.first
    tablet.engine.update("form_record", quarrel.record_id, {"answers.cause": "storm"}, gps=HERE)
    tablet.engine.push()
    newest = history_of(desk, quarrel)["items"][0]
    assert (newest["entity"], newest["rec_id"], newest["rev"]) == ("form_record", str(quarrel.record_id), 2)
    assert newest["changes"] == [{"field": "answers.cause", "old": None, "new": "storm"}]
    by = newest["by"]
    assert (by["person_id"], by["device_id"]) == (str(crew_and_lead[1].id), str(tablet.device_id))
    assert (by["clock_error_ms"], by["gps"]["lon"], by["gps"]["accuracy_m"]) == (0, HERE["lon"], HERE["accuracy_m"])
    assert by["at"] is not None


def test_the_history_holds_the_job_its_checklist_and_its_files_and_comes_in_pages(
    desk: Client, quarrel: Quarrel
) -> None:
    quarrel.first.engine.update("form_record", quarrel.record_id, {"answers.cause": "storm"})
    quarrel.first.attach(quarrel.job.id, "before", b"not looked at here")
    quarrel.first.engine.push()
    whole = history_of(desk, quarrel)
    assert {one["entity"] for one in whole["items"]} == {"job", "form_record", "attachment"}
    paged, cursor = [], None
    while True:
        page = history_of(desk, quarrel, limit=1, **({"cursor": cursor} if cursor else {}))
        paged += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert paged == whole["items"]
    assert desk.get(f"/api/v1/jobs/{quarrel.job.id}/history?cursor=WyJhIl0").status_code == 422


def test_a_history_costs_the_same_whatever_its_length(runtime: Runtime, desk: Client, quarrel: Quarrel) -> None:
    for cause in ("storm", "tree", "animal"):
        quarrel.first.engine.update("form_record", quarrel.record_id, {"answers.cause": cause})
    quarrel.first.engine.push()
    with counted_queries(runtime) as sent:
        assert len(history_of(desk, quarrel)["items"]) > 3
    assert len(sent) == 3  # who is asking, whether it is theirs to see, and the history


def test_who_could_decide_is_named_with_as_what(
    app: Flask, session: Session, branch: Branch, desk: Client, dispatcher: Person,
    crew_and_lead: tuple[Crew, Person], quarrel: Quarrel,
) -> None:  # fmt: skip
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    boss = given_person(session, branch, "luowei", [Role.TEAM_LEADER])
    given_person(session, branch, "mali", [Role.HOTLINE])
    given_person(session, branch, "gone", [Role.DISPATCHER], active=False)
    given_person(session, given_branch(session, "FX", centre=(120.0, 30.0)), "far", [Role.DISPATCHER])
    given_crew(session, branch, "R5", login="qianwei")
    [shown] = desk.get("/api/v1/conflicts").get_json()["items"]
    listed = desk.get(f"/api/v1/conflicts/{shown['id']}/owners").get_json()["items"]
    assert {one["id"]: one["hands"] for one in listed} == {
        str(dispatcher.id): ["dispatcher"],
        str(boss.id): ["team_leader"],
        str(crew_and_lead[1].id): ["crew"],
    }
    for one in listed:
        owner = {"person_id": one["id"]}
        assert desk.put(f"/api/v1/conflicts/{shown['id']}/owner", json=owner).status_code == 204
    hotline = signed_in(app, given_person(session, branch, "mali2", [Role.HOTLINE]))
    assert hotline.get(f"/api/v1/conflicts/{shown['id']}/owners").status_code == 403


def test_a_list_can_be_of_one_job(desk: Client, quarrel: Quarrel) -> None:
    quarrel.answer(mine={"cause": "tree"}, theirs={"cause": "storm"})
    assert len(desk.get(f"/api/v1/conflicts?job_id={quarrel.job.id}").get_json()["items"]) == 1
    assert desk.get(f"/api/v1/conflicts?job_id={new_id()}").get_json()["items"] == []


def test_a_team_leader_settles_what_is_not_about_safety(
    app: Flask, session: Session, branch: Branch, quarrel: Quarrel
) -> None:
    quarrel.answer(
        mine={"cause": "tree", "isolation": "live_work"}, theirs={"cause": "storm", "isolation": "not_needed"}
    )
    boss = signed_in(app, given_person(session, branch, "luowei", [Role.TEAM_LEADER]))
    shown = {one["policy"]: one for one in boss.get("/api/v1/conflicts").get_json()["items"]}
    for policy, status in (("human", 200), ("never", 403)):
        one = shown[policy]
        decision = {"conflicts": [{"id": one["id"], "rev": one["rev"]}], "take": "theirs"}
        assert boss.post("/api/v1/conflicts/settlements", json=decision).status_code == status
