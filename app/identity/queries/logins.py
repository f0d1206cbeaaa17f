"""Reads of logins: whose a token is, what they may do, how often a password was wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    String,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.identity.models import Device, DeviceState, LoginThrottle, Person, Role, RoleGrant, SessionKind, SignedIn
from app.kernel.net import narrowing
from app.kernel.problems import NotFound


@dataclass(frozen=True)
class Standing:
    """A login with everything that decides what it may do now."""

    session_id: UUID
    kind: SessionKind
    access_expires_at: datetime
    ends: datetime
    revoked_at: datetime | None
    person_id: UUID
    home_branch_id: UUID
    locale: str
    active: bool
    device_id: UUID | None
    device_state: DeviceState | None
    grants: list[tuple[Role, UUID]]


def grants_of_person() -> ColumnElement[Any]:
    """Their (role, branch) pairs, as one JSON value beside the person."""
    pair = func.jsonb_build_array(RoleGrant.role.cast(String), RoleGrant.branch_id.cast(String))
    return (
        select(func.coalesce(func.jsonb_agg(pair), literal_column("'[]'::jsonb")))
        .where(RoleGrant.person_id == Person.id)
        .correlate(Person)
        .scalar_subquery()
    )


def scope_of_person() -> ColumnElement[str]:
    """The branch they belong to and those in which they have a role, joined by commas."""
    granted = select(func.string_agg(RoleGrant.branch_id.cast(String), ",")).where(RoleGrant.person_id == Person.id)
    return func.concat_ws(",", Person.branch_id.cast(String), granted.correlate(Person).scalar_subquery())


# Composed once: every request asks it, and composing costs more than asking.
STANDING = (
    select(
        SignedIn.id.label("session_id"),
        SignedIn.kind,
        SignedIn.access_expires_at,
        SignedIn.expires_at.label("ends"),
        SignedIn.revoked_at,
        Person.id.label("person_id"),
        Person.branch_id.label("home_branch_id"),
        Person.locale,
        Person.active,
        SignedIn.device_id,
        Device.state.label("device_state"),
        grants_of_person().label("grants"),
    )
    .join(Person, Person.id == SignedIn.person_id)
    .outerjoin(Device, Device.id == SignedIn.device_id)
    .where(SignedIn.access_hash == bindparam("access_hash"))
)
_NARROWING = STANDING.add_columns(narrowing(scope_of_person()).label("narrowed"))


def standing_by_token(session: Session, access_hash: bytes) -> Standing | None:
    """The login a token belongs to, its person, device and grants; narrows the transaction to the person's branches.

    One statement for both, because every request needs both.
    """
    row = session.execute(_NARROWING, {"access_hash": access_hash}).one_or_none()
    return None if row is None else standing_in(row._asdict())


def standing_in(row: Mapping[str, Any]) -> Standing:
    """The login in a row of `STANDING`, whatever other columns a caller asked for besides; enums may be text."""
    told = {column: row[column] for column in _COLUMNS}
    state = None if told["device_state"] is None else DeviceState(told["device_state"])
    kind = SessionKind(told["kind"])
    return Standing(**{**told, "kind": kind, "device_state": state, "grants": pairs_of(told["grants"])})


_COLUMNS = tuple(column.name for column in dataclass_fields(Standing))


def person_with_grants(session: Session, person_id: UUID) -> tuple[Person, list[tuple[Role, UUID]]]:
    """A person and their (role, branch) pairs; narrows the transaction to the person's branches.

    Raises:
        NotFound: there is no such person.
    """
    query = select(Person, grants_of_person(), narrowing(scope_of_person())).where(Person.id == person_id)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return row[0], pairs_of(row[1])


def pairs_of(grants: list[list[str]]) -> list[tuple[Role, UUID]]:
    """Roles and branches out of that JSON value."""
    return [(Role(role), UUID(branch_id)) for role, branch_id in grants]


def slide(session: Session, session_id: UUID, until: datetime) -> None:
    """Move a browser's idle end; when a parallel request is just doing so, leave it to that one."""
    free = select(SignedIn.id).where(SignedIn.id == session_id).with_for_update(skip_locked=True)
    session.execute(
        update(SignedIn).where(SignedIn.id.in_(free)).values(access_expires_at=until),
        execution_options={"synchronize_session": False},
    )


def login_by_token(session: Session, access_hash: bytes) -> SignedIn | None:
    """The login a token belongs to, whatever its state."""
    return session.scalar(select(SignedIn).where(SignedIn.access_hash == access_hash))


def lock_login(session: Session, session_id: UUID) -> SignedIn | None:
    """A login, locked: two refreshes of one token queue behind each other."""
    query = select(SignedIn).where(SignedIn.id == session_id).with_for_update()
    return session.scalar(query, execution_options={"populate_existing": True})


def end_logins_of_person(session: Session, person_id: UUID, now: datetime) -> None:
    """End every open login of a person."""
    mine = (SignedIn.person_id == person_id, SignedIn.revoked_at.is_(None))
    session.execute(update(SignedIn).where(*mine).values(revoked_at=now))


def was_signed_in(session: Session, device_id: UUID, person_id: UUID) -> bool:
    """Whether the person was ever signed in on the tablet, as far back as logins are kept."""
    query = select(SignedIn.id).where(SignedIn.device_id == device_id, SignedIn.person_id == person_id).limit(1)
    return session.scalar(query) is not None


def end_logins_of_device(session: Session, device_id: UUID, now: datetime) -> None:
    """End every open login on a tablet."""
    mine = (SignedIn.device_id == device_id, SignedIn.revoked_at.is_(None))
    session.execute(update(SignedIn).where(*mine).values(revoked_at=now))


def forget_stale(session: Session, *, failures_before: datetime, logins_before: datetime) -> None:
    """Drop failure counts and ended logins that nobody asks for any more."""
    session.execute(delete(LoginThrottle).where(LoginThrottle.last_failure_at < failures_before))
    session.execute(
        delete(SignedIn).where(or_(SignedIn.expires_at < logins_before, SignedIn.revoked_at < logins_before))
    )


def throttles(session: Session, subjects: Sequence[str]) -> dict[str, LoginThrottle]:
    """Failure counts by subject. Tries on the first subject queue: parallel guesses must see each other's count."""
    session.execute(text("select pg_advisory_xact_lock(hashtextextended(:subject, 0))"), {"subject": subjects[0]})
    query = select(LoginThrottle).where(LoginThrottle.subject.in_(subjects))
    return {row.subject: row for row in session.scalars(query, execution_options={"populate_existing": True})}


def lock_throttle(session: Session, subject: str, now: datetime) -> LoginThrottle:
    """The failure count of a subject, made when missing, locked: parallel failures of one address all count."""
    session.execute(
        insert(LoginThrottle).values(subject=subject, failures=0, last_failure_at=now).on_conflict_do_nothing()
    )
    query = select(LoginThrottle).where(LoginThrottle.subject == subject).with_for_update()
    return session.scalars(query, execution_options={"populate_existing": True}).one()
