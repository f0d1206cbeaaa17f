"""The office sees how every tablet fares, the worst first."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.fleet import rules
from app.fleet.rules import Need
from app.fleet.schemas import FleetTablet
from app.identity.models import Branch, Device, DeviceState, Person, Role
from app.jobs.models import Job
from app.kernel.clock import FrozenClock
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from mobile_sync.wire import write_time
from tests.factories import Client, given_branch, given_person, given_tablet, signed_in, visitor
from tests.factories_field import counted_queries, given_sub_district
from tests.sync.field import FieldTablet

MB = 1024 * 1024


def fleet(desk: Client, **query: Any) -> dict[str, Any]:
    answer = desk.get("/api/v1/fleet", query_string=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.get_json()
    return page


def row_of(desk: Client, device_id: UUID | str, **query: Any) -> dict[str, Any]:
    return next(row for row in fleet(desk, **query)["items"] if row["id"] == str(device_id))


def told(app: Flask, tablet: FieldTablet, clock: FrozenClock, **report: Any) -> None:
    """The tablet says how it fares, in a push of nothing."""
    body = {"schema_version": 1, "sent_at": write_time(clock()), "monotonic_ms": 1, "ops": [], "report": report}
    assert visitor(app).post("/sync/v1/push", json=body, headers=tablet.headers).status_code == 200


def named(session: Session, device_id: UUID | str, name: str, **fields: Any) -> None:
    device = session.get_one(Device, UUID(str(device_id)))
    for field, value in {"name": name, **fields}.items():
        setattr(device, field, value)
    session.commit()


def test_a_tablet_that_is_well_needs_nobody(
    desk: Client, tablet: FieldTablet, crew_and_lead: tuple[Crew, Person]
) -> None:
    page = fleet(desk)
    [row] = page["items"]
    assert row["id"] == str(tablet.device_id)
    assert FleetTablet().validate(row) == {}
    assert (page["tablets"], page["needy"], row["needs"], row["behind"]) == (1, 0, [], 0)
    assert (row["crew_code"], row["person_name"]) == ("R3", crew_and_lead[1].name)
    assert (row["state"], row["same_life"], row["quarantined"], row["app_version"]) == ("active", True, 0, None)


def test_what_a_tablet_says_of_itself_stands_beside_what_the_server_knows(
    app: Flask, desk: Client, tablet: FieldTablet, clock: FrozenClock
) -> None:
    oldest = clock() - timedelta(hours=5)
    report = {"queued_ops": 3, "queued_files": 2, "queued_bytes": 4 * MB, "oldest_queued_at": write_time(oldest)}
    told(app, tablet, clock, app_version="1.4.0", storage_free_bytes=50 * MB, **report)
    row = row_of(desk, tablet.device_id)
    assert (row["queued_ops"], row["queued_files"], row["queued_bytes"]) == (3, 2, 4 * MB)
    assert (row["oldest_queued_at"], row["app_version"]) == (oldest.isoformat(), "1.4.0")
    assert row["needs"] == ["old_queue", "storage"]
    assert row["reported_at"] == clock().isoformat()


def test_a_tablet_sees_how_far_it_is_behind(
    desk: Client, tablet: FieldTablet, job: Job, other_hand: FieldTablet
) -> None:
    assert row_of(desk, tablet.device_id)["behind"] == 0
    other_hand.engine.update("job", job.id, {"note": "gate code 12"})
    other_hand.engine.push()
    assert row_of(desk, tablet.device_id)["behind"] == 1
    tablet.engine.pull()
    tablet.engine.pull()
    assert row_of(desk, tablet.device_id)["behind"] == 0


def test_what_nobody_could_judge_and_what_was_refused_is_counted(
    desk: Client, tablet: FieldTablet, job: Job, other_hand: FieldTablet
) -> None:
    tablet.engine.create("balloon", new_id(), {})
    tablet.engine.update("job", job.id, {"state": "completed"})
    (record_id,) = tablet.held("form_record")
    other_hand.engine.update("form_record", record_id, {"answers.cause": "storm"})
    other_hand.engine.push()
    tablet.engine.update("form_record", record_id, {"answers.cause": "tree"})
    tablet.engine.push()
    row = row_of(desk, tablet.device_id)
    assert (row["quarantined"], row["conflicts"], row["held"]) == (1, 2, 0)
    assert row["needs"] == ["quarantined", "conflicts"]


def test_refusals_count_for_a_week(
    app: Flask, desk: Client, dispatcher: Person, tablet: FieldTablet, job: Job, clock: FrozenClock
) -> None:
    tablet.engine.update("form_record", *unfitting(tablet))
    tablet.engine.push()
    assert row_of(desk, tablet.device_id)["rejected"] == 1
    clock.tick(days=8)
    assert row_of(signed_in(app, dispatcher), tablet.device_id)["rejected"] == 0
    assert job.id


def unfitting(tablet: FieldTablet) -> tuple[UUID, dict[str, Any]]:
    (record_id,) = tablet.held("form_record")
    return record_id, {"answers.voltage_v": "much"}


def test_the_worst_come_first_and_pages_have_no_gap(
    app: Flask, session: Session, desk: Client, tablet: FieldTablet, crew_and_lead: tuple[Crew, Person]
) -> None:
    others = [given_tablet(app, session, crew_and_lead[1]) for _ in range(4)]
    for number, other in enumerate(others):
        named(session, other.device_id, f"T{number}")
    named(session, tablet.device_id, "Z")
    tablet.engine.create("balloon", new_id(), {})
    tablet.engine.push()
    seen, cursor = [], None
    while True:
        page = fleet(desk, limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [row["name"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["Z", "T0", "T1", "T2", "T3"]
    assert [row["name"] for row in fleet(desk, sort="name")["items"]] == ["T0", "T1", "T2", "T3", "Z"]
    assert (page["tablets"], page["needy"]) == (5, 1)


@pytest.mark.parametrize(
    ("query", "field"),
    [({"cursor": "nonsense"}, "cursor"), ({"sort": "mood"}, "sort"), ({"state": "lost"}, "state"), ({"x": "1"}, "x")],
)
def test_a_question_that_makes_no_sense_is_refused_by_its_field(
    desk: Client, query: dict[str, str], field: str
) -> None:
    refused = desk.get("/api/v1/fleet", query_string=query)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.get_json()["errors"]] == [field]


def test_the_list_is_narrowed_by_state_crew_words_and_need(
    app: Flask, session: Session, desk: Client, tablet: FieldTablet, crew_and_lead: tuple[Crew, Person], branch: Branch
) -> None:
    lost = given_tablet(app, session, given_person(session, branch, "spare", [Role.CREW_MEMBER]))
    named(session, lost.device_id, "Spare 7", state=DeviceState.REVOKED)
    named(session, tablet.device_id, "R3-1")

    def names(**query: Any) -> list[str]:
        return [row["name"] for row in fleet(desk, sort="name", **query)["items"]]

    assert names() == ["R3-1", "Spare 7"]
    assert names(state="revoked") == ["Spare 7"]
    assert names(crew_id=str(crew_and_lead[0].id)) == ["R3-1"]
    assert names(q="spare") == ["Spare 7"]
    assert names(attention="true") == []


def test_work_on_a_tablet_that_was_signed_out_is_not_forgotten(
    app: Flask, session: Session, dispatcher: Person, tablet: FieldTablet, clock: FrozenClock
) -> None:
    told(app, tablet, clock, queued_ops=2, oldest_queued_at=write_time(clock()))
    named(session, tablet.device_id, "lost", state=DeviceState.REVOKED)
    clock.tick(days=9)
    assert row_of(signed_in(app, dispatcher), tablet.device_id)["needs"] == ["left_behind"]


def test_a_tablet_that_is_not_heard_of_and_one_whose_clock_is_wrong_are_named(
    app: Flask, desk: Client, dispatcher: Person, tablet: FieldTablet, clock: FrozenClock
) -> None:
    body = {"schema_version": 1, "sent_at": write_time(clock() + timedelta(minutes=9)), "monotonic_ms": 1, "ops": []}
    assert visitor(app).post("/sync/v1/push", json=body, headers=tablet.headers).status_code == 200
    assert row_of(desk, tablet.device_id)["needs"] == ["clock"]
    clock.tick(days=2)
    assert row_of(signed_in(app, dispatcher), tablet.device_id)["needs"] == ["clock", "silent"]


def test_a_graver_need_weighs_more_than_all_lighter_ones() -> None:
    kinds = list(Need)
    for at, need in enumerate(kinds):
        assert rules.rank([need]) > rules.rank(kinds[at + 1 :])


def lost_rows(app: Flask, tablet: FieldTablet, clock: FrozenClock, bucket: str, *, healed: bool) -> None:
    """The tablet tells that a bucket did not add up, and half a minute later did."""
    at = write_time(clock())
    healed_at = write_time(clock() + timedelta(seconds=30)) if healed else None
    sums = {"expected_rows": 4, "expected_checksum": "0" * 16, "rows": 3, "checksum": "f" * 16}
    told = {"bucket": bucket, "found_at": at, **sums, "healed_at": healed_at}
    body = {"schema_version": 1, "epoch": None, "cursors": {}, "limit": 1, "incidents": [told]}
    assert visitor(app).post("/sync/v1/pull", json=body, headers=tablet.headers).status_code == 200


def test_what_did_not_add_up_is_told_in_names_and_needs_somebody_only_where_it_lasts(
    app: Flask, session: Session, desk: Client, dispatcher: Person, tablet: FieldTablet, branch: Branch,
    crew_and_lead: tuple[Crew, Person], clock: FrozenClock,
) -> None:  # fmt: skip
    crew, _ = crew_and_lead
    region = given_sub_district(session, branch)
    elsewhere = given_sub_district(session, given_branch(session, "FAR"))
    for key, healed in ((crew.id, True), (region.id, False), (elsewhere.id, True)):
        kind = "crew" if key == crew.id else "region"
        lost_rows(app, tablet, clock, f"{kind}:{key}", healed=healed)
        clock.tick(seconds=1)
    lost_rows(app, tablet, clock, "balloons", healed=True)
    row = row_of(desk, tablet.device_id)
    assert (row["incidents"], row["unhealed"], row["incident_at"]) == (4, 1, clock().isoformat())
    assert row["needs"] == []

    answer = desk.get(f"/api/v1/fleet/{tablet.device_id}/incidents")
    assert answer.status_code == 200, answer.text
    items = answer.get_json()["items"]
    assert [(one["holds"], one["name_en"]) for one in items] == [
        ("region", region.name_en),
        ("other", None),
        ("region", None),  # of a branch that is not the tablet's
        ("crew", f"R3 {crew.name_en}"),
    ]
    assert (items[0]["kind"], items[0]["expected_rows"], items[0]["rows"], items[0]["healed_at"]) == (
        *("missing", 4, 3),
        None,
    )
    clock.tick(minutes=31)
    assert row_of(signed_in(app, dispatcher), tablet.device_id)["needs"] == ["differs"]


def test_a_question_for_too_many_incidents_is_refused(desk: Client, tablet: FieldTablet) -> None:
    refused = desk.get(f"/api/v1/fleet/{tablet.device_id}/incidents", query_string={"limit": 1000})
    assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (422, "limit")
    assert desk.get(f"/api/v1/fleet/{new_id()}/incidents").status_code == 404


def test_one_tablet_is_shown_by_itself(desk: Client, tablet: FieldTablet) -> None:
    shown = desk.get(f"/api/v1/fleet/{tablet.device_id}").get_json()
    assert shown == row_of(desk, tablet.device_id)
    assert desk.get(f"/api/v1/fleet/{new_id()}").status_code == 404


def test_the_table_says_what_the_list_says(desk: Client, tablet: FieldTablet, session: Session) -> None:
    named(session, tablet.device_id, "=R3")
    tablet.engine.create("balloon", new_id(), {})
    tablet.engine.push()
    answer = desk.get("/api/v1/fleet.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="fleet.csv"'
    [row] = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert (row["name"], row["needs"], row["quarantined"], row["id"]) == (
        "'=R3",
        "quarantined",
        "1",
        str(tablet.device_id),
    )


@pytest.mark.parametrize(
    ("role", "status"),
    [
        *((role, 200) for role in (Role.DISPATCHER, Role.MANAGER, Role.ADMIN)),
        *((role, 403) for role in (Role.CREW_MEMBER, Role.HOTLINE, Role.VIP_MANAGER)),
    ],
)
def test_the_fleet_is_for_those_who_run_it(
    app: Flask, session: Session, branch: Branch, tablet: FieldTablet, role: Role, status: int
) -> None:
    client = signed_in(app, given_person(session, branch, "somebody", [role]))
    for path in ("fleet", "fleet.csv", f"fleet/{tablet.device_id}", f"fleet/{tablet.device_id}/incidents"):
        assert client.get(f"/api/v1/{path}").status_code == status, path


def test_another_branch_sees_its_own_fleet(app: Flask, session: Session, tablet: FieldTablet) -> None:
    stranger = given_person(session, given_branch(session, "FAR"), "far", [Role.MANAGER])
    client = signed_in(app, stranger)
    assert fleet(client) == {"items": [], "next": None, "tablets": 0, "needy": 0}
    assert client.get(f"/api/v1/fleet/{tablet.device_id}").status_code == 404


def test_a_page_costs_the_same_whatever_the_fleet(
    app: Flask, runtime: Runtime, session: Session, desk: Client, crew_and_lead: tuple[Crew, Person]
) -> None:
    counts = []
    for more in (1, 5):
        for _ in range(more):
            given_tablet(app, session, crew_and_lead[1])
        with counted_queries(runtime) as asked:
            fleet(desk)
        counts.append(len(asked))
    assert counts[0] == counts[1]
