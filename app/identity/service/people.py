"""People and their roles, as an administrator keeps them; and one's own choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.identity import rules, secrets
from app.identity.errors import OwnAccount
from app.identity.models import Person, Role, RoleGrant
from app.identity.queries import logins as login_queries
from app.identity.queries import people as queries
from app.identity.service.trail import audit
from app.kernel.actor import Permission
from app.kernel.problems import FieldError, Invalid
from app.kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class PersonView:
    """A person with the roles they have in the branches the reader may see."""

    person: Person
    grants: list[RoleGrant]


@dataclass(frozen=True)
class Me:
    """The signed-in person, their branches and what they may do."""

    person: Person
    roles: list[str]
    branches: list[queries.BranchView]
    permissions: list[str]


def me(uow: UnitOfWork) -> Me:
    """Who is signed in."""
    person, _ = login_queries.person_with_grants(uow.session, _own_id(uow))
    return Me(
        person=person,
        roles=sorted(uow.actor.roles),
        branches=queries.branches(uow.session, uow.actor.branch_ids),
        permissions=sorted({permission.value for held in uow.actor.grants.values() for permission in held}),
    )


def choose_locale(uow: UnitOfWork, locale: str) -> Me:
    """The language of one's screens."""
    person, _ = login_queries.person_with_grants(uow.session, _own_id(uow))
    person.locale = locale
    return me(uow)


def _own_id(uow: UnitOfWork) -> UUID:
    if uow.actor.person_id is None:
        raise Invalid(FieldError("person_id", "required"))
    return uow.actor.person_id


def list_people(uow: UnitOfWork, *, q: str | None, cursor: str | None, limit: int) -> list[PersonView]:
    """People whom the actor may read, by staff number; one more than `limit` tells of a next page."""
    branch_ids = uow.actor.must_somewhere(Permission.READ_STAFF)
    found = queries.people(uow.session, branch_ids=branch_ids, q=q, cursor=cursor, limit=limit)
    return _with_grants(uow, found, branch_ids)


def _with_grants(uow: UnitOfWork, people: Sequence[Person], branch_ids: list[UUID]) -> list[PersonView]:
    grants = queries.grants_of(uow.session, [person.id for person in people], branch_ids=branch_ids)
    return [PersonView(person, [grant for grant in grants if grant.person_id == person.id]) for person in people]


def add_person(uow: UnitOfWork, *, branch_id: UUID, password: str | None = None, **fields: Any) -> PersonView:
    """A new colleague; with login and password they can sign in, but may do nothing before a role is granted.

    Raises:
        WeakPassword, LoginTaken, StaffNoTaken.
        Invalid: a login without a password, or a password without a login.
    """
    uow.actor.must(Permission.MANAGE_PEOPLE, branch_id)
    login = fields.get("login")
    if (login is None) != (password is None):
        raise Invalid(FieldError("password" if login else "login", "required"))
    person = Person(id=uow.new_id(), branch_id=branch_id, **fields)
    if password is not None:
        _set_password(person, password)
    uow.session.add(person)
    uow.session.flush()  # a taken login must speak before the trail is written
    audit(uow, "person_added", "person", person.id, branch_id=branch_id)
    return PersonView(person, [])


def change_person(uow: UnitOfWork, person_id: UUID, changes: dict[str, Any]) -> PersonView:
    """Change what is named. A new password, a new login or a closed account ends the person's logins.

    Raises:
        OwnAccount: closing one's own account.
        WeakPassword, LoginTaken, StaffNoTaken.
    """
    person = _managed(uow, person_id)
    password = changes.pop("password", None)
    if changes.get("active") is False and person.id == uow.actor.person_id:
        raise OwnAccount
    for name, value in changes.items():
        setattr(person, name, value)
    if password is not None:
        _set_password(person, password)
    if password is not None or {"active", "login"} & changes.keys():
        login_queries.end_logins_of_person(uow.session, person.id, uow.now)
    uow.session.flush()  # a taken login must speak before the trail is written
    fields = sorted([*changes, *(["password"] if password is not None else [])])
    audit(uow, "person_changed", "person", person.id, {"fields": fields}, branch_id=person.branch_id)
    return _with_grants(uow, [person], uow.actor.branches_with(Permission.MANAGE_PEOPLE))[0]


def _set_password(person: Person, password: str) -> None:
    if person.login is None:
        raise Invalid(FieldError("login", "required"))
    rules.check_password(password, login=person.login)
    person.password_hash = secrets.hash_password(password)


def _managed(uow: UnitOfWork, person_id: UUID) -> Person:
    person = queries.get_person(uow.session, person_id, branch_ids=uow.actor.branch_ids)
    uow.actor.must(Permission.MANAGE_PEOPLE, person.branch_id)
    return person


def grant_role(uow: UnitOfWork, person_id: UUID, *, role: Role, branch_id: UUID | None = None) -> PersonView:
    """Give a person a role, in their own branch unless another is named. Whoever gives it manages people there.

    Raises:
        RoleGranted: they have it already.
    """
    person = _managed(uow, person_id)
    where = branch_id or person.branch_id
    uow.actor.must(Permission.MANAGE_PEOPLE, where)
    uow.session.add(RoleGrant(id=uow.new_id(), branch_id=where, person_id=person.id, role=role))
    uow.session.flush()  # a role held already must speak before the trail is written
    audit(uow, "role_granted", "person", person.id, {"role": role.value}, branch_id=where)
    return _with_grants(uow, [person], uow.actor.branches_with(Permission.MANAGE_PEOPLE))[0]


def withdraw_role(uow: UnitOfWork, person_id: UUID, grant_id: UUID) -> None:
    """Take a role away; it counts from the person's next request.

    Raises:
        OwnAccount: one's own administrator's role.
    """
    grant = queries.get_grant(uow.session, person_id, grant_id, branch_ids=uow.actor.branch_ids)
    uow.actor.must(Permission.MANAGE_PEOPLE, grant.branch_id)
    if grant.person_id == uow.actor.person_id and grant.role is Role.ADMIN:
        raise OwnAccount
    uow.session.delete(grant)
    audit(uow, "role_withdrawn", "person", person_id, {"role": grant.role.value}, branch_id=grant.branch_id)
