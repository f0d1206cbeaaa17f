"""A database of its own for benchmarks, beside the product's, filled once and kept for the next run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, create_engine, make_url, text

from app.district.load import load_district
from app.factory import build_runtime
from app.kernel import migrate
from app.kernel.unit_of_work import Runtime

DEMO_DAY = datetime(2026, 7, 16, 8, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
SEED = 20260716


def make_database(server: Engine, name: str) -> str:
    """An empty database beside the server's; returns its address."""
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    return server.url.set(database=name).render_as_string(hide_password=False)


@contextmanager
def scratch(runtime: Runtime, size: str) -> Iterator[Runtime]:
    """A runtime over a freshly loaded district of the given size, dropped afterwards."""
    name = f"{make_url(runtime.settings.database_url).database}_bench_{size}"
    url = make_database(runtime.engine, name)
    engine = create_engine(url)
    migrate.upgrade(engine)
    blob_root = runtime.settings.blob_root.parent / "bench-blobs"
    load_district(engine, size=size, seed=SEED, anchor=DEMO_DAY, blob_root=blob_root, progress=lambda line: None)
    engine.dispose()
    own = build_runtime(replace(runtime.settings, database_url=url, blob_root=blob_root))
    own.clock = lambda: DEMO_DAY
    try:
        yield own
    finally:
        own.engine.dispose()
        with runtime.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
