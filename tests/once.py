"""What every process of a test run needs and only one has to make: databases to copy, and the files beside them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url, text


def needed(name: str) -> str:
    """A variable of the environment that `python3 -m app test` sets; without it no test can run."""
    value = os.environ.get(name)
    if not value:
        pytest.exit(f"{name} is not set: run the tests with `python3 -m app test`", returncode=2)
    return value


def once(folder: Path, name: str, make: Callable[[], None]) -> None:
    """Make it unless a process that shares this folder has; whoever comes meanwhile waits for it."""
    done = folder / f"{name}.done"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make()
            done.touch()


def server_url() -> URL:
    """The address in DATABASE_URL; what tests make stands beside it and has its name in front: people share servers."""
    return make_url(needed("DATABASE_URL")).set(drivername="postgresql+psycopg")


def make_database(name: str, template: str = "template1") -> str:
    """A fresh database beside the one in DATABASE_URL, empty or a copy; returns its address."""
    url = server_url()
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    server.dispose()
    return url.set(database=name).render_as_string(hide_password=False)
