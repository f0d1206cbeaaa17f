"""People and roles as an administrator keeps them, and the trail of it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity import service
from app.identity.models import Branch, Person, Role, RoleGrant
from app.kernel.actor import Permission
from app.kernel.ids import new_id
from app.kernel.problems import NotFound
from app.kernel.queries_counter import count_queries
from app.kernel.unit_of_work import Runtime
from tests.factories import PASSWORD, Client, acting, given_branch, given_person, given_tablet, signed_in, visitor

NEW = {"staff_no": "N1", "name": "张三", "name_en": "Zhang San", "login": "zhangsan", "password": "lanterns-at-dusk"}


@pytest.fixture
def branch(session: Session) -> Branch:
    return given_branch(session)


@pytest.fixture
def admin(session: Session, branch: Branch) -> Person:
    return given_person(session, branch, "admin", [Role.ADMIN])


@pytest.fixture
def office(app: Flask, admin: Person) -> Client:
    return signed_in(app, admin)


def added(office: Client, branch: Branch, **changes: Any) -> Any:
    return office.post("/api/v1/people", json={**NEW, "branch_id": str(branch.id), **changes})


def signs_in(app: Flask, login: str, password: str) -> int:
    return visitor(app).post("/api/v1/session", json={"login": login, "password": password}).status_code


def test_a_new_colleague_can_sign_in_and_may_do_nothing_before_a_role_is_granted(
    app: Flask, office: Client, branch: Branch
) -> None:
    answer = added(office, branch)
    assert answer.status_code == 201, answer.text
    body = answer.get_json()
    assert "password" not in answer.text
    browser = visitor(app)
    browser.post("/api/v1/session", json={"login": "zhangsan", "password": NEW["password"]})
    me = browser.get("/api/v1/me").get_json()
    assert (me["roles"], me["branches"], me["permissions"]) == ([], [], [])
    granted = office.post(f"/api/v1/people/{body['id']}/grants", json={"role": "hotline"})
    assert [grant["role"] for grant in granted.get_json()["grants"]] == ["hotline"]
    assert "take_calls" in browser.get("/api/v1/me").get_json()["permissions"], "it counts from the next request"
    grant_id = granted.get_json()["grants"][0]["id"]
    assert office.delete(f"/api/v1/people/{body['id']}/grants/{grant_id}").status_code == 204
    assert browser.get("/api/v1/me").get_json()["permissions"] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"login": "admin"}, "login-taken"),
        ({"staff_no": "T-TAKEN"}, "staff-no-taken"),
        ({"password": "12345678"}, "weak-password"),
        ({"password": "zhangsan-zhangsan"}, "weak-password"),
        ({"login": "Zhang San"}, "invalid"),
        ({"login": None}, "invalid"),
        ({"phone": "not a phone"}, "invalid"),
        ({"locale": "fr"}, "invalid"),
        ({"roles": ["admin"]}, "invalid"),
        ({"active": False}, "invalid"),
        ({"id": "01900000-0000-7000-8000-000000000000"}, "invalid"),
        ({"password_hash": "x"}, "invalid"),
    ],
)
def test_a_colleague_who_does_not_fit_is_refused_and_nobody_is_added(
    office: Client, branch: Branch, session: Session, changes: dict[str, Any], code: str
) -> None:
    given_person(session, branch, "taken", [], staff_no="T-TAKEN")
    before = len(session.scalars(select(Person)).all())
    answer = added(office, branch, **changes)
    assert answer.get_json()["code"] == code, answer.text
    assert len(session.scalars(select(Person)).all()) == before


def test_login_and_password_come_together(office: Client, branch: Branch) -> None:
    without = {key: value for key, value in NEW.items() if key != "password"}
    answer = office.post("/api/v1/people", json={**without, "branch_id": str(branch.id)})
    assert answer.get_json()["errors"][0]["field"] == "password"


def test_a_new_password_ends_the_logins_before(app: Flask, office: Client, session: Session, branch: Branch) -> None:
    person = given_person(session, branch, "lisi")
    browser = signed_in(app, person)
    answer = office.patch(f"/api/v1/people/{person.id}", json={"password": "lanterns-at-dawn"})
    assert answer.status_code == 200
    assert browser.get("/api/v1/me").status_code == 401
    assert signs_in(app, "lisi", PASSWORD) == 401
    assert signs_in(app, "lisi", "lanterns-at-dawn") == 201


def test_closing_an_account_ends_its_logins_on_tablets_too(
    app: Flask, office: Client, session: Session, branch: Branch
) -> None:
    person = given_person(session, branch, "lisi", [Role.CREW_MEMBER])
    tablet = given_tablet(app, session, person)
    assert office.patch(f"/api/v1/people/{person.id}", json={"active": False}).get_json()["active"] is False
    assert visitor(app).get("/api/v1/me", headers=tablet.headers).status_code == 401
    assert signs_in(app, "lisi", PASSWORD) == 401


def test_changing_a_name_leaves_logins_alone(app: Flask, office: Client, session: Session, branch: Branch) -> None:
    person = given_person(session, branch, "lisi")
    browser = signed_in(app, person)
    assert office.patch(f"/api/v1/people/{person.id}", json={"name": "李四"}).get_json()["name"] == "李四"
    assert browser.get("/api/v1/me").get_json()["name"] == "李四"


def test_nobody_closes_their_own_account_or_drops_their_own_administration(
    office: Client, session: Session, admin: Person
) -> None:
    assert office.patch(f"/api/v1/people/{admin.id}", json={"active": False}).get_json()["code"] == "own-account"
    grant = session.scalars(select(RoleGrant).where(RoleGrant.person_id == admin.id)).one()
    answer = office.delete(f"/api/v1/people/{admin.id}/grants/{grant.id}")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "own-account")


def test_a_role_is_granted_once(office: Client, session: Session, branch: Branch) -> None:
    person = given_person(session, branch, "lisi", [Role.HOTLINE])
    answer = office.post(f"/api/v1/people/{person.id}/grants", json={"role": "hotline"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "role-granted")


def test_an_administrator_keeps_only_their_own_branch(
    app: Flask, session: Session, branch: Branch, office: Client, admin: Person
) -> None:
    far = given_branch(session, "FAR")
    stranger = given_person(session, far, "stranger", [Role.CREW_MEMBER])
    mine = given_person(session, branch, "lisi", [])
    grant = session.scalars(select(RoleGrant).where(RoleGrant.person_id == stranger.id)).one()
    for answer in (
        office.patch(f"/api/v1/people/{stranger.id}", json={"name": "x"}),
        office.post(f"/api/v1/people/{stranger.id}/grants", json={"role": "admin"}),
        office.post(f"/api/v1/people/{mine.id}/grants", json={"role": "admin", "branch_id": str(far.id)}),
        office.delete(f"/api/v1/people/{stranger.id}/grants/{grant.id}"),
        added(office, far),
    ):
        assert answer.status_code == 404, answer.text
    assert str(stranger.id) not in office.get("/api/v1/people?limit=200").text
    assert signed_in(app, stranger).get("/api/v1/people").status_code == 403
    assert admin.branch_id == branch.id


def test_a_role_in_another_branch_is_held_there_only(session: Session, runtime: Runtime, branch: Branch) -> None:
    far = given_branch(session, "FAR")
    person = given_person(session, branch, "roamer", [Role.CREW_MEMBER])
    session.add(RoleGrant(id=new_id(), branch_id=far.id, person_id=person.id, role=Role.MANAGER))
    session.commit()
    with acting(runtime, person) as uow:
        assert uow.actor.branches_with(Permission.READ_AUDIT) == [far.id]
        assert uow.actor.branches_with(Permission.WORK_JOBS) == [branch.id]
        with pytest.raises(NotFound):
            uow.actor.must(Permission.READ_MAP, new_id())
        with pytest.raises(NotFound):
            service.actor_of(uow, new_id())


def test_people_are_found_by_name_and_paged_without_more_statements(
    office: Client, session: Session, branch: Branch
) -> None:
    for number in range(6):
        given_person(session, branch, None, [Role.ENGINEER, Role.QUALITY], name=f"王_{number}", staff_no=f"A{number}")
    with count_queries() as two:
        first = office.get("/api/v1/people?limit=2&q=王_").get_json()
    with count_queries() as six:
        office.get("/api/v1/people?limit=6&q=王_").get_json()
    assert two.total == six.total == 3
    assert [row["staff_no"] for row in first["items"]] == ["A0", "A1"]
    second = office.get("/api/v1/people", query_string={"limit": 4, "q": "王_", "cursor": first["next"]}).get_json()
    assert [row["staff_no"] for row in second["items"]] == ["A2", "A3", "A4", "A5"]
    assert second["next"] is None
    assert office.get("/api/v1/people?q=王%25").get_json()["items"] == [], "a percent sign is a percent sign"


def test_the_trail_tells_who_did_what_newest_first_and_page_by_page(
    office: Client, session: Session, branch: Branch, admin: Person
) -> None:
    person = given_person(session, branch, "lisi", [])
    office.patch(f"/api/v1/people/{person.id}", json={"name": "李四", "password": "lanterns-at-dawn"})
    office.post(f"/api/v1/people/{person.id}/grants", json={"role": "hotline"})
    trail = office.get("/api/v1/audit").get_json()["items"]
    assert [(line["action"], line["entity_id"], line["person_id"]) for line in trail] == [
        ("role_granted", str(person.id), str(admin.id)),
        ("person_changed", str(person.id), str(admin.id)),
    ]
    assert trail[1]["detail"] == {"fields": ["name", "password"]}
    assert "李四" not in str(trail)
    first = office.get("/api/v1/audit?limit=1").get_json()
    rest = office.get("/api/v1/audit", query_string={"limit": 5, "cursor": first["next"]}).get_json()
    assert [line["action"] for line in first["items"] + rest["items"]] == ["role_granted", "person_changed"]
    only = office.get("/api/v1/audit?action=role_granted").get_json()["items"]
    assert [line["action"] for line in only] == ["role_granted"]


def test_only_managers_and_administrators_read_the_trail_of_their_branch(
    app: Flask, office: Client, session: Session, branch: Branch
) -> None:
    office.post(f"/api/v1/people/{given_person(session, branch, 'x1', []).id}/grants", json={"role": "hotline"})
    stranger = given_person(session, given_branch(session, "FAR"), "boss", [Role.MANAGER])
    assert signed_in(app, given_person(session, branch, "d1")).get("/api/v1/audit").status_code == 403
    assert signed_in(app, stranger).get("/api/v1/audit").get_json()["items"] == []
    assert office.get("/api/v1/audit?cursor=bm9uc2Vuc2U").status_code == 422
