"""What a dispatcher asks the networks, and what is noted about switches and valves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.grid import service
from app.grid.errors import FedFromTwoSides
from app.grid.models import Move
from app.identity.models import Branch, Role
from app.kernel.problems import Problem
from app.kernel.unit_of_work import Runtime
from app.network.models import NetworkLink
from tests.factories import Client, acting, given_branch, given_person, signed_in
from tests.factories_field import counted_queries
from tests.grid.town import Networks, given_networks

NETWORK = "/api/v1/network"


def codes(answer: dict[str, Any]) -> set[str]:
    """What stands and turns in a traced part."""
    return {one["properties"]["code"] for one in answer["features"] if one["properties"]["role"] == "device"}


def trace(desk: Client, way: str, **thing: object) -> dict[str, Any]:
    answer = desk.get(f"{NETWORK}/supply", query_string={"way": way, **thing})
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/geo+json"
    return dict(answer.get_json(force=True))


def switch(desk: Client, networks: Networks, code: str, move: str, **more: object) -> Any:
    return desk.post(f"{NETWORK}/links/{networks.links[code]}/switching", json={"move": move, **more})


def test_down_from_a_switch_are_the_transformers_and_customers_behind_it(desk: Client, networks: Networks) -> None:
    answer = trace(desk, "down", link_id=networks.links["SW1"])
    assert codes(answer) == {"SW1", "SW2", "TXA2", "TXA3"}
    assert answer["customers"] == {"accounts": 3, "tiers": {"standard": 3}, "needs": {}}
    lines = [one for one in answer["features"] if one["properties"]["role"] == "lines"]
    assert {one["properties"]["kind"] for one in lines} == {"cable", "switch"}
    assert all(one["geometry"]["type"] == "MultiLineString" for one in lines)


def test_up_from_a_transformer_leads_to_its_station(desk: Client, networks: Networks) -> None:
    assert codes(trace(desk, "up", node_id=networks.nodes["TXA3"])) == {"TXA3", "SW2", "SW1", "CB1", "SSA"}


def test_a_device_and_a_station_are_shown_with_who_hangs_on_them(desk: Client, networks: Networks) -> None:
    link = desk.get(f"{NETWORK}/links/{networks.links['SW1']}").get_json()
    assert (link["code"], link["kind"], link["state"], link["accounts"], link["fed"]) == (
        *("SW1", "switch", "closed"),
        *(3, True),
    )
    switch(desk, networks, "CB1", "open")
    node = desk.get(f"{NETWORK}/nodes/{networks.nodes['TXA2']}").get_json()
    assert (node["code"], node["accounts"], node["fed"]) == ("TXA2", 0, False)
    assert node["location"]["type"] == "Point"


def test_between_two_transformers_lies_the_way_the_current_could_take(desk: Client, networks: Networks) -> None:
    ends = {"node_id": networks.nodes["TXA1"], "to_node_id": networks.nodes["TXA3"]}
    answer = desk.get(f"{NETWORK}/between", query_string=ends)
    assert codes(answer.get_json(force=True)) == {"TXA1", "SW1", "SW2", "TXA3"}


@pytest.mark.parametrize(
    ("ends", "status", "code"),
    [(("TXA1", "TXB1"), 409, "not-joined"), (("TXA1", "R1"), 422, "other-network")],
)
def test_what_no_closed_way_joins_is_said_so(
    desk: Client, networks: Networks, ends: tuple[str, str], status: int, code: str
) -> None:
    asked = {"node_id": networks.nodes[ends[0]], "to_node_id": networks.nodes[ends[1]]}
    answer = desk.get(f"{NETWORK}/between", query_string=asked)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_a_switched_network_is_traced_as_it_is_now(desk: Client, networks: Networks) -> None:
    assert switch(desk, networks, "SW2", "open").status_code == 201
    assert trace(desk, "down", link_id=networks.links["SW1"])["customers"]["accounts"] == 2
    dead = desk.get(f"{NETWORK}/supply", query_string={"way": "up", "node_id": networks.nodes["TXA3"]})
    assert (dead.status_code, dead.get_json()["code"]) == (409, "not-fed")
    assert switch(desk, networks, "TS1", "close").status_code == 201
    assert codes(trace(desk, "up", node_id=networks.nodes["TXA3"])) == {"TXA3", "TS1", "CB2", "SSB"}


def test_a_network_that_grew_is_traced_with_what_was_added(desk: Client, session: Session, networks: Networks) -> None:
    trace(desk, "down", link_id=networks.links["SW1"])
    session.execute(text("UPDATE premises SET service_node_id = :n WHERE service_node_id = :was"),
                    {"n": networks.nodes["TXA3"], "was": networks.nodes["TXB1"]})  # fmt: skip
    session.commit()
    assert trace(desk, "down", link_id=networks.links["SW1"])["customers"]["accounts"] == 4


def test_asking_again_takes_few_queries_whatever_the_network(
    desk: Client, runtime: Runtime, networks: Networks
) -> None:
    trace(desk, "down", link_id=networks.links["SW1"])
    with counted_queries(runtime) as queries:
        trace(desk, "down", link_id=networks.links["CB1"])
    assert len(queries) <= 7


def test_a_cable_fault_is_parted_by_the_switches_around_it_and_the_rest_comes_back_over_the_tie(
    desk: Client, networks: Networks
) -> None:
    answer = desk.get(f"{NETWORK}/isolation", query_string={"link_id": networks.links["LA2"]}).get_json()
    steps = [(step["link"]["code"], step["move"], step["restores"]) for step in answer["steps"]]
    assert steps == [("SW1", "open", 0), ("SW2", "open", 0), ("TS1", "close", 1)]
    assert answer["dark"] == 2
    assert codes(answer["section"]) == {"TXA2", "SW1", "SW2", "TS1"}
    assert answer["sources"] == []


def test_a_plan_carried_out_step_by_step_leaves_dark_what_it_said(desk: Client, networks: Networks) -> None:
    plan = desk.get(f"{NETWORK}/isolation", query_string={"link_id": networks.links["LA2"]}).get_json()
    noted = [switch(desk, networks, step["link"]["code"], step["move"]) for step in plan["steps"]]
    assert [answer.status_code for answer in noted] == [201, 201, 201]
    figures = [(one.get_json()["darkened"], one.get_json()["restored"]) for one in noted]
    assert figures == [(3, 0), (0, 0), (0, 1)]
    assert trace(desk, "down", node_id=networks.nodes["TXA2"])["customers"]["accounts"] == 0


def test_a_gas_leak_is_shut_in_by_valves_and_grows_past_one_that_is_stuck(desk: Client, networks: Networks) -> None:
    leak = {"link_id": networks.links["M2"]}
    answer = desk.get(f"{NETWORK}/isolation", query_string=leak).get_json()
    assert [(step["link"]["code"], step["move"]) for step in answer["steps"]] == [("V1", "close"), ("V2", "close")]
    assert answer["section"]["customers"]["accounts"] == 1
    assert answer["beyond"]["customers"]["accounts"] == 2
    assert answer["dark"] == 3
    grown = desk.get(f"{NETWORK}/isolation", query_string={**leak, "stuck": str(networks.links["V2"])}).get_json()
    assert [step["link"]["code"] for step in grown["steps"]] == ["V1", "V3"]
    marked = desk.put(f"{NETWORK}/links/{networks.links['V2']}/condition", json={"usable": False, "note": "锈死"})
    assert marked.status_code == 200
    again = desk.get(f"{NETWORK}/isolation", query_string=leak).get_json()
    assert [step["link"]["code"] for step in again["steps"]] == ["V1", "V3"]


def test_a_leak_that_no_valve_parts_from_the_gate_names_the_gate(desk: Client, networks: Networks) -> None:
    answer = desk.get(f"{NETWORK}/isolation", query_string={"link_id": networks.links["M1"]}).get_json()
    assert [one["code"] for one in answer["sources"]] == ["GS"]
    assert answer["dark"] == 4


def test_the_log_tells_who_did_what_and_an_undo_stands_beside_it(
    desk: Client, session: Session, networks: Networks
) -> None:
    done = switch(desk, networks, "SW1", "open", note="故障隔离").get_json()
    assert (done["darkened"], done["restored"]) == (3, 0)
    back = desk.post(f"{NETWORK}/switching/{done['id']}/undo")
    assert back.status_code == 201
    assert (back.get_json()["move"], back.get_json()["undoes_id"]) == ("close", done["id"])
    log = desk.get(f"{NETWORK}/switching").get_json()["items"]
    assert [(one["link"]["code"], one["move"], one["undone"], one["note"]) for one in log] == [
        ("SW1", "close", False, None),
        ("SW1", "open", True, "故障隔离"),
    ]
    assert all(one["person"] for one in log)
    assert session.get_one(NetworkLink, networks.links["SW1"], populate_existing=True).state == "closed"
    twice = desk.post(f"{NETWORK}/switching/{done['id']}/undo")
    assert (twice.status_code, twice.get_json()["code"]) == (409, "switched-since")


def test_the_log_is_paged_and_told_by_device(desk: Client, networks: Networks) -> None:
    for code, move in [("SW1", "open"), ("SW1", "close"), ("SW2", "open")]:
        assert switch(desk, networks, code, move).status_code == 201
    of_one = desk.get(f"{NETWORK}/switching", query_string={"link_id": networks.links["SW1"], "limit": 1}).get_json()
    rest = desk.get(
        f"{NETWORK}/switching", query_string={"link_id": networks.links["SW1"], "cursor": of_one["next"]}
    ).get_json()
    assert [one["move"] for one in of_one["items"] + rest["items"]] == ["close", "open"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("code", "body", "status", "problem"),
    [
        ("LA1", {"move": "open"}, 422, "not-switchgear"),
        ("SW1", {"move": "close"}, 409, "already-switched"),
        ("TS1", {"move": "close"}, 409, "fed-from-two-sides"),
        ("SW1", {"move": "turn"}, 422, "invalid"),
        ("SW1", {}, 422, "invalid"),
        ("SW1", {"move": "open", "why": "x"}, 422, "invalid"),
    ],
)
def test_what_cannot_be_switched_is_refused_and_changes_nothing(
    desk: Client, networks: Networks, code: str, body: dict[str, Any], status: int, problem: str
) -> None:
    answer = desk.post(f"{NETWORK}/links/{networks.links[code]}/switching", json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (status, problem)
    assert desk.get(f"{NETWORK}/switching").get_json()["items"] == []


def test_a_stuck_device_is_not_operated(desk: Client, networks: Networks) -> None:
    desk.put(f"{NETWORK}/links/{networks.links['V1']}/condition", json={"usable": False})
    answer = switch(desk, networks, "V1", "close")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "device-stuck")


def test_a_tie_may_be_closed_in_parallel_when_that_is_said(desk: Client, networks: Networks) -> None:
    done = switch(desk, networks, "TS1", "close", parallel=True)
    assert done.status_code == 201
    assert done.get_json()["parallel"]
    assert trace(desk, "down", link_id=networks.links["SW2"])["looped"]


def test_a_gas_ring_may_be_closed_from_two_sides(desk: Client, networks: Networks) -> None:
    assert switch(desk, networks, "V1", "close").status_code == 201
    assert switch(desk, networks, "V1", "open").get_json()["restored"] == 3


@pytest.mark.parametrize(
    "asked", [{"way": "down"}, {"way": "sideways", "node_id": "x"}, {"way": "down", "node_id": "x", "link_id": "x"}]
)
def test_a_question_without_one_thing_and_a_way_is_refused(desk: Client, asked: dict[str, str]) -> None:
    answer = desk.get(f"{NETWORK}/supply", query_string=asked)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")


def test_those_who_do_not_dispatch_may_look_but_not_switch(
    app: Flask, session: Session, branch: Branch, networks: Networks
) -> None:
    hotline = signed_in(app, given_person(session, branch, "mali", [Role.HOTLINE]))
    assert trace(hotline, "down", link_id=networks.links["SW1"])["customers"]["accounts"] == 3
    answer = switch(hotline, networks, "SW1", "open")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")


def test_an_engine_room_without_customers_rights_is_told_no_needs(
    app: Flask, session: Session, branch: Branch, networks: Networks
) -> None:
    admin = signed_in(app, given_person(session, branch, "admin", [Role.ADMIN]))
    assert "needs" not in trace(admin, "down", link_id=networks.links["SW1"])["customers"]


def test_two_dispatchers_who_close_two_ties_at_once_never_make_a_loop(committed_runtime: Runtime) -> None:
    with committed_runtime.sessions() as session:
        branch = given_branch(session)
        networks = given_networks(session, branch)
        person = given_person(session, branch, "linxiao", [Role.DISPATCHER])
    with acting(committed_runtime, person) as uow:
        service.operate(uow, link_id=networks.links["CB1"], move=Move.OPEN)

    def close(code: str) -> type[Problem] | None:
        try:
            with acting(committed_runtime, person) as uow:
                service.operate(uow, link_id=networks.links[code], move=Move.CLOSE)
        except Problem as problem:
            return type(problem)
        return None

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(close, ["CB1", "TS1"]), key=str) == [FedFromTwoSides, None]
