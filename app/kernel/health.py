"""Whether this process can work: the database takes writes, its schema is ours, the disk has room."""

from __future__ import annotations

import shutil
from pathlib import Path

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.kernel import migrate
from app.kernel.unit_of_work import Runtime
from mobile_sync.blobs import StoreUnavailable

LEAST_FREE = 0.10  # of the disk that holds the photos

WRITABLE = text("SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'")

NEEDED = frozenset({"database", "migrations", "disk"})


def checks(runtime: Runtime) -> dict[str, str]:
    """`ok` or what is wrong, by part."""
    found = {
        "database": _database(runtime),
        "migrations": _migrations(runtime),
        "disk": _disk(runtime.settings.blob_root),
        "redis": _redis(runtime),
    }
    return found if runtime.blobs.bucket is None else {**found, "objects": _objects(runtime)}


def verdict(found: dict[str, str]) -> str:
    """`ready`; `unready`; `degraded` when only the doorbell is gone (sweepers do its work), or the object store.

    Without the store files wait on tablets and on this machine's disk, and everything else goes on.
    """
    wrong = {part for part, state in found.items() if state != "ok"}
    if wrong & NEEDED:
        return "unready"
    return "degraded" if wrong else "ready"


def _database(runtime: Runtime) -> str:
    try:
        with runtime.sessions() as session:
            return "ok" if session.execute(WRITABLE).scalar_one() else "read only"
    except SQLAlchemyError:
        return "not reachable"


def _migrations(runtime: Runtime) -> str:
    try:
        return "ok" if migrate.is_newest(runtime.engine) else "not the newest"
    except SQLAlchemyError:
        return "not reachable"


def _disk(blob_root: Path) -> str:
    folder = next((parent for parent in (blob_root, *blob_root.parents) if parent.is_dir()), Path("/"))
    usage = shutil.disk_usage(folder)
    return "ok" if usage.free >= LEAST_FREE * usage.total else "almost full"


def _objects(runtime: Runtime) -> str:
    try:
        runtime.blobs.store.has("0" * 64)
    except StoreUnavailable:
        return "not reachable"
    return "ok"


def _redis(runtime: Runtime) -> str:
    try:
        runtime.redis.ping()
    except RedisError:
        return "not reachable"
    return "ok"
