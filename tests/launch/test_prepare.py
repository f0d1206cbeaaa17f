"""Data of another version of the product: older ones are brought up to date, newer ones are left alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from app.kernel import migrate as schema
from app.launch.context import Launch
from app.launch.prepare import migrate
from app.launch.report import Stop
from app.launch.services import Services
from tests.conftest import redis_url_of
from tests.once import make_database


@pytest.fixture
def services(worker: str) -> Services:
    """A database of its own, by address: what somebody else serves is asked every time."""
    return Services(make_database(f"versions_{worker}"), redis_url_of(worker))


def launched(services: Services, state: Path) -> tuple[Launch, dict[str, str]]:
    """A launcher whose environment is the running interpreter's."""
    launch = Launch.here({**os.environ, "LAMPLIGHTER_STATE": str(state)})
    launch.places.python.parent.mkdir(parents=True)
    launch.places.python.symlink_to(sys.executable)
    site = [path for path in sys.path if path.endswith("site-packages")]
    return launch, {**launch.product_env(services), "PYTHONPATH": os.pathsep.join([str(launch.places.root), *site])}


def test_an_older_database_is_brought_up_to_date(services: Services, tmp_path: Path) -> None:
    engine = create_engine(services.database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
    first = ScriptDirectory(str(schema.MIGRATIONS)).get_base()
    command.upgrade(schema.alembic_config(services.database_url), str(first))
    assert not schema.is_newest(engine)
    launch, env = launched(services, tmp_path)
    migrate(launch, services, env)
    assert schema.is_newest(engine)
    engine.dispose()


def test_a_newer_database_is_named_and_left_alone(services: Services, tmp_path: Path) -> None:
    engine = create_engine(services.database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('20991231_2359')"))
    launch, env = launched(services, tmp_path)
    with pytest.raises(Stop, match="a later Lamplighter's \\(schema 20991231_2359\\)") as stop:
        migrate(launch, services, env)
    assert "更新版本" in stop.value.zh
    assert stop.value.detail == ""
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "20991231_2359"
    engine.dispose()
