"""The net under the query helpers: without any `where`, a person's transaction holds their own branches' rows only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from shapely.geometry import LineString, MultiPolygon, Point, box
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Engine,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    create_engine,
    func,
    insert,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity import service as identity
from app.identity.models import Branch, Person, Role, RoleGrant
from app.kernel import migrate, net
from app.kernel.actor import SYSTEM
from app.kernel.db import UtcDateTime
from app.kernel.geo import Shape
from app.kernel.ids import new_id
from app.kernel.net import narrow
from app.kernel.queries_counter import count_queries
from app.kernel.unit_of_work import Runtime
from app.tables import ALL_METADATA
from tests.factories import acting, given_branch, given_person
from tests.factories_field import given_crew
from tests.once import make_database

SYNC = "of the engine: by bucket, which is asked at each serving"
EVERYBODYS = {
    "due_work": "what comes by the clock, for all branches",
    "form": "checklists are of the product, not of a branch",
    "idempotency_key": "asked by the person's own id only",
    "login_throttle": "counted before anybody is known",
    "map_version": "counts changes of tables",
    "outbox": "read by workers only",
    "session": "read to find out who asks",
    **dict.fromkeys(
        (
            "blob", "blob_ref", "record_version", "sync_bucket", "sync_conflict", "sync_device_state", "sync_entry",
            "sync_epoch", "sync_incident", "sync_op", "sync_repair", "sync_subscription", "sync_upload",
        ),
        SYNC,
    ),
}  # fmt: skip
TABLES = [table for metadata in ALL_METADATA for table in metadata.sorted_tables if table.name not in EVERYBODYS]
SHAPES = {
    "POINT": Point(120.1, 30.2),
    "LINESTRING": LineString([(120.1, 30.2), (120.2, 30.2)]),
    "MULTIPOLYGON": MultiPolygon([box(120, 30, 121, 31)]),
}
_numbers = count(1)


def rows_of(branch_id: UUID) -> Iterator[tuple[Table, dict[str, Any]]]:
    """One row for each scoped table, with what must be there; rows of one branch name only each other."""
    ids: dict[str, Any] = {"branch": branch_id}
    for table in TABLES:
        row = {column.name: value_of(column, ids) for column in table.columns if is_needed(column)}
        if table.name == "branch":
            row["id"] = branch_id
        ids[table.name] = row.get("id", ids.get(table.name))
        yield table, row


def is_needed(column: Column[Any]) -> bool:
    return column.name == "branch_id" or not (column.nullable or column.identity or column.server_default)


def value_of(column: Column[Any], ids: dict[str, Any]) -> Any:
    number = next(_numbers)
    for key in column.foreign_keys:
        if key.column.name == "id":
            return ids[key.column.table.name]
    if isinstance(column.type, Enum):
        return column.type.enums[0]
    if isinstance(column.type, Shape):
        return SHAPES[column.type.kind]
    made = {
        Uuid: new_id(), Text: f"n{number}", Integer: number, Float: 1.0 * number, Boolean: False, JSONB: {},
        LargeBinary: b"%d" % number, UtcDateTime: datetime(2026, 1, 1, tzinfo=UTC), Date: date(2026, 1, 1),
    }  # fmt: skip
    return next(value for kind, value in made.items() if isinstance(column.type, kind))


@pytest.fixture
def ours_and_theirs(session: Session) -> tuple[UUID, UUID]:
    """Two branches with a row in every scoped table. What else a row must obey is not asked here."""
    for table in TABLES:
        rules = session.scalars(
            text(
                "SELECT conname FROM pg_constraint WHERE conrelid = CAST(:name AS regclass) "
                "AND (contype IN ('c', 'x') OR confrelid = 'form'::regclass)"
            ),
            {"name": table.name},
        )
        for rule in rules.all():
            session.execute(text(f'ALTER TABLE {table.name} DROP CONSTRAINT "{rule}"'))
        session.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER USER"))  # which write rows of their own
    ours, theirs = new_id(), new_id()
    for branch_id in (ours, theirs):
        for table, row in rows_of(branch_id):
            if table.name == "street_edge":
                nodes = select(func.max(text("id"))).select_from(text("street_node")).scalar_subquery()
                row |= {"from_node_id": nodes, "to_node_id": nodes}
            session.execute(insert(table).values(row))
    session.commit()
    return ours, theirs


def test_every_table_is_either_everybody_s_or_has_the_policy(session: Session) -> None:
    held = set(
        session.scalars(
            text(
                "SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid "
                "WHERE c.relrowsecurity AND p.polname = 'own_branch'"
            )
        )
    )
    assert held == {table.name for table in TABLES}
    everybodys = {table.name for metadata in ALL_METADATA for table in metadata.sorted_tables} - held
    assert everybodys == set(EVERYBODYS)


def test_a_select_without_a_where_finds_the_own_branch_s_row_of_every_table(
    session: Session, ours_and_theirs: tuple[UUID, UUID]
) -> None:
    ours, theirs = ours_and_theirs
    for branch_id in ours_and_theirs:
        with session.begin_nested() as narrowed:
            narrow(session, [branch_id])
            for table in TABLES:
                rows = session.execute(select(table)).all()
                assert len(rows) == 1, table.name
                if "branch_id" in table.columns:
                    assert rows[0].branch_id == branch_id
            narrowed.rollback()
    narrow(session, [ours, theirs])
    assert {len(session.execute(select(table)).all()) for table in TABLES} == {2}


@pytest.mark.usefixtures("ours_and_theirs")
def test_nothing_set_is_nothing_seen(session: Session) -> None:
    session.execute(text("SET LOCAL ROLE lamplighter_scoped"))
    assert {len(session.execute(select(table)).all()) for table in TABLES} == {0}


def test_nothing_is_written_into_another_branch(session: Session, ours_and_theirs: tuple[UUID, UUID]) -> None:
    ours, theirs = ours_and_theirs
    foreign = list(rows_of(theirs))
    job_of_theirs = session.scalar(text("SELECT id FROM job WHERE branch_id = :id"), {"id": theirs})
    narrow(session, [ours])
    for table, row in foreign:
        if table.name == "job_event":
            row["job_id"] = job_of_theirs
        with pytest.raises(ProgrammingError, match="row-level security"), session.begin_nested():
            session.execute(insert(table).values(row))
    for table in TABLES:
        if "branch_id" in table.columns:
            with pytest.raises(ProgrammingError, match="row-level security"), session.begin_nested():
                session.execute(update(table).values(branch_id=theirs))  # ours, given away
            taken: Any = session.execute(update(table).values(branch_id=ours))
            assert taken.rowcount == 1, table.name


def test_who_shows_a_token_is_held_to_their_branches_by_the_one_statement_that_reads_it(
    runtime: Runtime, session: Session
) -> None:
    home, other = given_branch(session), given_branch(session, "XS")
    mine, theirs = given_crew(session, home, "A1")[0].id, given_crew(session, other, "B1")[0].id
    with runtime.unit_of_work() as uow:
        token = identity.open_browser_session(uow, given_person(session, home))
    with runtime.unit_of_work() as uow:
        with count_queries() as asked:
            uow.actor = identity.actor_by_token(uow, token)
        assert asked.total == 1
        assert uow.session.scalars(select(Crew.id)).all() == [mine]
        assert uow.session.get(Crew, theirs) is None
    with runtime.unit_of_work(SYSTEM) as uow:
        assert set(uow.session.scalars(select(Crew.id))) == {mine, theirs}


def test_a_colleague_of_another_branch_with_a_role_here_has_a_name_here(runtime: Runtime, session: Session) -> None:
    home, other = given_branch(session), given_branch(session, "XS")
    guest = given_person(session, other, "guest")
    given_person(session, other, "stranger")
    session.add(RoleGrant(id=new_id(), branch_id=home.id, person_id=guest.id, role=Role.ENGINEER))
    session.commit()
    reader = given_person(session, home, "reader")
    with acting(runtime, reader) as uow:
        assert set(uow.session.scalars(select(Person.login))) == {"guest", "reader"}
    with acting(runtime, guest) as uow:
        assert set(uow.session.scalars(select(Branch.code))) == {"LH", "XS"}


@pytest.fixture
def owners_engine(worker: str) -> Iterator[Engine]:
    """A database with PostGIS whose owner is no superuser and may make no roles, as a hosting company gives it."""
    own = make_url(make_database(f"lamplighter_owned_{worker}"))
    name = f"lamplighter_owner_{worker}"
    server = create_engine(own, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CREATE EXTENSION postgis"))
        connection.execute(text(f"DROP ROLE IF EXISTS {name}"))
        connection.execute(text(f"CREATE ROLE {name} LOGIN NOSUPERUSER PASSWORD 'only-for-tests'"))
        connection.execute(text(f'ALTER DATABASE "{own.database}" OWNER TO {name}'))
        connection.execute(text(f"ALTER SCHEMA public OWNER TO {name}"))
    engine = create_engine(own.set(username=name, password="only-for-tests"))
    yield engine
    engine.dispose()
    server.dispose()
    make_database(str(own.database))  # gives the role's tables up
    server = create_engine(own, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"DROP ROLE {name}"))
    server.dispose()


def test_an_owner_without_special_rights_needs_the_role_and_then_casts_the_same_net(
    owners_engine: Engine, engine: Engine
) -> None:
    with pytest.raises(net.RoleMissing, match="GRANT lamplighter_scoped"):
        migrate.upgrade(owners_engine)
    with engine.begin() as administrator:
        administrator.execute(text(f"GRANT {net.ROLE} TO {owners_engine.url.username}"))
    migrate.upgrade(owners_engine)
    with Session(owners_engine) as session:
        home, other = given_branch(session), given_branch(session, "XS")
        given_crew(session, home, "A1")
        given_crew(session, other, "B1")
        assert set(session.scalars(select(Crew.code))) == {"A1", "B1"}
        narrow(session, [home.id])
        assert session.scalars(select(Crew.code)).all() == ["A1"]
