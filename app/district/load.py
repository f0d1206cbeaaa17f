"""The district's way into the database: COPY, one transaction, then sync entries and statistics."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg
from psycopg import sql
from shapely import points, set_srid, to_wkb
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.district.book import Row
from app.district.generate import Made, Progress, district
from app.district.ground import BRANCH_CODE
from app.district.plane import Plane
from app.district.seeding import seed_sync
from app.identity.secrets import hash_password
from app.kernel.blobs import Blobs

DEMO_PASSWORD = "Longheng-2026"  # noqa: S105 - printed by `up`; only synthetic branches are loaded with it

Counts = Mapping[str, int]


class AlreadyLoaded(Exception):
    """The district is in this database already; wipe it first to load it anew."""


def load_district(
    engine: Engine, *, size: str, seed: int, anchor: datetime, blobs: Blobs, progress: Progress
) -> Counts:
    """Load the synthetic district; rows by table. Everything or nothing.

    Raises:
        AlreadyLoaded: a branch with the district's code exists.
    """
    with Session(engine) as session, session.begin():
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('lamplighter.district'))"))  # two loaders at once
        # Drawing the ground takes longer than a forgotten transaction may idle.
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        first_street_id = _free_street_id(session)
        sender = Sender(_driver(session))
        made: Made = district(size, seed, anchor, sink=sender.send, keep=blobs.put, first_street_id=first_street_id,
                              password_hash=hash_password(DEMO_PASSWORD), progress=progress)  # fmt: skip
        _move_street_sequence(session)
        progress("同步桶 / sync buckets")
        entries = seed_sync(session, made.branch_id, anchor)
    progress("统计信息 / statistics")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return {**made.counts, "sync_entry": entries}


def _free_street_id(session: Session) -> int:
    if session.scalar(text("SELECT 1 FROM branch WHERE code = :code"), {"code": BRANCH_CODE}):
        raise AlreadyLoaded
    highest = "SELECT greatest((SELECT max(id) FROM street_node), (SELECT max(id) FROM street_edge), 0) + 1"
    return int(session.scalar(text(highest)) or 1)


def _move_street_sequence(session: Session) -> None:
    for table in ("street_node", "street_edge"):
        session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"))  # noqa: S608


def _driver(session: Session) -> psycopg.Connection[Any]:
    raw = session.connection().connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("the loader speaks psycopg")
    return raw


class Sender:
    """Rows to COPY. Shapes are projected and written as EWKB, dicts and lists as JSON."""

    def __init__(self, connection: psycopg.Connection[Any], plane: Plane | None = None) -> None:
        self.connection, self.plane = connection, plane or Plane()

    def send(self, table: str, rows: list[Row]) -> None:
        """Copy rows, which must all have the same columns, into a table."""
        columns = list(rows[0])
        named = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        values = [self._column([row[column] for row in rows]) for column in columns]
        with self.connection.cursor() as cursor, cursor.copy(named) as copy:
            for row in zip(*values, strict=True):
                copy.write_row(row)

    def _column(self, values: list[Any]) -> list[Any]:
        sample = next((value for value in values if value is not None), None)
        if isinstance(sample, BaseGeometry | tuple):
            return list(ewkb(self.plane, values))
        if isinstance(sample, dict | list):
            return [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
        return values


def ewkb(plane: Plane, shapes: list[BaseGeometry] | list[tuple[float, float]]) -> list[str]:
    """Hexadecimal EWKB in WGS 84 of shapes in metres; pairs are points (a hundred thousand of them)."""
    if isinstance(shapes[0], tuple):
        degrees = points(plane.degrees(np.asarray(shapes)))
    else:
        degrees = plane.to_wgs84(np.array(shapes, dtype=object))
    return [str(one) for one in to_wkb(set_srid(degrees, 4326), hex=True, include_srid=True, byte_order=1)]


@dataclass(frozen=True)
class Login:
    """One of the demo's logins."""

    login: str
    password: str
    name: str
    name_en: str
    roles: str


def demo_logins(session: Session) -> Iterator[dict[str, str]]:
    """Logins of the synthetic branch, with the one demo password; nothing where there is none."""
    found = session.execute(
        text(
            "SELECT p.login, p.name, p.name_en, string_agg(r.role, ', ' ORDER BY r.role) FROM person p "
            "JOIN branch b ON b.id = p.branch_id AND b.synthetic AND b.code = :code "
            "JOIN role_grant r ON r.person_id = p.id WHERE p.login IS NOT NULL GROUP BY p.id ORDER BY p.staff_no"
        ),
        {"code": BRANCH_CODE},
    )
    for login, name, name_en, roles in found:
        yield asdict(Login(login, DEMO_PASSWORD, name, name_en, roles))
