"""Several outages become one, with their calls and jobs, and can be taken apart again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.demands.models import Demand
from app.identity.models import Branch, Role
from app.jobs.models import Job
from app.kernel.ids import new_id
from app.kernel.problems import Problem
from app.kernel.tasks import drain
from app.kernel.unit_of_work import Runtime
from app.network.models import Commodity
from app.outages import merging
from app.outages.errors import OutageClosed
from app.outages.models import Outage, OutageState
from tests.factories import Client, acting, given_branch, given_person, signed_in
from tests.factories_field import NOON, as_geojson, at_m, counted_queries, given_forms


@pytest.fixture
def branch(session: Session) -> Branch:
    given_forms(session)
    return given_branch(session)


@pytest.fixture
def desk(app: Flask, session: Session, branch: Branch) -> Client:
    return signed_in(app, given_person(session, branch, "linxiao", [Role.DISPATCHER]))


def call(desk: Client, east: float, **more: Any) -> dict[str, Any]:
    body = {"symptom": "no_supply", "location": as_geojson(at_m(east, 0)), **more}
    answer = desk.post("/api/v1/calls", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


@pytest.fixture
def taken(desk: Client) -> list[dict[str, Any]]:
    """Three calls too far apart to be one outage by themselves."""
    return [call(desk, east) for east in (0.0, 1_000.0, 2_000.0)]


def merge(desk: Client, taken: list[dict[str, Any]], action: str = "merges") -> Any:
    into, *others = (one["outage_id"] for one in taken)
    return desk.post(f"/api/v1/outages/{into}/{action}", json={"outage_ids": others})


def stands(session: Session, taken: list[dict[str, Any]]) -> tuple[list[str], list[str], list[str]]:
    """Where each call, each job and each outage stands now."""
    session.expire_all()
    calls = [str(session.get_one(Demand, UUID(one["id"])).outage_id) for one in taken]
    jobs = [str(session.get_one(Job, UUID(one["job_id"])).outage_id) for one in taken]
    return calls, jobs, [session.get_one(Outage, UUID(one["outage_id"])).state.value for one in taken]


def test_three_outages_become_one_with_all_calls_and_jobs(
    desk: Client, session: Session, taken: list[dict[str, Any]]
) -> None:
    answer = merge(desk, taken)
    assert answer.status_code == 200, answer.text
    assert (answer.get_json()["calls"], len(answer.get_json()["jobs"])) == (3, 3)
    first = taken[0]["outage_id"]
    assert stands(session, taken) == ([first] * 3, [first] * 3, ["open", "merged", "merged"])
    line = desk.get(f"/api/v1/jobs/{taken[1]['job_id']}/timeline").get_json()["items"]
    assert [one["detail"]["outage"] for one in line if one["kind"] == "regrouped"] == [taken[0]["outage_number"]]
    assert [one["id"] for one in desk.get("/api/v1/outages?state=open").get_json()["items"]] == [first]


def test_many_are_merged_with_the_same_reads_as_two_and_one_write_a_record(desk: Client, runtime: Runtime) -> None:
    many = [call(desk, 1_000.0 * n) for n in range(8)]
    reads, writes = [], []
    for taken in (many[:2], many[2:]):
        with counted_queries(runtime) as asked:
            assert merge(desk, taken).status_code == 200
        reads.append(sum(one.lstrip().startswith("SELECT") for one in asked))
        writes.append(sum(one.startswith(("UPDATE job", "UPDATE outage", "UPDATE demand")) for one in asked))
    assert reads[0] == reads[1]
    assert writes == [3, 11]  # calls go together; jobs and outages have revisions of their own


def test_a_merge_taken_back_leaves_everything_where_it_was(
    desk: Client, session: Session, taken: list[dict[str, Any]]
) -> None:
    before = stands(session, taken)
    merge(desk, taken)
    assert merge(desk, taken, "unmerges").status_code == 200
    assert stands(session, taken) == before
    again = merge(desk, taken, "unmerges")
    assert (again.status_code, again.get_json()["code"]) == (409, "not-merged")
    assert merge(desk, taken).status_code == 200, "and may be merged anew"


def test_what_came_after_the_merge_stays_when_it_is_taken_back(
    desk: Client, session: Session, taken: list[dict[str, Any]]
) -> None:
    merge(desk, taken)
    later = call(desk, 1_010.0)
    assert (later["outage_id"], later["joined"]) == (taken[0]["outage_id"], True), "next to one that was merged"
    merge(desk, taken, "unmerges")
    session.expire_all()
    assert str(session.get_one(Demand, UUID(later["id"])).outage_id) == taken[0]["outage_id"]


def test_an_outage_taken_apart_follows_its_own_job_again(
    runtime: Runtime, desk: Client, session: Session, taken: list[dict[str, Any]]
) -> None:
    merge(desk, taken)
    merge(desk, taken, "unmerges")
    ended = desk.post(f"/api/v1/jobs/{taken[1]['job_id']}/transitions", json={"to": "cancelled", "reason": "误报"})
    assert ended.status_code == 200, ended.text
    drain(runtime)
    assert stands(session, taken)[2] == ["open", "closed", "open"]


@pytest.mark.parametrize(
    ("others", "status", "code"),
    [("itself", 422, "invalid"), ("nobody", 404, "not-found"), ("gas", 422, "other-supply")],
)
def test_what_cannot_be_one_is_refused_and_nothing_moves(
    desk: Client, session: Session, taken: list[dict[str, Any]], others: str, status: int, code: str
) -> None:
    leak = call(desk, 3_000.0, symptom="gas_smell")
    wrong = {"itself": taken[0]["outage_id"], "nobody": taken[0]["job_id"], "gas": leak["outage_id"]}[others]
    before = stands(session, taken)
    body = {"outage_ids": [taken[1]["outage_id"], wrong]}
    answer = desk.post(f"/api/v1/outages/{taken[0]['outage_id']}/merges", json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert stands(session, taken) == before


def test_what_was_merged_is_not_merged_again_elsewhere(desk: Client, taken: list[dict[str, Any]]) -> None:
    merge(desk, taken[:2])
    answer = merge(desk, [taken[2], taken[1]])
    assert (answer.status_code, answer.get_json()["code"]) == (409, "outage-closed")


def test_who_only_takes_calls_merges_nothing(
    app: Flask, session: Session, branch: Branch, taken: list[dict[str, Any]]
) -> None:
    hotline = signed_in(app, given_person(session, branch, "mali", [Role.HOTLINE]))
    assert merge(hotline, taken).status_code == 403


def test_two_who_merge_two_outages_into_each_other_leave_one_standing(committed_runtime: Runtime) -> None:
    with committed_runtime.sessions() as session:
        branch = given_branch(session)
        person = given_person(session, branch, "linxiao", [Role.DISPATCHER])
        a, b = (_an_outage(session, branch, number) for number in ("TD-1", "TD-2"))

    def one_way(pair: tuple[UUID, UUID]) -> type[Problem] | None:
        try:
            with acting(committed_runtime, person) as uow:
                merging.merge(uow, outage_id=pair[0], outage_ids=[pair[1]])
        except Problem as problem:
            return type(problem)
        return None

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(one_way, [(a, b), (b, a)]), key=str) == [OutageClosed, None]


def _an_outage(session: Session, branch: Branch, number: str) -> UUID:
    one = Outage(id=new_id(), branch_id=branch.id, number=number, commodity=Commodity.POWER, state=OutageState.OPEN,
                 location=at_m(), opened_at=NOON)  # fmt: skip
    session.add(one)
    session.commit()
    return one.id
