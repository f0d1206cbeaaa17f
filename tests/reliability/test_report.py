"""Who was without supply is noted, restored in stages and reported; the database counts as the rules do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.customers.models import Account, Service
from app.identity.models import AuditEntry, Branch, Person, Role
from app.kernel.ids import new_id
from app.kernel.problems import Forbidden, Invalid, NotFound
from app.kernel.unit_of_work import Runtime
from app.network.models import Commodity
from app.outages.models import Outage, OutageState
from app.reliability import queries, service
from app.reliability.models import CauseClass, Interruption
from app.reliability.rules import Lost, Standard, by_day
from tests.factories import acting, given_branch, given_person, signed_in
from tests.factories_field import at_m, given_account, given_premises

SHANGHAI = ZoneInfo("Asia/Shanghai")
EIGHT = datetime(2026, 7, 16, 8, tzinfo=SHANGHAI)  # now, by the tests' clock


@pytest.fixture
def branch(session: Session) -> Branch:
    return given_branch(session)


@pytest.fixture
def dispatcher(session: Session, branch: Branch) -> Person:
    return given_person(session, branch)


@pytest.fixture
def accounts(session: Session, branch: Branch) -> list[Account]:
    premises = given_premises(session, branch)
    return [given_account(session, premises) for _ in range(4)]


def given_outage(session: Session, branch: Branch) -> Outage:
    outage = Outage(
        id=new_id(),
        branch_id=branch.id,
        number=f"TD{session.scalar(select(func.count()).select_from(Outage))}",
        commodity=Commodity.POWER,
        state=OutageState.OPEN,
        location=at_m(),
        opened_at=EIGHT,
    )
    session.add(outage)
    session.commit()
    return outage


Note = Callable[..., int]


@pytest.fixture
def outage(session: Session, branch: Branch) -> Outage:
    return given_outage(session, branch)


@pytest.fixture
def note(runtime: Runtime, dispatcher: Person, outage: Outage) -> Note:
    """The dispatcher notes that these accounts were out since so many minutes ago."""

    def of(accounts: list[Account], minutes_ago: float, cause: CauseClass = CauseClass.FAULT) -> int:
        begun_at = EIGHT - timedelta(minutes=minutes_ago)
        with acting(runtime, dispatcher) as uow:
            return service.record_interruptions(
                uow, outage.id, cause_class=cause, begun_at=begun_at, account_ids=[one.id for one in accounts]
            )

    return of


@pytest.fixture
def back(runtime: Runtime, dispatcher: Person, outage: Outage) -> Note:
    """The dispatcher notes that these accounts, or all, came back so many minutes ago."""

    def of(accounts: list[Account] | None, minutes_ago: float) -> int:
        at = EIGHT - timedelta(minutes=minutes_ago)
        ids = None if accounts is None else [one.id for one in accounts]
        with acting(runtime, dispatcher) as uow:
            return service.restore(uow, outage.id, at=at, account_ids=ids)

    return of


def report(app: Flask, who: Person, branch: Branch, **query: Any) -> Any:
    answer = signed_in(app, who).get("/api/v1/reliability", query_string={"branch_id": branch.id, **query})
    assert answer.status_code == 200, answer.json
    return answer.json


def test_stages_of_restoration_make_the_minutes_of_the_day_and_are_audited(
    app: Flask, session: Session, branch: Branch, dispatcher: Person, accounts: list[Account], note: Note, back: Note
) -> None:
    assert note(accounts, 120) == 4
    assert back(accounts[:1], 90) == 1
    assert back(None, 60) == 3
    stages = session.scalars(select(Interruption.stage).order_by(Interruption.stage)).all()
    assert list(stages) == [1, 2, 2, 2]
    line = report(app, dispatcher, branch)["whole"]
    assert line["fault"]["saidi"] == pytest.approx((30 + 3 * 60) / 4)
    assert (line["fault"]["saifi"], line["fault"]["caidi"]) == (1, pytest.approx(52.5))
    assert (line["planned"]["saidi"], line["planned"]["caidi"]) == (0, None)
    told = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert [one for one in told if one.startswith("interruptions")] == [
        "interruptions_recorded", "interruptions_restored", "interruptions_restored",
    ]  # fmt: skip


def test_what_grows_or_is_noted_again_keeps_its_times(
    session: Session, accounts: list[Account], note: Note, back: Note
) -> None:
    assert note(accounts[:2], 60) == 2
    assert note(accounts, 50) == 2
    assert note(accounts, 50) == 0
    assert back(None, 10) == 4
    assert back(None, 5) == 0
    assert {one.restored_at for one in session.scalars(select(Interruption))} == {EIGHT - timedelta(minutes=10)}


@pytest.mark.parametrize(("began", "ended", "field"), [(-1, None, "begun_at"), (60, -1, "at"), (60, 60, "at")])
def test_times_to_come_or_in_the_wrong_order_are_refused(
    accounts: list[Account], note: Note, back: Note, began: float, ended: float | None, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        note(accounts, began)
        back(None, ended)
    assert [error.field for error in refused.value.errors] == [field]


def test_accounts_of_another_branch_or_service_are_refused(
    session: Session, branch: Branch, accounts: list[Account], note: Note
) -> None:
    elsewhere = given_account(session, given_premises(session, given_branch(session, "QX")))
    gas = given_account(session, given_premises(session, branch), service=Service.GAS)
    for stranger in (elsewhere, gas):
        with pytest.raises(Invalid):
            note([accounts[0], stranger], 60)
    assert session.scalar(select(func.count()).select_from(Interruption)) == 0


def test_only_who_dispatches_there_may_note(runtime: Runtime, session: Session, branch: Branch, outage: Outage) -> None:
    hotline = given_person(session, branch, "mali", [Role.HOTLINE])
    stranger = given_person(session, given_branch(session, "QX"), "other")
    for who, refusal in ((hotline, Forbidden), (stranger, NotFound)):
        with pytest.raises(refusal), acting(runtime, who) as uow:
            service.restore(uow, outage.id, at=EIGHT)


def test_the_database_lets_no_account_be_out_twice_at_once(
    session: Session, accounts: list[Account], note: Note, back: Note
) -> None:
    note(accounts[:1], 60)
    back(None, 30)
    same = session.scalars(select(Interruption)).one()
    fields = {
        name: getattr(same, name) for name in ("branch_id", "outage_id", "commodity", "cause_class", "account_id")
    }
    for begun_at, restored_at in ((31, 20), (30, 20), (70, None), (90, 91)):
        ended = None if restored_at is None else EIGHT - timedelta(minutes=restored_at)
        row = {**fields, "begun_at": EIGHT - timedelta(minutes=begun_at), "restored_at": ended, "id": new_id()}
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(insert(Interruption).values(**row, stage=ended and 1))


def test_the_database_counts_each_day_as_the_rules_do(
    session: Session, branch: Branch, accounts: list[Account], outage: Outage
) -> None:
    rng, rows = np.random.default_rng(7), []
    for account in accounts:
        at = EIGHT - timedelta(days=12)
        while at < EIGHT - timedelta(days=2):
            at += timedelta(minutes=float(rng.choice([1, 4, 300, 900])))
            lasted = timedelta(seconds=int(rng.choice([20, 179, 180, 181, 299, 301, 40_000])))
            cause = CauseClass.FAULT if rng.random() < 0.7 else CauseClass.PLANNED
            rows.append(Lost(account.id, cause, at, at + lasted))
            at += lasted
        rows.append(Lost(account.id, CauseClass.FAULT, EIGHT - timedelta(minutes=4), None))
    common = {"branch_id": branch.id, "outage_id": outage.id, "commodity": Commodity.POWER}
    session.execute(
        insert(Interruption),
        [
            {
                **common,
                "id": new_id(),
                "account_id": one.point,
                "cause_class": one.cause,
                "begun_at": one.begun_at,
                "restored_at": one.restored_at,
                "stage": one.restored_at and 1,
            }
            for one in rows
        ],
    )
    first, last = date(2026, 7, 6), date(2026, 7, 16)
    for standard in Standard:
        asked = queries.Asked(branch.id, Commodity.POWER, SHANGHAI, standard, EIGHT)
        counted = queries.counts_by_day(session, asked, (first, last))
        ruled = by_day(rows, zone=SHANGHAI, standard=standard, now=EIGHT)
        assert counted.keys() == {key for key in ruled if first <= key[0] <= last}
        for key, counts in counted.items():
            assert vars(counts) == pytest.approx(vars(ruled[key]))
        faults = [counts.minutes for (_, cause), counts in counted.items() if cause is CauseClass.FAULT]
        found = queries.fault_minutes_by_day(session, asked, (first, last))
        assert sorted(found) == pytest.approx(sorted(minutes for minutes in faults if minutes))


def test_a_major_event_day_is_told_and_left_out_beside_the_rest(
    app: Flask, session: Session, branch: Branch, dispatcher: Person, accounts: list[Account], outage: Outage
) -> None:
    def of(day: datetime, lasted: timedelta, account: Account) -> dict[str, object]:
        ended = {"begun_at": day, "restored_at": day + lasted, "stage": 1, "cause_class": CauseClass.FAULT}
        own = {"id": new_id(), "branch_id": branch.id, "outage_id": outage.id, "account_id": account.id}
        return {**own, **ended, "commodity": Commodity.POWER}

    rows = [
        of(datetime(2025, 1, 1, 9, tzinfo=SHANGHAI) + timedelta(days=n), timedelta(minutes=8 + n % 5), accounts[n % 4])
        for n in range(60)
    ]
    storm = datetime(2026, 7, 3, 2, tzinfo=SHANGHAI)
    rows += [of(storm, timedelta(hours=5), one) for one in accounts]
    rows.append(of(storm + timedelta(days=1), timedelta(minutes=8), accounts[0]))
    session.execute(insert(Interruption), rows)

    found = report(app, dispatcher, branch, **{"from": "2026-06-01", "to": "2026-07-16"})
    june, july = found["lines"]
    assert found["threshold"]["days"] == 60
    assert (june["major_days"], july["major_days"], found["whole"]["major_days"]) == (0, 1, 1)
    assert july["fault"]["saidi"] == 302
    assert july["fault_without_major"]["saidi"] == 2
    assert june["fault"]["asai"] == 1
    daily = report(app, dispatcher, branch, **{"from": "2026-07-01", "to": "2026-07-16", "by": "day"})["lines"]
    assert [line["first"] for line in daily if line["major_days"]] == ["2026-07-03"]
    assert len(daily) == 16


def test_the_standard_is_asked_for_or_set(
    app: Flask, branch: Branch, dispatcher: Person, accounts: list[Account], note: Note, back: Note
) -> None:
    note(accounts, 60)
    back(None, 56)
    assert report(app, dispatcher, branch)["whole"]["fault"]["saifi"] == 1
    ieee = report(app, dispatcher, branch, sustained_minutes=5)
    assert (ieee["sustained_minutes"], ieee["whole"]["fault"]["saifi"], ieee["whole"]["fault"]["maifi_e"]) == (5, 0, 1)


def test_the_report_is_a_table_too(
    app: Flask, branch: Branch, dispatcher: Person, accounts: list[Account], note: Note
) -> None:
    note(accounts[:1], 60)
    answer = signed_in(app, dispatcher).get(
        "/api/v1/reliability.csv", query_string={"branch_id": branch.id, "from": "2026-07-14", "by": "day"}
    )
    heading, *lines = answer.text.removeprefix("\ufeff").splitlines()
    row = dict(zip(heading.split(","), lines[-1].split(","), strict=True))
    assert len(lines) == 3
    assert (row["first"], row["fault_saidi"], row["planned_caidi"]) == ("2026-07-16", "15.0", "")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"to": "2026-07-17"}, "to"),
        ({"from": "2026-07-10", "to": "2026-07-09"}, "from"),
        ({"from": "2001-01-01"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"sustained_minutes": 4}, "sustained_minutes"),
        ({"commodity": "water"}, "commodity"),
    ],
)
def test_questions_that_make_no_sense_are_refused_by_field(
    app: Flask, branch: Branch, dispatcher: Person, query: dict[str, object], field: str
) -> None:
    answer = signed_in(app, dispatcher).get("/api/v1/reliability", query_string={"branch_id": branch.id, **query})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]  # type: ignore[index]


def test_the_report_is_for_dispatchers_and_managers_of_the_branch(app: Flask, session: Session, branch: Branch) -> None:
    stranger = given_person(session, given_branch(session, "QX"), "other")
    people = {role: given_person(session, branch, f"as-{role.value}", [role]) for role in (Role.MANAGER, Role.HOTLINE)}
    for who, status in ((people[Role.MANAGER], 200), (people[Role.HOTLINE], 403), (stranger, 404)):
        answer = signed_in(app, who).get("/api/v1/reliability", query_string={"branch_id": branch.id})
        assert answer.status_code == status
