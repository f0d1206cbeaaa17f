"""What customers answer and what crews found steers where the fault is looked for."""

from __future__ import annotations

from typing import Any

from tests.factories_field import given_account, given_premises
from tests.supply.conftest import Storm


def causes(storm: Storm) -> list[str]:
    branch = storm.desk.get("/api/v1/me").get_json()["branches"][0]["id"]
    answer = storm.desk.get("/api/v1/outages/causes", query_string={"branch_id": branch})
    assert answer.status_code == 200, answer.text
    return [one["code"] for one in answer.get_json()["items"]]


def given_calls(storm: Storm, branch: Any, code: str, count: int) -> None:
    for _ in range(count):
        home = given_premises(storm.session, branch, service_node_id=storm.networks.nodes[code])
        given_account(storm.session, home)
        call = {"symptom": "no_supply", "premises_id": str(home.id), "join": storm.outage}
        assert storm.desk.post("/api/v1/calls", json=call).status_code == 201


def test_somebody_who_has_power_forbids_the_devices_above_them(storm: Storm, branch: Any) -> None:
    given_calls(storm, branch, "TXA2", 4)
    given_calls(storm, branch, "TXA3", 4)
    assert causes(storm) == ["SW1"]
    storm.confirm("SW1")
    account = storm.at["TXA3"][0]
    path = f"/api/v1/outages/{storm.outage}/affected/{account}/contacts"
    assert storm.desk.post(path, json={"answer": "has_power"}).status_code == 201
    assert causes(storm) == ["SW1"], "what was confirmed holds against an answer"
    storm.desk.post(f"/api/v1/outages/{storm.outage}/confirmation/withdrawal", json={})
    assert causes(storm) == ["TXA2"]


def test_a_confirmed_device_is_the_cause_whatever_the_calls_say(storm: Storm) -> None:
    assert causes(storm) == ["TXA2"]
    storm.confirm("SW1")
    assert causes(storm) == ["SW1"]
