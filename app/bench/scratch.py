"""A database of its own for benchmarks, beside the product's, filled for one benchmark."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from redis import Redis
from sqlalchemy import Engine, create_engine, make_url, text

from app.district.load import load_district
from app.factory import build_runtime
from app.kernel import migrate
from app.kernel.blobs import Blobs
from app.kernel.clock import utc_now
from app.kernel.unit_of_work import Runtime

DEMO_DAY = datetime(2026, 7, 16, 8, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
SEED = 20260716
REDIS_DATABASES = range(15, 0, -1)


def today() -> datetime:
    """The anchor of a district whose day is now, for processes that read the real clock."""
    return utc_now().astimezone(DEMO_DAY.tzinfo).replace(second=0, microsecond=0)


def make_database(server: Engine, name: str) -> str:
    """An empty database beside the server's; returns its address."""
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    return server.url.set(database=name).render_as_string(hide_password=False)


@contextmanager
def scratch(
    runtime: Runtime, size: str, *, anchor: datetime = DEMO_DAY, redis_url: str | None = None
) -> Iterator[Runtime]:
    """A runtime over a freshly loaded district of the given size, whose clock stands at `anchor`; dropped afterwards.

    `redis_url` is another Redis than the given runtime's.
    """
    name = f"{make_url(runtime.settings.database_url).database}_bench_{size}"
    url = make_database(runtime.engine, name)
    engine = create_engine(url)
    migrate.upgrade(engine)
    blob_root = runtime.settings.blob_root.parent / "bench-blobs"
    load_district(engine, size=size, seed=SEED, anchor=anchor, blobs=Blobs(blob_root), progress=lambda line: None)
    engine.dispose()
    redis_url = redis_url or runtime.settings.redis_url
    own = build_runtime(
        replace(runtime.settings, database_url=url, blob_root=blob_root, blob_bucket=None, redis_url=redis_url)
    )
    own.clock = lambda: anchor
    try:
        yield own
    finally:
        own.engine.dispose()
        with runtime.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@contextmanager
def empty_redis(url: str) -> Iterator[str]:
    """A database of the same server that holds nothing, emptied afterwards: other workers must not take our tasks.

    Raises:
        RuntimeError: every database is in use.
    """
    address = url.partition("?")[0]
    for number in REDIS_DATABASES:
        with Redis.from_url(f"{address}?db={number}") as server:
            if server.dbsize() == 0 and server.set("bench", os.getpid(), nx=True):
                try:
                    yield f"{address}?db={number}"
                finally:
                    server.flushdb()
                return
    raise RuntimeError("every database of the Redis server holds something")
