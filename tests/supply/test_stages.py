"""How supply comes back: exactly those whom a switching feeds again, or of whom somebody says so, stage by stage."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.kernel.tasks import drain
from tests.supply.conftest import Storm, device


def indices(storm: Storm) -> tuple[float, float]:
    """SAIFI and SAIDI of the faults of this year."""
    branch = storm.desk.get("/api/v1/me").get_json()["branches"][0]["id"]
    report = storm.desk.get("/api/v1/reliability", query_string={"branch_id": branch}).get_json()
    return report["whole"]["fault"]["saifi"], report["whole"]["fault"]["saidi"]


def test_switching_brings_back_exactly_those_it_feeds_and_the_indices_move(storm: Storm) -> None:
    storm.confirm("SW1")
    storm.operate("SW2", "open")
    assert storm.out() == {"TXA2", "TXA3"}, "SW2 was dead: nobody lost or got anything"
    storm.operate("TS1", "close")
    assert storm.out() == {"TXA2"}
    (stage,) = storm.supply()["stages"]
    assert (stage["stage"], stage["accounts"], stage["switch"], stage["move"]) == (1, 1, "TS1", "close")
    assert storm.state_of_outage() == "open"
    assert storm.state(scope="rest", reason="巡线确认").status_code == 201
    assert (storm.out(), storm.state_of_outage()) == (set(), "restored")
    customers = 5
    assert indices(storm) == (pytest.approx(3 / customers), pytest.approx((12 + 2 * 12) / customers))


def test_a_tripped_breaker_closed_again_brings_back_what_is_not_cut_out(storm: Storm) -> None:
    storm.confirm("CB1")
    storm.operate("CB1", "open")
    storm.operate("SW1", "open")
    assert storm.out() == {"TXA1", "TXA2", "TXA3"}
    storm.operate("CB1", "close")
    assert storm.out() == {"TXA2", "TXA3"}
    storm.operate("SW1", "close")
    assert (storm.out(), storm.state_of_outage()) == (set(), "restored")
    assert [stage["accounts"] for stage in storm.supply()["stages"]] == [1, 3]


def test_a_failed_transformer_is_not_brought_back_by_a_switch(storm: Storm) -> None:
    storm.confirm("TXA2")
    storm.operate("SW1", "open")
    storm.operate("SW1", "close")
    assert storm.out() == {"TXA2"}


def test_a_switching_taken_back_takes_its_stage_back(storm: Storm) -> None:
    storm.confirm("SW1")
    storm.operate("SW2", "open")
    closed = storm.operate("TS1", "close")
    storm.undo(closed)
    assert storm.out() == {"TXA2", "TXA3"}
    assert storm.rows() == 3, "it never was: they are out since the first call"
    (stage,) = storm.supply()["stages"]
    assert stage["undone_at"] is not None
    storm.operate("TS1", "close")
    assert [one["stage"] for one in storm.supply()["stages"] if one["undone_at"] is None] == [1]


def test_who_goes_dark_again_is_interrupted_once_more(storm: Storm) -> None:
    storm.confirm("SW1")
    storm.operate("SW2", "open")
    storm.operate("TS1", "close")
    reopened = storm.operate("TS1", "open")
    assert (storm.out(), storm.rows()) == ({"TXA2", "TXA3"}, 4)
    storm.undo(reopened)
    assert (storm.out(), storm.rows()) == ({"TXA2"}, 3)


def test_work_that_comes_late_sees_the_network_as_it_was(storm: Storm) -> None:
    storm.confirm("SW1")
    for code, move in (("SW2", "open"), ("TS1", "close"), ("TS1", "open")):
        storm.clock.tick(minutes=1)
        path = f"/api/v1/network/links/{storm.networks.links[code]}/switching"
        assert storm.desk.post(path, json={"move": move}).status_code == 201
    drain(storm.runtime)
    assert (storm.out(), storm.rows()) == ({"TXA2", "TXA3"}, 4)


def test_a_word_restores_who_hangs_on_a_device_or_said_so(storm: Storm) -> None:
    storm.confirm("CB1")
    assert storm.state(**device(storm.networks, "TXA1"), stated_by="crew").status_code == 201
    assert storm.out() == {"TXA2", "TXA3"}
    nobody = storm.state(**device(storm.networks, "TXA1"))
    assert (nobody.status_code, nobody.get_json()["code"]) == (409, "nobody-back")
    account = storm.at["TXA3"][0]
    storm.desk.post(f"/api/v1/outages/{storm.outage}/affected/{account}/contacts", json={"answer": "has_power"})
    assert storm.state(scope="answered").get_json()["remaining"] == 2
    assert storm.out() == {"TXA2"}


def test_all_that_remain_take_a_crew_s_word_or_a_reason(storm: Storm) -> None:
    storm.confirm("TXA2")
    refused = storm.state(scope="rest")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "reason-needed")
    assert storm.state(scope="rest", at=storm.clock() + timedelta(hours=1), reason="x").status_code == 422
    assert storm.state(scope="rest", at=storm.clock() - timedelta(hours=1), reason="x").status_code == 422
    assert storm.state().status_code == 422
    assert storm.out() == {"TXA2"}


def test_what_crews_say_alone_does_not_make_an_outage_restored(storm: Storm) -> None:
    storm.confirm("TXA2")
    (job,) = storm.desk.get(f"/api/v1/outages/{storm.outage}").get_json()["jobs"]
    ended = storm.desk.post(f"/api/v1/jobs/{job['id']}/transitions", json={"to": "cancelled", "reason": "误报"})
    assert ended.status_code == 200, ended.text
    drain(storm.runtime)
    assert storm.state_of_outage() == "open"
    storm.state(scope="rest", reason="误报")
    assert storm.state_of_outage() in {"restored", "closed"}


def test_what_was_expected_before_stays_to_be_read(storm: Storm) -> None:
    path = f"/api/v1/outages/{storm.outage}/estimates"
    for hours, reason in ((1, None), (3, "电缆受损")):
        storm.clock.tick(minutes=5)
        body = {"expected_at": (storm.clock() + timedelta(hours=hours)).isoformat(), "reason": reason}
        assert storm.desk.post(path, json=body).status_code == 201
    said = storm.supply()["estimates"]
    assert [one["reason"] for one in said] == ["电缆受损", None]
    past = storm.desk.post(path, json={"expected_at": storm.clock().isoformat()})
    assert (past.status_code, past.get_json()["errors"][0]["reason"]) == (422, "in_past")
