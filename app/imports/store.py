"""Into the tables: the branch, what it has already, rows by COPY."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql
from shapely import from_wkb, set_srid, to_wkb
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.imports.checks import Known
from app.imports.mapping import NewBranch
from app.kernel.geo import WGS84
from app.kernel.unit_of_work import UnitOfWork

TOUCHED = ("network_node", "network_link", "premises", "street_node", "street_edge")


class Target(NamedTuple):
    """The branch to fill. `area` is None until a new branch's boundary is known."""

    id: UUID
    area: BaseGeometry | None
    is_new: bool


def find_branch(session: Session, code: str, new_id: UUID) -> Target:
    """The branch of this code, or a new one's id. Imports into one branch wait for each other."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtext('lamplighter.import'), hashtext(:code))"), {"code": code}
    )
    row = session.execute(
        text("SELECT id, ST_AsBinary(boundary::geometry) FROM branch WHERE code = :code"), {"code": code}
    ).one_or_none()
    if row is None:
        return Target(new_id, None, True)
    return Target(row[0], None if row[1] is None else _shape(row[1]), False)


def _shape(wkb: bytes) -> BaseGeometry:
    return from_wkb(bytes(wkb))


def make_branch(uow: UnitOfWork, target: Target, code: str, names: NewBranch | None) -> None:
    """The row of a new branch, its boundary still empty."""
    named = names or NewBranch(name_zh=code, name_en=code)
    uow.session.execute(
        text(
            "INSERT INTO branch (id, code, name_zh, name_en, timezone, synthetic) "
            "VALUES (:id, :code, :name_zh, :name_en, :timezone, false)"
        ),
        {"id": target.id, "code": code, "name_zh": named.name_zh, "name_en": named.name_en, "timezone": named.timezone},
    )


def set_boundary(session: Session, branch_id: UUID, area: MultiPolygon) -> None:
    """Where the branch lies."""
    session.execute(
        text("UPDATE branch SET boundary = ST_GeomFromEWKB(:area)::geography WHERE id = :id"),
        {"area": to_wkb(set_srid(area, WGS84), include_srid=True), "id": branch_id},
    )


def set_credit(session: Session, branch_id: UUID, credit: str) -> None:
    """Whom the branch's maps must name."""
    session.execute(text("UPDATE branch SET map_credit = :credit WHERE id = :id"), {"credit": credit, "id": branch_id})


_HULL = text(
    """
    SELECT ST_AsBinary(ST_Multi(ST_Buffer(ST_ConvexHull(ST_Collect(place))::geography, 500)::geometry)) FROM (
      SELECT location::geometry AS place FROM network_node WHERE branch_id = :id
      UNION ALL SELECT location::geometry FROM premises WHERE branch_id = :id
      UNION ALL SELECT location::geometry FROM street_node WHERE branch_id = :id) AS places
    """
)


def hull(session: Session, branch_id: UUID) -> MultiPolygon | None:
    """Half a kilometre round all that the branch has; None where it has nothing."""
    found = session.scalar(_HULL, {"id": branch_id})
    shape = None if found is None else _shape(found)
    return shape if isinstance(shape, MultiPolygon) else None


def known_of(session: Session, branch_id: UUID) -> Known:
    """Codes the branch has already."""
    nodes = session.execute(
        text("SELECT commodity, code, id FROM network_node WHERE branch_id = :id"), {"id": branch_id}
    )
    links = session.execute(text("SELECT commodity, code FROM network_link WHERE branch_id = :id"), {"id": branch_id})
    codes = session.scalars(text("SELECT code FROM premises WHERE branch_id = :id"), {"id": branch_id})
    return Known({(c, code): own for c, code, own in nodes}, {(c, code) for c, code in links}, set(codes))


def next_street_id(session: Session) -> int:
    """Street ids are counted over all branches."""
    session.execute(text("LOCK TABLE street_node, street_edge IN SHARE ROW EXCLUSIVE MODE"))
    highest = "SELECT greatest((SELECT max(id) FROM street_node), (SELECT max(id) FROM street_edge), 0) + 1"
    return int(session.scalar(text(highest)) or 1)


def finish(session: Session) -> None:
    """Move the counters of street ids on, and let the planner know what is there now."""
    for table in ("street_node", "street_edge"):
        session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"))  # noqa: S608
    for table in TOUCHED:
        session.execute(text(f"ANALYZE {table}"))


def copy_rows(session: Session, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Send rows, all with the same columns; shapes go as EWKB."""
    if not rows:
        return
    raw = session.connection().connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("imports speak psycopg")
    columns = list(rows[0])
    named = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with raw.cursor() as cursor, cursor.copy(named) as copy:
        for row in rows:
            copy.write_row([_sent(row[column]) for column in columns])


def _sent(value: Any) -> Any:
    if isinstance(value, BaseGeometry):
        return to_wkb(set_srid(value, WGS84), hex=True, include_srid=True)
    return value
