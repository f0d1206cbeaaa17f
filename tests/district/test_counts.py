"""The demo has as much of everything as the product brief counts."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.district.collected import ANCHOR, Collected, collect


def test_the_same_seed_makes_the_same_bytes(tiny: Collected) -> None:
    assert collect("tiny").digest() == tiny.digest()


def test_another_seed_makes_another_district(tiny: Collected) -> None:
    assert collect("tiny", seed=1).digest() != tiny.digest()


COUNTS = [
    ("place", {"kind": "sub_district"}, 6),
    ("place", {"kind": "community"}, 48),
    ("place", {"kind": "estate"}, 204),  # with villages and parks: 210 lived-in places
    ("place", {"kind": "village"}, 4),
    ("place", {"kind": "industrial_park"}, 2),
    ("premises", {}, 12_000),
    ("account", {}, 17_400),
    ("account", {"service": "power"}, 9_600),
    ("account", {"service": "gas"}, 7_800),
    ("account", {"tier": "vip"}, 14),
    ("special_need", {"kind": "lone_elder"}, 260),
    ("special_need", {"kind": "tenant"}, 430),
    ("special_need", {"kind": "disabled"}, 90),
    ("special_need", {"kind": "remote"}, 60),
    ("special_need", {"kind": "life_support"}, 6),
    ("special_need", {"kind": "important_level_1"}, 1),
    ("special_need", {"kind": "important_level_2"}, 2),
    ("network_node", {"kind": "substation"}, 3),
    ("network_link", {"kind": "breaker"}, 24),
    ("network_node", {"kind": "transformer", "ownership": "utility"}, 410),
    ("network_node", {"kind": "transformer", "ownership": "customer"}, 60),
    ("network_link", {"kind": "tie_switch"}, 9),
    ("network_node", {"kind": "gate_station"}, 2),
    ("network_node", {"kind": "regulator"}, 22),
    ("network_link", {"kind": "valve"}, 640),
    ("network_link", {"kind": "valve", "usable": False}, 45),
    ("network_node", {"kind": "riser"}, 3_100),
    ("person", {}, 140),
    ("crew", {}, 28),
    ("crew", {"kind": "outage_repair"}, 10),
    ("crew_region", {}, 20),
    ("crew", {"kind": "gas_installation"}, 8),
    ("vehicle", {}, 26),
    ("outage", {}, 61),
    ("demand", {}, 6_400),
    ("job", {"state": "completed"}, 14_200),
    ("job", {"state": "planned"}, 86),
    ("attachment", {"kind": "photo"}, 38_000),
]


@pytest.mark.parametrize(("table", "wanted", "count"), COUNTS, ids=[f"{t} {w} {n}" for t, w, n in COUNTS])
def test_the_demo_is_counted(demo: Collected, table: str, wanted: dict[str, Any], count: int) -> None:
    assert len(demo.where(table, **wanted)) == count


def test_the_demo_has_310_switches_breakers_and_ties_among_them(demo: Collected) -> None:
    kinds = Counter(link["kind"] for link in demo.tables["network_link"])
    assert kinds["switch"] + kinds["breaker"] + kinds["tie_switch"] == 310


def test_the_demo_has_182_km_of_gas_main(demo: Collected) -> None:
    pipes = [link["length_m"] for kind in ("main", "valve") for link in demo.where("network_link", kind=kind)]
    assert sum(pipes) == pytest.approx(182_000, rel=0.02)


def test_240_jobs_are_open_in_the_morning(demo: Collected) -> None:
    assert sum(job["state"] not in ("completed", "cancelled") for job in demo.tables["job"]) == 240


def test_customer_classes_have_their_shares(demo: Collected) -> None:
    classes: dict[UUID, str] = {row["party_id"]: row["customer_class"] for row in demo.tables["account"]}
    shares = Counter(classes.values())
    per_cent = {name: round(100 * count / len(classes)) for name, count in shares.items()}
    assert per_cent == {"ordinary": pytest.approx(84, abs=2), "premium": pytest.approx(6, abs=1),
                        "special": pytest.approx(7, abs=1), "demanding": pytest.approx(3, abs=1)}  # fmt: skip


def test_gas_safety_classes_have_their_shares(demo: Collected) -> None:
    classes = Counter(row["gas_class"] for row in demo.where("account", service="gas"))
    assert round(100 * classes["high"] / 7800) == pytest.approx(18, abs=2)
    assert round(100 * classes["medium"] / 7800) == pytest.approx(55, abs=2)


def test_staff_have_the_grades_that_are_counted(demo: Collected) -> None:
    grades = Counter({row["person_id"]: row["grade"] for row in demo.tables["qualification"]}.values())
    assert grades == {"senior": 25, "intermediate": 66, "junior": 49}


def test_nine_certificates_run_out_soon_and_two_have_run_out(demo: Collected) -> None:
    ends = [row["valid_until"] for row in demo.tables["qualification"]]
    assert sum(end <= ANCHOR for end in ends) == 2
    assert sum(ANCHOR < end <= ANCHOR + timedelta(days=30) for end in ends) == 9


def test_no_crew_has_two_live_jobs_and_no_job_two_crews(demo: Collected) -> None:
    open_ones = [row for row in demo.tables["assignment"] if row["ended_at"] is None]
    assert max(Counter(row["crew_id"] for row in open_ones if row["live"]).values()) == 1
    assert max(Counter(row["job_id"] for row in open_ones).values()) == 1


def test_every_completed_job_has_what_its_checklist_requires(demo: Collected) -> None:
    shot: dict[UUID, set[str]] = {}
    for row in demo.tables["attachment"]:
        shot.setdefault(row["job_id"], set()).add(row["slot"])
    forms = {row["code"]: row["document"] for row in demo.tables["form"]}
    for job in demo.where("job", state="completed"):
        form = forms[job["form_code"]]
        slots = {slot["slot"] for slot in [*form["photo_slots"], *form["signature_slots"]] if slot["required"]}
        assert slots <= shot.get(job["id"], set()), job["number"]


def test_nothing_of_the_history_lies_in_the_future(demo: Collected) -> None:
    assert max(row["at"] for row in demo.tables["job_event"]) <= ANCHOR
    assert max(row["taken_at"] for row in demo.tables["demand"]) <= ANCHOR


def test_the_people_of_the_story_are_there(demo: Collected) -> None:
    people = {row["login"]: row for row in demo.tables["person"] if row["login"]}
    named = ("linxiao", "zhaoqiang", "mali", "hemin", "luowei", "sunlan", "chenlu", "wujing", "manager", "admin")
    assert set(named) <= set(people)
    (crew,) = demo.where("crew", code="R3")
    (lead,) = demo.where("crew_member", crew_id=crew["id"], lead=True)
    assert lead["person_id"] == people["zhaoqiang"]["id"]
    assert {"周奶奶", "黄先生", "李小李", "鹏启传动有限公司"} <= {row["name"] for row in demo.tables["party"]}


def test_ids_are_version_seven_and_never_repeat(tiny: Collected) -> None:
    ids = [row["id"] for rows in tiny.tables.values() for row in rows if isinstance(row.get("id"), UUID)]
    assert len(set(ids)) == len(ids)
    assert {own.version for own in ids} == {7}


def test_photos_are_shared_and_about_as_heavy_as_a_tablets(demo: Collected) -> None:
    photos = demo.where("attachment", kind="photo")
    assert len({row["sha256"] for row in photos}) <= 150
    sizes = [len(demo.files[row["sha256"]]) for row in photos[:500]]
    assert 20_000 < sum(sizes) / len(sizes) < 120_000


def test_every_sub_district_is_served_and_each_repair_crew_serves_two(demo: Collected) -> None:
    served = demo.tables["crew_region"]
    assert {row["place_id"] for row in served} == {row["id"] for row in demo.where("place", kind="sub_district")}
    assert set(Counter(row["crew_id"] for row in served).values()) == {2}
