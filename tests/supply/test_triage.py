"""What is known of a place is said before a crew is sent there."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from app.customers.models import Account
from tests.supply.conftest import Storm


def home(storm: Storm, code: str) -> UUID:
    return storm.session.get_one(Account, storm.at[code][-1]).premises_id


def ask(storm: Storm, code: str, symptom: str = "no_supply") -> Any:
    query = {"premises_id": str(home(storm, code)), "symptom": symptom}
    return storm.desk.get("/api/v1/calls/triage", query_string=query)


def finding(storm: Storm, code: str, symptom: str = "no_supply") -> tuple[str, str]:
    answer = ask(storm, code, symptom).get_json()
    return answer["finding"], answer["advice"]


def test_danger_goes_before_everything(storm: Storm) -> None:
    storm.confirm("TXA2")
    assert finding(storm, "TXA2", "wire_down") == ("danger", "send")


def test_who_is_cut_off_by_a_known_outage_is_told_which_and_until_when(storm: Storm) -> None:
    storm.confirm("TXA2")
    expected = storm.clock() + timedelta(hours=2)
    storm.desk.post(f"/api/v1/outages/{storm.outage}/estimates", json={"expected_at": expected.isoformat()})
    known = ask(storm, "TXA2").get_json()
    assert (known["finding"], known["advice"], known["outage_id"]) == ("known_outage", "join", storm.outage)
    assert known["expected_at"] == expected.isoformat()


def test_neighbours_and_open_switches_speak_of_the_network(storm: Storm) -> None:
    assert ask(storm, "TXA2").get_json()["neighbours"] == 1
    storm.operate("CB1", "open")
    assert finding(storm, "TXA1") == ("switched_off", "join")


def test_an_account_whose_supply_is_withheld_goes_to_billing_first(storm: Storm) -> None:
    storm.session.get_one(Account, storm.at["TXA1"][0]).stopped_on = date(2026, 7, 7)
    storm.session.commit()
    answer = ask(storm, "TXA1").get_json()
    assert (answer["finding"], answer["advice"], answer["stopped_on"]) == (
        "supply_stopped", "ask_billing", "2026-07-07",
    )  # fmt: skip


def test_a_place_that_is_fed_with_silent_neighbours_looks_inside_first(storm: Storm) -> None:
    assert finding(storm, "TXB1") == ("inside", "check_inside")
    assert finding(storm, "TXB1", "flicker") == ("nothing_known", "send")


def test_a_place_or_symptom_that_is_not_is_refused(storm: Storm) -> None:
    assert ask(storm, "TXB1", "thunder").status_code == 422
    query = {"premises_id": "0198c000-0000-7000-8000-000000000000", "symptom": "no_supply"}
    assert storm.desk.get("/api/v1/calls/triage", query_string=query).status_code == 404
