"""Two people say differently where a job is: both places stand side by side, and one is decided on."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.jobs.models import Job
from tests.conflicts.conftest import Quarrel
from tests.factories import Client
from tests.factories_field import as_geojson, at_m

SETTLE = "/api/v1/conflicts/settlements"
DESKS, CREWS = as_geojson(at_m(60, 0)), as_geojson(at_m(0, 80))


@pytest.fixture
def disputed(desk: Client, quarrel: Quarrel) -> Quarrel:
    """The desk moves the job while the crew, without a link, finds it elsewhere."""
    quarrel.first.engine.update("job", quarrel.job.id, {"location": CREWS})
    shown = desk.get(f"/api/v1/jobs/{quarrel.job.id}")
    moved = desk.patch(
        f"/api/v1/jobs/{quarrel.job.id}", json={"location": DESKS}, headers={"If-Match": shown.headers["ETag"]}
    )
    assert moved.status_code == 200, moved.get_json()
    quarrel.first.engine.push()
    return quarrel


def place(session: Session, quarrel: Quarrel) -> tuple[float, float]:
    found = session.get_one(Job, quarrel.job.id, populate_existing=True).location
    return found.x, found.y


def the_conflict(desk: Client) -> dict[str, Any]:
    [shown] = desk.get("/api/v1/conflicts").get_json()["items"]
    return dict(shown)


def test_all_three_places_are_told_as_points(desk: Client, disputed: Quarrel) -> None:
    shown = the_conflict(desk)
    assert (shown["field"], shown["policy"], shown["base_known"]) == ("location", "human", True)
    for name, wanted in (("mine", CREWS), ("held", DESKS), ("theirs", DESKS)):
        assert shown[name]["type"] == "Point"
        assert shown[name]["coordinates"] == pytest.approx(wanted["coordinates"], abs=1e-9)
    assert shown["base"]["coordinates"] == pytest.approx([disputed.job.location.x, disputed.job.location.y])


def test_the_crews_place_is_taken_at_the_desk(desk: Client, session: Session, disputed: Quarrel) -> None:
    shown = the_conflict(desk)
    decision = {"conflicts": [{"id": shown["id"], "rev": shown["rev"]}], "take": "mine"}
    assert desk.post(SETTLE, json=decision).status_code == 200
    assert place(session, disputed) == tuple(CREWS["coordinates"])


def test_the_crew_keeps_the_desks_place(session: Session, desk: Client, disputed: Quarrel) -> None:
    tablet = disputed.first
    tablet.engine.pull()
    [(conflict_id, doc)] = tablet.held("conflict").items()
    op_no = tablet.engine.update(
        "conflict", conflict_id, {"take": "theirs", "saw": {"theirs": doc["held"], "mine": doc["mine"]}}
    )
    tablet.engine.push()
    assert tablet.result(op_no)["status"] == "applied"
    assert place(session, disputed) == tuple(DESKS["coordinates"])
    assert desk.get("/api/v1/conflicts").get_json()["items"] == []


def test_a_place_nobody_disputes_is_simply_corrected(session: Session, quarrel: Quarrel) -> None:
    op_no = quarrel.first.engine.update("job", quarrel.job.id, {"location": CREWS})
    away = quarrel.first.engine.update("job", quarrel.job.id, {"location": as_geojson(at_m(900_000, 0))})
    odd = quarrel.first.engine.update("job", quarrel.job.id, {"location": {"type": "Point"}})
    quarrel.first.engine.push()
    assert quarrel.first.result(op_no)["status"] == "applied"
    assert quarrel.first.result(away)["problem"]["code"] == "invalid"
    assert quarrel.first.result(odd)["problem"]["code"] == "invalid"
    assert place(session, quarrel) == tuple(CREWS["coordinates"])
