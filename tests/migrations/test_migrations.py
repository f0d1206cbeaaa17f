"""Migrations: forward, back, forward again, and the models agree with what they make."""

from __future__ import annotations

from alembic import command
from sqlalchemy import create_engine, inspect, text

from app.kernel import migrate
from tests.once import make_database


def test_the_schema_goes_up_down_and_up_again_and_agrees_with_the_models(worker: str) -> None:
    url = make_database(f"lamplighter_migrations_{worker}")
    engine = create_engine(url)
    migrate.upgrade(engine)
    assert migrate.is_newest(engine)
    command.check(migrate.alembic_config(url))

    command.downgrade(migrate.alembic_config(url), "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version", "spatial_ref_sys"}
    assert not migrate.is_newest(engine)

    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM branch")).scalar_one() == 0
    engine.dispose()
