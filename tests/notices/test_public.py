"""The public page: what lasts where and until when, in both languages, and nothing that points at a home."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.customers.models import Account, Party, Premises
from app.identity.models import Branch
from app.kernel.ids import new_id
from app.notices.bulletin import Area, coarsened
from app.notices.queries import AreaCount
from tests.factories import visitor
from tests.factories_field import given_account, given_premises, given_sub_district
from tests.supply.conftest import Storm, branch, desk, storm

__all__ = ["branch", "desk", "storm"]  # fixtures


def page(app: Flask, **query: str) -> Any:
    return visitor(app).get("/outages", query_string=query)


def test_anybody_reads_where_supply_is_lost_until_when_and_nothing_of_whose(
    app: Flask, session: Session, branch: Branch, storm: Storm
) -> None:
    place = given_sub_district(session, branch)
    for _ in range(12):
        home = given_premises(session, branch, service_node_id=storm.networks.nodes["TXA3"], place_id=place.id)
        given_account(session, home, name="周奶奶", phone="13800001234")
    storm.confirm("TXA3")
    expected = storm.clock() + timedelta(hours=2)
    storm.desk.post(f"/api/v1/outages/{storm.outage}/estimates", json={"expected_at": expected.isoformat()})
    answer = page(app, lang="en")
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    assert "龙衡街道 Sub-district: 12 customers without supply" in text
    assert "2026-07-16 10:10" in text
    assert "<script" not in text
    assert "style=" not in text
    for word in secrets(session, storm):
        assert word not in text
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers
    storm.state(scope="rest", reason="巡线确认")
    assert "已全部恢复" in page(app).get_data(as_text=True)
    storm.clock.tick(hours=7)
    assert "没有已确认的停电" in page(app).get_data(as_text=True)


def secrets(session: Session, storm: Storm) -> list[str]:
    """Whatever tells who lives where."""
    found = []
    for account_id in storm.at["TXA3"]:
        account = session.get_one(Account, account_id)
        home, party = session.get_one(Premises, account.premises_id), session.get_one(Party, account.party_id)
        found += [account.number, home.address, home.code, party.name, party.phone or account.number, str(home.id)]
    return [*found, "周奶奶", "13800001234"]


def test_few_are_told_with_the_area_around_them(app: Flask, storm: Storm, branch: Branch) -> None:
    storm.confirm("TXA2")
    text = page(app, lang="en").get_data(as_text=True)
    assert f"{branch.name_en}: fewer than 10 customers without supply" in text


def count(name: str, above: str, affected: int, remaining: int) -> AreaCount:
    ids = {one: new_id() for one in ("o", "a")}
    return AreaCount(
        ids["o"], ids["a"], name, name, ABOVE[above], above, above, ABOVE["B"], "B", "B", affected, remaining
    )


ABOVE = {one: new_id() for one in ("S1", "S2", "B")}


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([("C1", "S1", 30, 12)], [("C1", 12)]),
        ([("C1", "S1", 30, 4)], [("C1", None)]),
        ([("C1", "S1", 30, 0), ("C2", "S1", 6, 6), ("C3", "S1", 5, 5)], [("C1", 0), ("S1", 11)]),
        ([("C1", "S1", 6, 6), ("C2", "S2", 3, 3)], [("B", None)]),
    ],
)
def test_counts_below_the_threshold_are_never_told(
    counts: list[tuple[str, str, int, int]], shown: list[tuple[str, int | None]]
) -> None:
    assert coarsened([count(*one) for one in counts]) == [Area(name, name, n) for name, n in shown]


def test_what_is_not_there_is_not_found(app: Flask) -> None:
    assert page(app, branch="NOWHERE").status_code == 404
    assert page(app, lang="xx").status_code == 404
    assert visitor(app).get("/outages/style.css").content_type.startswith("text/css")
