"""The net under the query helpers: row-level security by branch.

Every table with a branch has a policy `own_branch`: its rows are there only for the branches of this transaction. A
transaction is narrowed by the very statement that finds out who asks; from then on it runs as `lamplighter_scoped`, a
role that owns nothing and passes by no policy. What works for all branches (migrations, workers, the command line,
the sync engine's judging and stamping) keeps the role it connected with, the tables' owner, whom policies leave alone.
Why it is made like this: app/decisions/0010-the-net-is-a-role.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

ROLE = "lamplighter_scoped"
BRANCHES = "app.branch_ids"  # comma-separated; nothing: no branch


class RoleMissing(Exception):
    """The role of narrowed transactions is not there, or this user may not take it."""

    def __init__(self) -> None:
        super().__init__(
            f"the database's user may not take the role {ROLE}: grant it CREATEROLE, or let an administrator run "
            f"CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO the_user;"
        )


def narrowing(branch_ids: ColumnElement[str]) -> ColumnElement[Any]:
    """An expression that narrows its transaction to these branches (joined by commas) when a row of it is made."""
    return func.concat(func.set_config(BRANCHES, branch_ids, True), func.set_config("role", ROLE, True))


_NARROW = select(narrowing(bindparam("branch_ids")))


def narrow(session: Session, branch_ids: Iterable[UUID]) -> None:
    """Narrow a transaction whose actor was known before it began, by a statement of its own."""
    session.execute(_NARROW, {"branch_ids": ",".join(map(str, branch_ids))})


def make_role(connection: Connection) -> None:
    """Make the role and let this user take it. Roles belong to the whole server: it may be there already.

    Raises:
        RoleMissing: it is not, and this user may not make it.
    """
    try:
        connection.execute(_MAKE_ROLE)
    except ProgrammingError as refused:
        raise RoleMissing from refused


# Two databases of one server may be made at the same time. Since PostgreSQL 16 to have made a role is not to be able
# to take it.
_MAKE_ROLE = text(
    f"""
    DO $$
    DECLARE taking text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
        BEGIN
          CREATE ROLE {ROLE} NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
      END IF;
      IF NOT pg_has_role('{ROLE}', taking) THEN
        GRANT {ROLE} TO CURRENT_USER;
      END IF;
    END $$
    """
)


def let_role_work(connection: Connection) -> None:
    """Give the role the use of our tables, and the planner the use of their spatial indexes under a policy."""
    connection.execute(_GRANT)
    if connection.execute(_IS_SUPERUSER).scalar_one():
        connection.execute(_LEAKPROOF)


_GRANT = text(
    f"""
    DO $$
    DECLARE name text;
    BEGIN
      FOR name IN SELECT quote_ident(tablename) FROM pg_tables
                  WHERE schemaname = 'public' AND pg_has_role(tableowner, 'USAGE')
      LOOP
        EXECUTE 'GRANT SELECT, INSERT, UPDATE, DELETE ON public.' || name || ' TO {ROLE}';
      END LOOP;
    END $$
    """  # noqa: S608  # fixed fragments
)
_IS_SUPERUSER = text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
# A policy goes before what might tell of a row that it hides, which PostgreSQL believes of every operator not marked.
# Comparing two bounding boxes tells nothing: it raises no error and writes no log.
_LEAKPROOF = text("ALTER FUNCTION geography_overlaps(geography, geography) LEAKPROOF")
