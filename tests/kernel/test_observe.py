"""What a request leaves behind: its number, one line, figures. Nothing personal. And whether the process can work."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from app.kernel import health
from app.kernel.clock import FrozenClock
from app.kernel.ids import new_id
from app.kernel.logs import SafeJson, add_request
from app.kernel.outbox import OutboxRow
from app.kernel.queries_counter import count_queries
from app.kernel.unit_of_work import Runtime
from tests.factories import given_branch, given_person, signed_in, visitor
from tests.kernel.workshop import CANARY, build_workshop


class Lines(logging.Handler):
    """Keeps what would be written to standard error."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.setFormatter(SafeJson())
        self.addFilter(add_request)

    def emit(self, record: logging.LogRecord) -> None:
        self.text.append(self.format(record))

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text]


@pytest.fixture
def lines() -> Iterator[Lines]:
    kept = Lines()
    logging.getLogger().addHandler(kept)
    yield kept
    logging.getLogger().removeHandler(kept)


def test_a_request_leaves_one_line_with_ids_and_figures(app: Flask, session: Session, lines: Lines) -> None:
    person = given_person(session, given_branch(session))
    browser = signed_in(app, person)
    browser.get("/api/v1/me", headers={"X-Request-Id": "from-the-proxy.7"})
    line = lines.objects()[-1]
    assert line["message"] == "request answered"
    assert line["request_id"] == "from-the-proxy.7"
    assert line["person_id"] == str(person.id)
    assert (line["method"], line["route"], line["status"], line["queries"]) == ("GET", "/api/v1/me", 200, 3)
    assert line["duration_ms"] > 0
    assert line["level"] == "INFO"


@pytest.mark.parametrize("sent", ["short", "x" * 65, "two words", "new\tline-injected"])
def test_a_request_number_that_makes_no_sense_is_replaced(app: Flask, sent: str) -> None:
    answer = visitor(app).get("/health/live", headers={"X-Request-Id": sent})
    assert len(answer.headers["X-Request-Id"]) == 36
    assert answer.headers["X-Request-Id"] != sent


def test_nothing_personal_reaches_a_log_line(runtime: Runtime, session: Session, lines: Lines) -> None:
    person = given_person(session, given_branch(session), "canary-login", name="CANARY-name", phone="CANARY-phone")
    workshop = build_workshop(runtime)
    browser = signed_in(workshop, person)
    browser.get("/CANARY-path/13900001111?phone=CANARY-query")
    browser.post("/workshop/break/code", json={"name": "CANARY-body"}, headers={"User-Agent": "CANARY-agent"})
    browser.post("/workshop/break/database")
    logging.getLogger("app.room").info("crew sent", extra={"caller": "CANARY-extra", "crew_id": "CANARY extra id"})
    logging.getLogger("some.library").warning("could not reach %s", "CANARY-argument")
    written = "\n".join(lines.text)
    assert "CANARY" not in written
    assert "canary-login" not in written
    assert CANARY not in written
    messages = [line["message"] for line in lines.objects()]
    assert messages.count("request answered") == 3
    assert "unhandled exception" in messages
    assert "could not reach %s" in messages


def test_an_exception_is_logged_with_types_and_frames_of_the_whole_chain(
    runtime: Runtime, session: Session, lines: Lines
) -> None:
    workshop = build_workshop(runtime)
    signed_in(workshop, given_person(session, given_branch(session))).post("/workshop/break/code")
    broken = next(line for line in lines.objects() if line["message"] == "unhandled exception")
    assert "builtins.RuntimeError" in broken["exc_info"]
    assert "workshop.py" in broken["exc_info"]
    assert "break_after_writing" in broken["exc_info"]
    assert broken["level"] == "ERROR"


def test_a_developer_may_see_the_words_of_exceptions() -> None:
    try:
        raise ValueError("the words")
    except ValueError as error:
        shown = SafeJson(words_of_exceptions=True).formatException((type(error), error, error.__traceback__))
    assert "ValueError: the words" in shown


def test_figures_tell_requests_by_route_and_never_a_path(app: Flask, session: Session) -> None:
    browser = signed_in(app, given_person(session, given_branch(session)))
    browser.get("/api/v1/me")
    browser.get("/no/such/CANARY-path")
    browser.open("/api/v1/me", method="CANARY")
    answer = visitor(app).get("/metrics")
    figures = answer.text
    assert answer.content_type.startswith("text/plain")
    assert 'lamplighter_requests_total{method="GET",route="/api/v1/me",status="200"}' in figures
    assert 'lamplighter_request_seconds_bucket{le="0.005",method="GET",route="/api/v1/me"}' in figures
    assert 'lamplighter_request_queries_bucket{le="12.0",method="GET",route="/api/v1/me"}' in figures
    assert 'route="(no route)",status="404"' in figures
    assert "CANARY" not in figures


def in_a_process_of_its_own(program: str, folder: Path) -> str:
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    command = [sys.executable, "-c", f"import app.kernel.metrics as m; {program}"]
    done = subprocess.run(command, env=environ, check=True, timeout=240, capture_output=True, text=True)  # noqa: S603
    return done.stdout


def test_figures_of_all_processes_are_summed(tmp_path: Path) -> None:
    for _ in range(2):
        in_a_process_of_its_own(
            "m.observe_request(method='GET', route='/x', status=200, seconds=0.1, queries=3)", tmp_path
        )
    figures = in_a_process_of_its_own("print(m.request_figures().decode())", tmp_path)
    assert 'lamplighter_requests_total{method="GET",route="/x",status="200"} 2.0' in figures
    assert 'lamplighter_request_queries_sum{method="GET",route="/x"} 6.0' in figures


def test_figures_tell_how_long_work_waits(app: Flask, session: Session, clock: FrozenClock) -> None:
    assert "lamplighter_outbox_undone 0.0" in visitor(app).get("/metrics").text
    row = OutboxRow(
        id=new_id(), event="jobs.X", task="a.b", queue="default", payload={}, created_at=clock(), due_at=clock()
    )
    session.add(row)
    session.commit()
    clock.tick(seconds=90)
    figures = visitor(app).get("/metrics").text
    assert "lamplighter_outbox_undone 1.0" in figures
    assert "lamplighter_outbox_oldest_seconds 90.0" in figures


def test_a_healthy_process_is_ready(app: Flask) -> None:
    assert visitor(app).get("/health/live").get_json() == {"status": "live"}
    answer = visitor(app).get("/health/ready")
    assert answer.get_json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "disk": "ok", "redis": "ok"},
    }
    assert answer.headers["Cache-Control"] == "no-store"


def test_without_redis_a_process_is_degraded_but_takes_work(runtime: Runtime, app: Flask) -> None:
    working, runtime.redis = runtime.redis, Redis(port=1, socket_connect_timeout=0.2)
    answer = visitor(app).get("/health/ready")
    runtime.redis = working
    assert (answer.status_code, answer.get_json()["status"]) == (200, "degraded")
    assert answer.get_json()["checks"]["redis"] == "not reachable"


def test_without_a_database_a_process_is_not_ready_and_says_try_again(runtime: Runtime, app: Flask) -> None:
    nowhere = create_engine("postgresql+psycopg://app@127.0.0.1:1/none", connect_args={"connect_timeout": 1})
    working = runtime.sessions, runtime.engine
    runtime.sessions, runtime.engine = sessionmaker(nowhere), nowhere
    ready = visitor(app).get("/health/ready")
    refused = visitor(app).get("/api/v1/me", headers={"Authorization": "Bearer anything"})
    figures = visitor(app).get("/metrics")
    runtime.sessions, runtime.engine = working
    nowhere.dispose()
    assert (ready.status_code, ready.get_json()["status"]) == (503, "unready")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "unavailable")
    assert refused.headers["Retry-After"] == "5"
    assert figures.status_code == 200
    assert "lamplighter_outbox_undone" not in figures.text


def test_a_database_that_takes_no_writes_or_has_another_schema_is_not_ready(runtime: Runtime) -> None:
    address = runtime.engine.url
    read_only = create_engine(address, connect_args={"options": "-c default_transaction_read_only=on"})
    elsewhere = create_engine(address, connect_args={"options": "-c search_path=pg_temp"})
    asleep = replace(runtime, sessions=sessionmaker(read_only), engine=elsewhere)
    found = health.checks(asleep)
    read_only.dispose()
    elsewhere.dispose()
    assert (found["database"], found["migrations"]) == ("read only", "not the newest")
    assert health.verdict(found) == "unready"


def test_a_disk_that_is_almost_full_is_not_ready(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        total: int
        used: int
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(100, 91, 9))
    assert health.checks(runtime)["disk"] == "almost full"


def test_statements_are_counted_in_the_block_and_nowhere_else(session: Session) -> None:
    with count_queries() as outer:
        session.execute(text("select 1"))
        with count_queries() as inner, session.begin_nested():
            session.execute(text("select 2"))
    session.execute(text("select 3"))
    assert outer.statements == ["select 1", "select 2"]
    assert inner.total == 1
