"""A database of this suite's own, with the engine's tables and a small sample application; every test starts empty."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.orm import sessionmaker

from mobile_sync.adapters.s3_store import S3Store
from mobile_sync.adapters.sql import ensure_epoch, metadata
from mobile_sync.blobs import BucketAddress
from mobile_sync.testing import Ticker
from tests.mobile_sync.files import a_device, client_of
from tests.mobile_sync.sample import NotesAtOnce, Shop, sample_metadata
from tests.mobile_sync.web import WebShop, make_app, serving
from tests.mobile_sync.worlds import MemoryWorld, SqlWorld, World
from tests.tracing import without_tracer


@pytest.fixture(scope="session")
def sync_engine() -> Iterator[Engine]:
    """A fresh database beside the one DATABASE_URL names."""
    address = os.environ.get("DATABASE_URL")
    if not address:
        pytest.exit("DATABASE_URL is not set: run the tests with `python3 -m app test`", returncode=2)
    url = make_url(address).set(drivername="postgresql+psycopg")
    name = f"{url.database}_sync_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE template0'))
    engine = create_engine(url.set(database=name), pool_size=20)
    metadata.create_all(engine)
    sample_metadata.create_all(engine)
    yield engine
    engine.dispose()
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    server.dispose()


@pytest.fixture
def clock() -> Ticker:
    """The server's clock."""
    return Ticker(datetime(2026, 7, 16, tzinfo=UTC))


def empty(engine: Engine) -> None:
    """No rows anywhere, one epoch."""
    tables = [*reversed(metadata.sorted_tables), *sample_metadata.sorted_tables]
    with engine.begin() as connection:
        for table in tables:  # a few rows each: faster than TRUNCATE, which makes new files
            connection.execute(table.delete())


@pytest.fixture
def shop(sync_engine: Engine, clock: Ticker) -> Shop:
    """The sample application over an empty database."""
    empty(sync_engine)
    shop = Shop(sessionmaker(sync_engine, expire_on_commit=False), clock)
    with shop.unit() as ctx:
        ensure_epoch(ctx.session)
    return shop


@pytest.fixture(params=["memory", "postgresql", "many at once"])
def world(request: pytest.FixtureRequest, clock: Ticker) -> World:
    """The shop, in memory and in PostgreSQL, there with its notes one by one and many at a time."""
    if request.param == "memory":
        return MemoryWorld(clock)
    shop: Shop = request.getfixturevalue("shop")
    if request.param == "many at once":
        shop.collections = {"note": NotesAtOnce()}
    return SqlWorld(shop)


@pytest.fixture
def untraced() -> Iterator[None]:
    """A test without a tracer."""
    with without_tracer():
        yield


@pytest.fixture(params=["folder", "bucket"])
def web(shop: Shop, tmp_path: Path, request: pytest.FixtureRequest) -> WebShop:
    """The shop with a door, its files in a folder or in an S3 bucket."""
    if request.param == "folder":
        return WebShop(shop, tmp_path)
    bucket: BucketAddress = request.getfixturevalue("bucket")
    return WebShop(shop, tmp_path, S3Store(replace(bucket, prefix=tmp_path.name)))


@pytest.fixture
def client(web: WebShop) -> FlaskClient:
    """A device with shelf a."""
    return client_of(web, a_device(web.shop, "a"))


@pytest.fixture
def address(web: WebShop) -> Iterator[str]:
    """A real server."""
    with serving(make_app(web)) as address:
        yield address
