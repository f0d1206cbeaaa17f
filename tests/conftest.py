"""Fixtures over real services: one PostGIS database a test worker, each test in a transaction that is rolled back.

DATABASE_URL and REDIS_URL point at servers made for tests (`python3 -m app test` starts them); the databases used here
are made from and beside the one named there, never inside it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.orm import Session, SessionTransaction
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from app.config import Settings
from app.factory import build_runtime, create_app
from app.kernel import migrate
from app.kernel.clock import FrozenClock
from app.kernel.unit_of_work import Runtime
from mobile_sync.blobs import BucketAddress
from tests.object_store import bucket_server
from tests.once import make_database, needed, once, server_url

TESTS = Path(__file__).resolve().parent
A_THURSDAY_IN_JULY = datetime(2026, 7, 16, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai

WEB = "tests/web/"
TABLETS = tuple(f"{WEB}test_{name}" for name in ("convoy", "crew", "main_job", "offline"))


class TogetherByFile(LoadScopeScheduling):
    """A file's tests in one process; all that drive the whole product in two, each of which starts it once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if not file.startswith(WEB):
            return file
        return "tablets" if file.startswith(TABLETS) else "desks"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers first: as the last they would take long, with nothing left to do beside them."""
    items.sort(key=lambda item: not item.nodeid.startswith(WEB))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> TogetherByFile:
    """Instead of `--dist loadgroup`, whose marks in node ids pytest 9.2 does not let xdist 3.8 write."""
    return TogetherByFile(config, log)


@pytest.fixture(scope="session")
def worker() -> str:
    """Name of the test process among parallel ones."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


REDIS_OF = {"main": 0, "gw0": 1, "gw1": 2, "gw2": 3, "gw3": 4}
WEB_REDIS = 8  # the whole product's workers must not take the rings of other tests


def redis_url_of(worker: str, *, web: bool = False) -> str:
    """A Redis database of the test process's own: two that listen to one queue take each other's work."""
    address, _, _ = needed("REDIS_URL").partition("?")
    number = REDIS_OF[worker] + (WEB_REDIS if web else 0)
    return f"{address}?db={number}"


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketAddress]:
    """An S3 bucket on this machine, for whoever takes a prefix of their own in it."""
    with bucket_server(tmp_path_factory.mktemp("objects")) as address:
        yield address


@pytest.fixture(scope="session")
def run_folder(worker: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run share, and no other run."""
    own = tmp_path_factory.getbasetemp()
    return own if worker == "main" else own.parent


@pytest.fixture(scope="session")
def migrated(run_folder: Path) -> str:
    """Name of an empty database at the newest version, made once a run: copying takes a tenth of the time."""
    name = f"{server_url().database}_migrated"

    def make() -> None:
        engine = create_engine(make_database(name))
        migrate.upgrade(engine)
        engine.dispose()

    once(run_folder, "migrated", make)
    return name


@pytest.fixture(scope="session")
def database_url(worker: str, migrated: str) -> str:
    """A migrated, empty database of this worker's own."""
    return make_database(f"{server_url().database}_test_{worker}", migrated)


@pytest.fixture(scope="session")
def settings(database_url: str, worker: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the application under test."""
    return Settings(
        database_url=database_url,
        redis_url=redis_url_of(worker),
        blob_root=tmp_path_factory.mktemp("blobs"),
        secret_key="only-for-tests-" + "x" * 32,
        public_origin="http://localhost",
    )


@pytest.fixture(scope="session")
def engine(settings: Settings) -> Iterator[Engine]:
    """The worker's engine."""
    engine = create_engine(settings.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> FrozenClock:
    """08:00 on a Thursday in July, in Shanghai; moves when told."""
    return FrozenClock(A_THURSDAY_IN_JULY)


@pytest.fixture
def runtime(settings: Settings, engine: Engine, clock: FrozenClock, tmp_path: Path) -> Iterator[Runtime]:
    """A runtime whose every commit is a savepoint of one transaction, rolled back at the end."""
    runtime = build_runtime(replace(settings, blob_root=tmp_path / "blobs"))
    runtime.clock = clock
    with engine.connect() as connection:
        outer = connection.begin()
        runtime.sessions.configure(bind=connection, join_transaction_mode="create_savepoint")

        def widen(_session: Session, ended: SessionTransaction) -> None:
            """Take back what a transaction of the product's own would lose at its end: here it was a savepoint."""
            if ended.parent is None:
                assert connection.connection.driver_connection is not None
                connection.connection.driver_connection.execute("SET LOCAL ROLE NONE")

        event.listen(runtime.sessions, "after_transaction_end", widen)
        yield runtime
        outer.rollback()
    runtime.redis.close()
    runtime.engine.dispose()


@pytest.fixture
def session(runtime: Runtime) -> Iterator[Session]:
    """A session inside the test's transaction, to look at what is there."""
    with runtime.sessions() as session:
        yield session


@pytest.fixture(scope="session")
def composed(settings: Settings) -> Iterator[Flask]:
    """The web application, composed once: it takes a tenth of a second."""
    runtime = build_runtime(settings)
    yield create_app(runtime)
    runtime.redis.close()
    runtime.engine.dispose()
    runtime.lookups.dispose()


@pytest.fixture
def app(composed: Flask, runtime: Runtime) -> Flask:
    """The web application over the test's transaction."""
    composed.extensions["lamplighter"] = runtime
    return composed


@pytest.fixture
def committed_runtime(settings: Settings, engine: Engine, clock: FrozenClock, tmp_path: Path) -> Iterator[Runtime]:
    """A runtime that really commits, for tests of races; every table is emptied afterwards."""
    runtime = build_runtime(replace(settings, blob_root=tmp_path / "blobs"))
    runtime.clock = clock
    yield runtime
    runtime.redis.close()
    runtime.engine.dispose()
    runtime.lookups.dispose()
    with engine.begin() as connection:
        tables = connection.execute(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN "
                "('alembic_version', 'spatial_ref_sys')"
            )
        ).scalars()
        connection.execute(text("TRUNCATE " + ", ".join(f'"{name}"' for name in tables) + " CASCADE"))
