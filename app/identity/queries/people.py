"""Reads of people, their roles and their branches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session

from app.identity.models import Branch, Person, RoleGrant
from app.kernel.paging import decode_cursor, uuid_key
from app.kernel.problems import NotFound


def person_by_login(session: Session, login: str) -> Person | None:
    """The person with this login; logins are kept in small letters."""
    return session.scalar(select(Person).where(Person.login == login.strip().lower()))


def get_person(session: Session, person_id: UUID, *, branch_ids: Collection[UUID]) -> Person:
    """A person of one of these branches.

    Raises:
        NotFound: no such person there.
    """
    person = session.scalar(select(Person).where(Person.id == person_id, Person.branch_id.in_(branch_ids)))
    if person is None:
        raise NotFound
    return person


def people(
    session: Session, *, branch_ids: Collection[UUID], q: str | None, cursor: str | None, limit: int
) -> Sequence[Person]:
    """People of these branches by staff number; `limit` + 1 rows tell whether there are more."""
    query = select(Person).where(Person.branch_id.in_(branch_ids)).order_by(Person.staff_no, Person.id)
    if q:
        like = f"%{_escaped(q)}%"
        query = query.where(or_(*(field.ilike(like) for field in (Person.name, Person.name_en, Person.staff_no))))
    after = decode_cursor(cursor, keys=2)
    if after:
        query = query.where(tuple_(Person.staff_no, Person.id) > tuple_(after[0], uuid_key(after[1])))
    return session.scalars(query.limit(limit + 1)).all()


def grants_of(session: Session, person_ids: Collection[UUID], *, branch_ids: Collection[UUID]) -> list[RoleGrant]:
    """The grants of these people in these branches."""
    query = select(RoleGrant).where(RoleGrant.person_id.in_(person_ids), RoleGrant.branch_id.in_(branch_ids))
    return list(session.scalars(query.order_by(RoleGrant.role, RoleGrant.branch_id)))


def get_grant(session: Session, person_id: UUID, grant_id: UUID, *, branch_ids: Collection[UUID]) -> RoleGrant:
    """A grant of a person in one of these branches.

    Raises:
        NotFound: no such grant there.
    """
    query = select(RoleGrant).where(
        RoleGrant.id == grant_id, RoleGrant.person_id == person_id, RoleGrant.branch_id.in_(branch_ids)
    )
    grant = session.scalar(query)
    if grant is None:
        raise NotFound
    return grant


def names_of(session: Session, person_ids: Collection[UUID | None]) -> dict[UUID, tuple[str, str]]:
    """(name, name_en) by person; callers hold ids of rows they were allowed to read."""
    query = select(Person.id, Person.name, Person.name_en).where(Person.id.in_([who for who in person_ids if who]))
    return {row.id: (row.name, row.name_en) for row in session.execute(query)}


@dataclass(frozen=True)
class BranchView:
    """A branch, its IANA time zone, and the middle and the corners of its area, in degrees."""

    id: UUID
    code: str
    name_zh: str
    name_en: str
    timezone: str
    synthetic: bool
    center: list[float] | None
    bbox: list[float] | None
    map_credit: str | None


def branches(session: Session, branch_ids: Collection[UUID]) -> list[BranchView]:
    """These branches, by code."""
    query = select(Branch).where(Branch.id.in_(branch_ids)).order_by(Branch.code)
    return [_branch_view(branch) for branch in session.scalars(query)]


def _branch_view(branch: Branch) -> BranchView:
    bbox = None if branch.boundary is None else [round(degrees, 6) for degrees in branch.boundary.bounds]
    center = None if bbox is None else [round((bbox[0] + bbox[2]) / 2, 6), round((bbox[1] + bbox[3]) / 2, 6)]
    return BranchView(
        branch.id,
        branch.code,
        branch.name_zh,
        branch.name_en,
        branch.timezone,
        branch.synthetic,
        center,
        bbox,
        branch.map_credit,
    )


def get_branch(session: Session, branch_id: UUID) -> Branch:
    """A branch; callers have checked the right to it.

    Raises:
        NotFound: no such branch.
    """
    branch = session.get(Branch, branch_id)
    if branch is None:
        raise NotFound
    return branch


def _escaped(like: str) -> str:
    return like.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
