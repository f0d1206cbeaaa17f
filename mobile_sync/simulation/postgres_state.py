"""A schema of the simulation's own: made, emptied, saved, put back and brought to the next version."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine, make_url, text, update
from sqlalchemy import select as choose
from sqlalchemy.orm import Session

from mobile_sync.adapters.entries import bucket_ids
from mobile_sync.adapters.sql import metadata
from mobile_sync.adapters.tables import record_version, sync_conflict, sync_entry
from mobile_sync.simulation import shop
from mobile_sync.simulation.postgres_app import app_metadata, thing
from mobile_sync.upcast import upcast_patch

SCHEMA = "mobile_sync_simulation"
_LOCK_WAIT_MS = 30  # a device does not wait for the desk for ever


def simulation_engine(address: str) -> Engine:
    """An engine whose connections see the simulation's schema only, made afresh in the database at `address`."""
    url = make_url(address).set(drivername="postgresql+psycopg")
    options = f"-c search_path={SCHEMA} -c lock_timeout={_LOCK_WAIT_MS} -c synchronous_commit=off"
    engine = create_engine(url, connect_args={"options": options}, pool_size=10)
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        metadata.create_all(connection)
        app_metadata.create_all(connection)
        for table in _TABLES:
            connection.execute(text(f"CREATE TABLE saved_{table} (LIKE {table})"))
    return engine


def drop_schema(engine: Engine) -> None:
    """Leave nothing behind."""
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
    engine.dispose()


_TABLES = [table.name for table in (*metadata.sorted_tables, *app_metadata.sorted_tables)]
_EMPTY = "; ".join(f"DELETE FROM {table}; DELETE FROM saved_{table}" for table in reversed(_TABLES))  # noqa: S608
_KEEP = "; ".join(
    f"DELETE FROM saved_{table}; INSERT INTO saved_{table} SELECT * FROM {table}"  # noqa: S608
    for table in _TABLES
)
_WIPE = "; ".join(f"DELETE FROM {table}" for table in reversed(_TABLES))  # noqa: S608
_PUT_BACK = "; ".join(
    f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM saved_{table}"  # noqa: S608
    for table in _TABLES
)


def begin_empty(engine: Engine) -> None:
    """No rows; the buckets are there, as buckets are made before anybody has one."""
    with Session(engine) as session, session.begin():
        session.execute(text(_EMPTY))
        bucket_ids(session, shop.BUCKETS)


def keep_backup(engine: Engine) -> None:
    """Every table as it is, without what open transactions wrote."""
    with Session(engine) as session, session.begin():
        session.execute(text(_KEEP))


def put_back(engine: Engine) -> None:
    """Every table as it was."""
    with Session(engine) as session, session.begin():
        session.execute(text(_WIPE))
        session.execute(text(_PUT_BACK))


def migrate(session: Session, version: int) -> None:
    """Records, history and conflicts by the same step that ops go through; every document is to be sent again."""
    step = shop.UPCASTERS[version - 1]
    for row in session.execute(choose(thing)).all():
        session.execute(update(thing).where(thing.c.id == row.id).values(fields=dict(step(row.fields))))
    one = record_version.c
    for row in session.execute(choose(one.entity, one.rec_id, one.rev, one.patch)).all():
        here = (one.entity == row.entity, one.rec_id == row.rec_id, one.rev == row.rev)
        session.execute(update(record_version).where(*here).values(patch=upcast_patch(row.patch, step)))
    for row in session.execute(choose(sync_conflict.c.id, sync_conflict.c.field)).all():
        name = next(iter(step({row.field: None})))
        session.execute(update(sync_conflict).where(sync_conflict.c.id == row.id).values(field=name))
    session.execute(update(sync_entry).where(sync_entry.c.gone.is_(False)).values(dirty=True))
