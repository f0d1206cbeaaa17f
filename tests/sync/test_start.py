"""A server process notices at its start that the database was restored."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.config import Settings
from app.factory import build_runtime, start_serving
from app.kernel.unit_of_work import Runtime
from mobile_sync.adapters.sql import current_epoch

RESTORED = text("UPDATE sync_epoch SET fingerprint = 'of another cluster'")


def test_a_restored_database_has_a_new_life_before_the_first_request(runtime: Runtime, session: Session) -> None:
    before = current_epoch(session)
    session.execute(RESTORED)
    session.commit()
    start_serving(runtime)
    after = current_epoch(session)
    assert after != before
    start_serving(runtime)
    assert current_epoch(session) == after, "a second process leaves it alone"


def test_processes_that_start_together_agree_on_one_life(committed_runtime: Runtime) -> None:
    with committed_runtime.sessions() as session:
        before = current_epoch(session)
        session.execute(RESTORED)
        session.commit()
    # Processes, as in the product: threads that build routes at once meet a fault of CPython 3.11 (gh-106905).
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        list(processes.map(serve_once, [committed_runtime.settings] * 3))
    with committed_runtime.sessions() as session:
        after = current_epoch(session)
        assert after != before
        assert session.scalar(text("SELECT count(*) FROM sync_epoch")) == 1


def serve_once(settings: Settings) -> None:
    """What each server process does first, in a process of its own."""
    process = build_runtime(settings)
    start_serving(process)
    process.redis.close()
    process.engine.dispose()


def test_a_server_starts_without_its_database(settings: Settings) -> None:
    runtime = build_runtime(replace(settings, database_url="postgresql+psycopg://app@127.0.0.1:1/nowhere"))
    web = start_serving(runtime).test_client()
    assert web.get("/health/live").status_code == 200
    assert web.get("/health/ready").status_code == 503
    runtime.redis.close()
