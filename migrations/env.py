"""Alembic environment: the address comes from the caller, the tables from the application."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import create_engine, pool, text

from app.kernel.geo import Shape
from app.tables import ALL_METADATA

LOCK_TIMEOUT = "5s"  # a migration that cannot get its lock soon must not queue everybody behind it
POSTGIS_OWN = {"spatial_ref_sys", "geography_columns", "geometry_columns"}


def include(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave PostGIS's own tables alone."""
    return not (kind == "table" and name in POSTGIS_OWN)


def render(kind: str, obj: Any, autogen_context: Any) -> str | bool:
    """Plain types, so that old migrations never import the application."""
    if kind != "type":
        return False
    if isinstance(obj, Shape):
        autogen_context.imports.add("import geoalchemy2")
        return f"geoalchemy2.Geography(geometry_type={obj.kind!r}, srid=4326, spatial_index=False)"
    if type(obj).__module__.startswith(("app.", "mobile_sync.")):
        return f"sa.{obj.impl!r}"
    return False


def run() -> None:
    """Upgrade or compare over one connection."""
    url = context.config.get_main_option("sqlalchemy.url")
    engine = create_engine(url or "", poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=ALL_METADATA,
            include_name=include,
            render_item=render,
            compare_type=False,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
