"""The web habits of every room: keys, revisions, bodies, methods, languages, one transaction a request."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.factory import create_app
from app.identity.models import Branch, Person, Role
from app.kernel.clock import FrozenClock
from app.kernel.idempotency import IdempotencyKey, forget_old
from app.kernel.problems import Problem, every_problem
from app.kernel.unit_of_work import Runtime
from tests.factories import Client, given_branch, given_person, signed_in, visitor
from tests.kernel.workshop import CANARY, build_workshop

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def branch(session: Session) -> Branch:
    return given_branch(session)


@pytest.fixture
def office(app: Flask, session: Session, branch: Branch) -> Client:
    return signed_in(app, given_person(session, branch, "admin", [Role.ADMIN]))


def person(branch: Branch, **changes: Any) -> dict[str, Any]:
    return {"branch_id": str(branch.id), "staff_no": "N1", "name": "张三", "name_en": "Zhang San", **changes}


def people(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Person)) or 0


# -- Idempotency-Key -------------------------------------------------------------------------------------------------


def test_a_repeated_write_gets_the_first_answer_and_happens_once(
    office: Client, session: Session, branch: Branch
) -> None:
    before = people(session)
    first = office.post("/api/v1/people", json=person(branch), key="a-key-of-mine")
    again = office.post("/api/v1/people", json=person(branch), key="a-key-of-mine")
    assert first.status_code == again.status_code == 201
    assert again.data == first.data
    assert again.content_type == first.content_type
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert people(session) == before + 1


def test_a_key_cannot_be_used_for_another_request(office: Client, session: Session, branch: Branch) -> None:
    office.post("/api/v1/people", json=person(branch), key="a-key-of-mine")
    before = people(session)
    other = office.post("/api/v1/people", json=person(branch, staff_no="N2"), key="a-key-of-mine")
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency-key-reused")
    assert people(session) == before


@pytest.mark.parametrize("key", [None, "short", "x" * 101])
def test_a_write_without_a_usable_key_is_refused(
    office: Client, session: Session, branch: Branch, key: str | None
) -> None:
    before = people(session)
    answer = office.post("/api/v1/people", json=person(branch), key=key)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "idempotency-key-missing")
    assert people(session) == before


def test_a_refused_write_leaves_its_key_free(office: Client, branch: Branch) -> None:
    refused = office.post("/api/v1/people", json=person(branch, staff_no=""), key="a-key-of-mine")
    assert refused.status_code == 422
    assert office.post("/api/v1/people", json=person(branch), key="a-key-of-mine").status_code == 201


def test_two_people_may_use_the_same_key(app: Flask, office: Client, session: Session, branch: Branch) -> None:
    other = signed_in(app, given_person(session, branch, "admin2", [Role.ADMIN]))
    assert office.post("/api/v1/people", json=person(branch), key="a-key-of-mine").status_code == 201
    theirs = other.post("/api/v1/people", json=person(branch, staff_no="N2"), key="a-key-of-mine")
    assert theirs.status_code == 201
    assert "Idempotent-Replayed" not in theirs.headers


def test_keys_are_forgotten_after_two_days(
    office: Client, runtime: Runtime, branch: Branch, clock: FrozenClock
) -> None:
    office.post("/api/v1/people", json=person(branch), key="a-key-of-mine")
    for hours, forgotten in ((48, 0), (1, 1)):
        clock.tick(hours=hours)
        with runtime.unit_of_work() as uow:
            assert forget_old(uow.session, uow.now) == forgotten


def test_twins_sent_at_once_have_one_effect(committed_runtime: Runtime) -> None:
    app = create_app(committed_runtime)
    with committed_runtime.sessions() as session:
        branch = given_branch(session)
        admin = given_person(session, branch, "admin", [Role.ADMIN])
    browsers = [signed_in(app, admin) for _ in range(4)]
    start, answers = threading.Barrier(len(browsers)), []

    def send(browser: Client) -> None:
        start.wait()
        answers.append(browser.post("/api/v1/people", json=person(branch), key="twins-at-once"))

    threads = [threading.Thread(target=send, args=[browser]) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.data for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 3
    with committed_runtime.sessions() as session:
        assert people(session) == 2
        assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 1


# -- revisions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [(None, 428, "precondition-required"), ('"6"', 412, "precondition-failed"), ("7", 412, "precondition-failed")],
)
def test_a_change_must_name_the_revision_it_was_made_on(
    runtime: Runtime, session: Session, branch: Branch, sent: str | None, status: int, code: str
) -> None:
    browser = signed_in(build_workshop(runtime), given_person(session, branch))
    headers = {"If-Match": sent} if sent else {}
    answer = browser.patch("/workshop/revision/7", json={"note": "x"}, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


@pytest.mark.parametrize("sent", ['"7"', ' "7" ', "*"])
def test_a_change_on_the_present_revision_gets_the_next_one(
    runtime: Runtime, session: Session, branch: Branch, sent: str
) -> None:
    browser = signed_in(build_workshop(runtime), given_person(session, branch))
    answer = browser.patch("/workshop/revision/7", json={"note": "x"}, headers={"If-Match": sent}, key="kept-etag")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"8"')
    again = browser.patch("/workshop/revision/7", json={"note": "x"}, headers={"If-Match": sent}, key="kept-etag")
    assert again.headers["ETag"] == '"8"', "a replay carries the revision it made"


# -- bodies, methods, languages --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"hello", JSON),
        (b"{", JSON),
        (b"\xff\xfe", JSON),
        (b"[" * 100_000, JSON),
        (b'{"locale": "en"}', {"Content-Type": "text/plain"}),
        (b"locale=en", {"Content-Type": "application/x-www-form-urlencoded"}),
        (b'{"locale": "en"}', {}),
    ],
    ids=["words", "half", "not UTF-8", "too deep", "as text", "as a form", "as nothing"],
)
def test_a_body_that_is_not_json_is_refused_and_changes_nothing(
    office: Client, body: bytes, headers: dict[str, str]
) -> None:
    answer = office.patch("/api/v1/me", data=body, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "not-json")
    assert office.get("/api/v1/me").get_json()["locale"] == "zh-CN"


@pytest.mark.parametrize("body", [[], "en", 7, None])
def test_a_body_that_is_json_but_no_object_is_refused(office: Client, body: object) -> None:
    assert office.patch("/api/v1/me", json=body).status_code in {400, 422}


def test_an_unknown_field_is_named_and_changes_nothing(office: Client) -> None:
    answer = office.patch("/api/v1/me", json={"locale": "en", "roles": ["admin"]})
    assert answer.status_code == 422
    assert answer.get_json()["errors"] == [{"field": "roles", "reason": "unknown_field", "message": "未知字段"}]
    assert office.get("/api/v1/me").get_json()["locale"] == "zh-CN"


def test_a_wrong_method_is_told_the_right_ones(office: Client) -> None:
    answer = office.put("/api/v1/me", json={})
    assert (answer.status_code, answer.get_json()["code"]) == (405, "method-not-allowed")
    assert "PATCH" in answer.headers["Allow"]


def test_an_unknown_address_is_a_problem_like_any_other(office: Client) -> None:
    answer = office.get("/api/v1/no-such-thing")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.get_json()["type"] == "urn:lamplighter:problem:not-found"


def test_a_body_beyond_the_limit_is_refused(
    office: Client, app: Flask, branch: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 1000)
    answer = office.post("/api/v1/people", json=person(branch, name="x" * 1000))
    assert (answer.status_code, answer.get_json()["code"]) == (413, "too-large")


@pytest.mark.parametrize(
    ("accepted", "title"),
    [("en", "Sign in first."), ("en-GB,zh;q=0.5", "Sign in first."), ("zh-CN", "请先登录"), ("fr", "请先登录")],
)
def test_problems_speak_the_readers_language(app: Flask, accepted: str, title: str) -> None:
    answer = visitor(app).get("/api/v1/me", headers={"Accept-Language": accepted})
    assert (answer.status_code, answer.get_json()["title"]) == (401, title)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_every_problem_has_a_sentence_in_both_languages_and_a_code_of_its_own() -> None:
    problems = [problem for problem in every_problem() if problem is not Problem and problem.__module__[:4] == "app."]
    for problem in problems:
        assert problem.__doc__, problem
        assert "title_zh" in vars(problem), problem
        assert problem.title("en").endswith("."), problem
        assert 400 <= problem.status < 600, problem
    codes = [problem.code() for problem in problems]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/no-such-thing", "/api/v1/jobs"])
def test_answers_are_kept_nowhere_and_taken_for_nothing_else(office: Client, path: str) -> None:
    headers = office.get(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


# -- what breaks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "status", "code"), [("code", 500, "internal-error"), ("database", 503, "unavailable")])
def test_what_breaks_half_way_leaves_nothing_behind_and_tells_nothing(
    runtime: Runtime, session: Session, branch: Branch, how: str, status: int, code: str
) -> None:
    somebody = given_person(session, branch)
    browser = signed_in(build_workshop(runtime), somebody)
    answer = browser.post(f"/workshop/break/{how}", headers={"X-Request-Id": "request-42"})
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert CANARY not in answer.text
    assert "Error" not in answer.text
    assert answer.headers["X-Request-Id"] == "request-42"
    session.expire_all()
    assert session.get_one(Person, somebody.id).name != CANARY
    if status == 503:
        assert int(answer.headers["Retry-After"]) > 0
    else:
        assert answer.get_json()["params"] == {"request_id": "request-42"}
