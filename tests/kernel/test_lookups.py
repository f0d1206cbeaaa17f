"""What is asked all day goes past SQLAlchemy, and is as sure as what does not."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import LargeBinary, bindparam, func, literal_column, select, text

from app.config import Settings
from app.kernel.lookups import Lookup
from app.kernel.queries_counter import count_queries
from app.kernel.unit_of_work import Runtime
from app.runtime import build_runtime
from mobile_sync.adapters.bulk import Packed

ASKED = Lookup(
    "asked",
    select(
        func.pg_backend_pid().label("pid"),
        bindparam("keys", type_=Packed("text")).label("keys"),
        func.encode(bindparam("raw", type_=LargeBinary), literal_column("'hex'")).label("raw"),
        literal_column("""'[1, {"a": null}]'::json""").label("json"),
        literal_column("(SELECT 1 WHERE false)").label("nothing"),
    ),
)
BOUND = {"keys": ["crew:1", 'a "b", {c}\\'], "raw": b"\x00\xff"}


@pytest.fixture
def runtime(settings: Settings) -> Iterator[Runtime]:
    """In no transaction of a test's."""
    runtime = build_runtime(settings)
    yield runtime
    runtime.redis.close()
    runtime.engine.dispose()
    runtime.lookups.dispose()


def test_a_row_comes_as_the_driver_reads_it(runtime: Runtime) -> None:
    for _ in range(2):  # told to the connection, then known there
        with count_queries() as count:
            row = runtime.look_up(ASKED, BOUND)
        assert (row.keys, row.raw, row.json, row.nothing) == (BOUND["keys"], "00ff", [1, {"a": None}], None)
        assert count.total == 1
    assert runtime.look_up(Lookup("none", select(literal_column("1")).where(text("false"))), {}) is None


def test_a_cut_connection_is_said_to_be_one_and_not_used_again(runtime: Runtime) -> None:
    cut = runtime.look_up(ASKED, BOUND).pid
    with runtime.engine.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": cut})
    with pytest.raises(psycopg.OperationalError):
        runtime.look_up(ASKED, BOUND)
    assert runtime.look_up(ASKED, BOUND).pid != cut


def test_a_refused_statement_leaves_nothing_behind(runtime: Runtime) -> None:
    wrong = Lookup("wrong", select(literal_column("1 / 0")))
    for _ in range(2):
        with pytest.raises(psycopg.errors.DivisionByZero):
            runtime.look_up(wrong, {})
    assert runtime.look_up(ASKED, BOUND).raw == "00ff"
